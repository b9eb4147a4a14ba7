"""Figure 5 for a run: pairs that went well and pairs that did not, as a picture and as sounds.

The pairs are chosen by a rule, not by hand: of some words, evenly spread over the alphabet, the
pair whose Corr2D is the median of those whose word was retrieved; and likewise of those whose word
was not.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib

import numpy as np

from mtnet_tf.data import audio
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.errors import InputError
from mtnet_tf.evaluation.figures import draw_examples
from mtnet_tf.evaluation.run import MODEL
from mtnet_tf.files import read_csv, remove_leftovers, replacing
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.trained import load_network

_logger = logging.getLogger(__name__)
_WORDS_OF_EACH_KIND = 3


@dataclasses.dataclass(frozen=True)
class Example:
    """A scored pair that is shown.

    Attributes:
        image_id: which pair.
        word: what it should say.
        retrieved_word: the word that it is nearest to; "" for silence.
        corr2d: its score.
    """

    image_id: str
    word: str
    retrieved_word: str
    corr2d: float

    @property
    def kind(self) -> str:
        """Whether its word was retrieved: "good" or "bad"."""
        return "good" if self.word == self.retrieved_word else "bad"


def write_examples(
    run_dir: pathlib.Path | str, data: AudioDescriptions, folder: pathlib.Path | str
) -> None:
    """Writes examples.png and the sounds behind it, the true and the generated ones.

    Args:
        run_dir: a run that was scored on the test split.
        data: the data set of the run.
        folder: receives examples.png and sounds/<number>_<kind>_<word>_<true or generated>.flac.

    Raises:
        InputError: the run was not scored on the test split, or a file cannot be written.
    """
    run, folder = RunFolder(run_dir), pathlib.Path(folder)
    examples = choose(read_scored(run / "evaluation" / "test" / MODEL / "rows.csv"))
    if not examples:
        _logger.warning("%s: no pair has a Corr2D, so there is no example to show.", run.path)
        return
    places = {image_id: place for place, image_id in enumerate(data.test.image_ids)}
    pairs = data.test.take([places[example.image_id] for example in examples])
    network = load_network(run)
    outputs = network(named_inputs(network, pairs.inputs()), training=False)
    generated = outputs["waveform"].numpy()
    true = data.recordings.float_waveforms()[pairs.recordings]
    rate = run.config().data.sample_rate
    remove_leftovers(folder)
    labels = [
        example.word if example.kind == "good" else f"{example.word}\nas {example.retrieved_word}"
        for example in examples
    ]
    with replacing(folder / "examples.png") as temporary:
        draw_examples(temporary, pairs.images, true, generated, labels, rate)
    for place, example in enumerate(examples):
        for name, waveform in (("true", true[place]), ("generated", generated[place])):
            word = example.word.replace(" ", "_")
            file = f"{place + 1}_{example.kind}_{word}_{name}.flac"
            audio.write_audio(folder / "sounds" / file, waveform, rate)


def read_scored(path: pathlib.Path) -> list[Example]:
    """Returns the pairs of a rows.csv that have a Corr2D.

    Raises:
        InputError: the file is missing or broken.
    """
    try:
        scored = [
            Example(row["image_id"], row["word"], row["retrieved_word"], float(row["corr2d"]))
            for row in read_csv(path)
        ]
    except (LookupError, ValueError) as error:
        raise InputError(
            f"{path} is broken ({error!r}). Run experiments.evaluate again."
        ) from error
    return [example for example in scored if not np.isnan(example.corr2d)]


def choose(scored: list[Example]) -> list[Example]:
    """Returns the examples that the rule of this module chooses, the good ones first.

    Args:
        scored: the pairs of a split.
    """
    chosen = []
    for kind in ("good", "bad"):
        of_kind = [example for example in scored if example.kind == kind]
        words = sorted({example.word for example in of_kind})
        for k in range(min(_WORDS_OF_EACH_KIND, len(words))):
            word = words[k * len(words) // min(_WORDS_OF_EACH_KIND, len(words))]
            of_word = [example for example in of_kind if example.word == word]
            of_word.sort(key=lambda example: (example.corr2d, example.image_id))
            chosen.append(of_word[(len(of_word) - 1) // 2])
    return chosen
