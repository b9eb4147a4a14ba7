"""Scores a run folder: its network and, where asked for, the controls, over a split."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, Literal

import keras
import numpy as np

from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.errors import InputError
from mtnet_tf.evaluation.predictions import predicted_words
from mtnet_tf.evaluation.result_folder import Evaluation, read_finished
from mtnet_tf.evaluation.scoring import evaluate
from mtnet_tf.evaluation.speed import describing_speed
from mtnet_tf.files import locked
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.metrics.word_accuracy import WordRecognizer
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.models.tracing import traced
from mtnet_tf.runs.layout import EVALUATION, MODEL, result_folder
from mtnet_tf.runs.provenance import environment, of_training
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems import find
from mtnet_tf.systems.controls import Candidate, Context, Control, make_controls
from mtnet_tf.systems.trained import load_network


def evaluate_run(
    run: RunFolder,
    data: AudioDescriptions,
    pool: ScoringPool,
    *,
    split: Literal["test", "validation"],
    device: Literal["cpu", "gpu"],
    controls: Sequence[Control] = (),
    recognizer: WordRecognizer | None = None,
    num_pairs: int = 0,
    num_wavs: int = 10,
    output_dir: pathlib.Path | str | None = None,
) -> list[dict]:
    """Scores a trained run and returns the summaries: the network's, then the controls'.

    Args:
        run: a run folder with a trained network.
        data: the data set of the run (`runs.data_set.load_data`).
        pool: scores the waveforms; its references are `data.recordings`.
        split: which pairs.
        device: for the record.
        controls: are scored too; their classifier is this run's softmax head.
        recognizer: adds what it hears, of the words of `data`; None leaves the word accuracy out.
        num_pairs: how many pairs to score, evenly spread over the split; 0 for all.
        num_wavs: how many of the first waveforms to keep.
        output_dir: receives `<split>/<candidate>/`; None for `evaluation` in the run folder.

    Raises:
        InputError: no finished run, an empty split, another process at the same evaluation, an
            evaluation of more pairs is there, or a result cannot be written.
    """
    config = run.config()
    pairs = getattr(data, split).spread(num_pairs)
    if not len(pairs):
        raise InputError(
            f"The {split} split of {data.name} has no pairs: data.validation_fraction is"
            f" {config.data.validation_fraction:g}. Score another split."
        )
    origin = provenance(run, data, device)
    asked = Evaluation(pairs, data, split, pool, origin, num_wavs, recognizer)
    evaluation = output_dir or run / EVALUATION
    folder_of = functools.partial(result_folder, split=split, evaluation=evaluation)
    names = (MODEL, *(control.name for control in controls))
    finished = [read_finished(folder_of(name), asked) for name in names]
    if all(finished):
        return finished
    network = load_network(run)
    describe = _describer(network)
    predicted = predicted_words(describe, pairs, data.words)
    candidates = [Candidate(MODEL, find(config.system).label, lambda p: describe(p)["waveform"])]
    context = Context(data, predicted, config=config, network=network)
    candidates += make_controls(context, controls)
    speed = describing_speed(candidates[0].speak, pairs)
    asked = dataclasses.replace(asked, provenance=origin | speed)
    with locked(folder_of(MODEL).parent, wait=False):
        return [
            evaluate(
                candidate,
                folder_of(candidate.name),
                asked,
                predicted if candidate.name == MODEL else None,
            )
            for candidate in candidates
        ]


def _describer(network: keras.Model) -> Callable[[Pairs], dict[str, np.ndarray]]:
    """Returns pairs -> what the test network of section 3.5 makes of them, by the output's name."""
    apply = traced(functools.partial(network, training=False))

    def describe(pairs: Pairs) -> dict[str, np.ndarray]:
        outputs = apply(named_inputs(network, pairs.inputs()))
        return {name: values.numpy() for name, values in outputs.items()}

    return describe


def provenance(run: RunFolder, data: AudioDescriptions, device: str) -> dict[str, Any]:
    """Returns how a network was trained, and where what is measured of it is; JSON types.

    Args:
        run: trained.
        data: the data set of the run.
        device: what it is measured on.
    """
    config, record = run.config(), run.environment()
    kept = ("training_seconds", "steps", "images_seen", "num_parameters", "flops_per_image")
    kept += ("data_path",)
    return {
        **environment(device),
        **of_training(record),
        **{key: record.get(key) for key in kept},
        "network_fingerprint": run.network_fingerprint(),
        "preset": config.preset,
        "system": config.system,
        "seed": config.training.seed,
        "precision": config.training.precision,
        "num_training_pairs": len(data.train),
        "recordings": data.recordings_record(),
    }
