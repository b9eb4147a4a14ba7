"""What a network takes images for: the word that it classifies, or spells, of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from mtnet_tf.data.pairs import Pairs
from mtnet_tf.data.slices import slices
from mtnet_tf.speech import letters

_BATCH = 100  # images that are described at once


def predicted_words(
    describe: Callable[[Pairs], Mapping[str, np.ndarray]], pairs: Pairs, words: Sequence[str]
) -> dict[str, str] | None:
    """Returns {image id: word}; None where the network neither classifies nor spells.

    Args:
        describe: pairs -> the outputs of the network: "letters" where it spells, "logits" or
            "probabilities", [n, words], where it classifies.
        pairs: whose images are described.
        words: of the classes.
    """
    predicted = {}
    for rows in slices(len(pairs), _BATCH):
        batch = pairs.take(rows)
        outputs = describe(batch)
        if "letters" in outputs:
            found = letters.decode(outputs["letters"])
        elif classifying := outputs.keys() & {"logits", "probabilities"}:
            found = [words[label] for label in outputs[classifying.pop()].argmax(-1)]
        else:
            return None
        predicted.update(zip(batch.image_ids, found))
    return predicted
