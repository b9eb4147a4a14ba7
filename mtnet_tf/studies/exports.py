"""How good a network still is in each form that it can be exported to, how large and how fast."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.evaluation.predictions import predicted_words
from mtnet_tf.evaluation.result_folder import Evaluation, read_finished
from mtnet_tf.evaluation.run import provenance
from mtnet_tf.evaluation.scoring import evaluate
from mtnet_tf.evaluation.speed import describing_speed
from mtnet_tf.exporting.export import FORMATS, export
from mtnet_tf.exporting.network import Exported
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.controls import Candidate

Call = Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]  # {input: array} -> {output: array}
Describe = Callable[[Pairs], dict[str, np.ndarray]]
# Makes a form: (inputs -> outputs, {"num_bytes", "largest_difference"})
Make = Callable[[], tuple[Call, dict[str, Any]]]


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
        out_dir: receives `<form>/summary.json` and more; a form that is there is not made again.
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
    origin = provenance(run, data, device)
    asked = Evaluation(pairs, data, "test", pool, origin, num_wavs=0)
    summaries = []
    with tempfile.TemporaryDirectory() as folder:
        for name, make in _forms(run, exported, pathlib.Path(folder)):
            own_dir = pathlib.Path(out_dir) / name
            if finished := read_finished(own_dir, asked):
                summaries.append(finished)
                continue
            call, found = make()
            describe = _describer(call, exported.inputs)
            candidate = Candidate(name, name.replace("_", " "), _speaker(describe))
            speed = describing_speed(candidate.speak, pairs)
            of_form = dataclasses.replace(asked, provenance=origin | speed)
            predicted = predicted_words(describe, pairs, data.words)
            summaries.append(evaluate(candidate, own_dir, of_form, predicted, **found))
    return summaries


def _forms(run: RunFolder, exported: Exported, folder: pathlib.Path) -> Iterator[tuple[str, Make]]:
    """Yields (name, what makes the form) of each."""

    def keep() -> tuple[Call, dict[str, Any]]:
        size = (run / NETWORK).stat().st_size
        return exported.expected, {"num_bytes": size, "largest_difference": None}

    yield "keras", keep
    for format_name, form in FORMATS.items():
        for quantize in (None, *form.QUANTIZATIONS):
            name = "_".join(filter(None, [format_name, quantize]))
            yield name, functools.partial(_export, exported, folder / name, format_name, quantize)


def _export(
    exported: Exported, path: pathlib.Path, format_name: str, quantize: str | None
) -> tuple[Call, dict[str, Any]]:
    found = export(exported, path, format_name, quantize)
    return FORMATS[format_name].load(pathlib.Path(found.pop("path"))), found


def _describer(call: Call, inputs: tuple[str, ...]) -> Describe:
    return lambda pairs: call({name: pairs.inputs()[name] for name in inputs})


def _speaker(describe: Describe) -> Callable[[Pairs], np.ndarray]:
    return lambda pairs: describe(pairs)["waveform"]
