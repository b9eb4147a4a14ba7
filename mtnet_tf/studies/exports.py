"""How good a network still is in each form that it can be exported to, how large and how fast."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.evaluation.run import training_record
from mtnet_tf.evaluation.scoring import evaluate
from mtnet_tf.evaluation.speed import describing_speed
from mtnet_tf.exporting.export import FORMATS, export
from mtnet_tf.exporting.network import Exported
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.runs.provenance import environment
from mtnet_tf.runs.run_folder import NETWORK, RunFolder
from mtnet_tf.systems.controls import Candidate

Call = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]  # {input: array} -> {output: array}
Describe = Callable[[Pairs], dict[str, np.ndarray]]
_BATCH = 100


def compare_exports(
    run: RunFolder,
    data: AudioDescriptions,
    pool: ScoringPool,
    out_dir: pathlib.Path | str,
    *,
    device: Literal["cpu", "gpu"],
    num_pairs: int,
) -> list[dict]:
    """Exports a network to all forms, and scores each on the same test pairs.

    Args:
        run: trained.
        data: the data set of the run.
        pool: scores the waveforms; its references are `data.recordings`.
        out_dir: receives `<form>/summary.json` and more; a form that is there is not scored again.
        device: for the record.
        num_pairs: how many pairs, evenly spread over the test split; 0 for all.

    Returns:
        The summaries (`evaluation.scoring.evaluate`), Keras' own first, each with "num_bytes",
        "largest_difference" from Keras and what `evaluation.speed.describing_speed` measures.

    Raises:
        ConfigError: the network cannot be exported.
        ExportError: a package is missing, or a form says something else than Keras.
    """
    pairs, exported = data.test.spread(num_pairs), Exported(run)
    recordings, training = data.recordings_record(), training_record(run)
    summaries = []
    with tempfile.TemporaryDirectory() as folder:
        for name, call, found in _forms(run, exported, pathlib.Path(folder)):
            describe = _describer(call, exported.inputs)
            candidate = Candidate(name, name.replace("_", " "), _speaker(describe))
            speed = describing_speed(candidate.speak, pairs)
            provenance = {**environment(device), **training, **speed, "recordings": recordings}
            summaries.append(
                evaluate(
                    candidate,
                    pairs,
                    data,
                    pathlib.Path(out_dir) / name,
                    provenance=provenance,
                    split="test",
                    split_size=len(data.test),
                    pool=pool,
                    num_wavs=0,
                    predicted=_predicted(describe, pairs, data.words),
                    **found,
                )
            )
    return summaries


def _forms(
    run: RunFolder, exported: Exported, folder: pathlib.Path
) -> Iterator[tuple[str, Call, dict[str, Any]]]:
    """Yields (name, inputs -> outputs, {"num_bytes", "largest_difference"}) of each form."""
    keras_file = {"num_bytes": (run / NETWORK).stat().st_size, "largest_difference": None}
    yield "keras", exported.expected, keras_file
    for format_name, form in FORMATS.items():
        for quantize in (None, *form.QUANTIZATIONS):
            name = "_".join(filter(None, [format_name, quantize]))
            found = export(exported, folder / name, format_name, quantize)
            yield name, form.load(pathlib.Path(found.pop("path"))), found


def _describer(call: Call, inputs: tuple[str, ...]) -> Describe:
    return lambda pairs: call({name: pairs.inputs()[name] for name in inputs})


def _speaker(describe: Describe) -> Callable[[Pairs], np.ndarray]:
    return lambda pairs: describe(pairs)["waveform"]


def _predicted(describe: Describe, pairs: Pairs, words: tuple[str, ...]) -> dict[str, str] | None:
    predicted = {}
    for first in range(0, len(pairs), _BATCH):
        batch = pairs.take(np.arange(first, min(first + _BATCH, len(pairs))))
        outputs = describe(batch)
        if "probabilities" not in outputs:
            return None
        found = outputs["probabilities"].argmax(-1)
        predicted.update(zip(batch.image_ids, (words[label] for label in found)))
    return predicted
