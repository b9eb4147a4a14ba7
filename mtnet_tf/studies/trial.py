"""A training with a change of its recipe: what it brings, on the validation split.

It looks at the validation part of the training split, never at the test split.
"""

from __future__ import annotations

from typing import Any, Literal

import keras

from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.evaluation.run import evaluate_run
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.runs.provenance import of_training
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.divergence import DIVERGENCES, divergence
from mtnet_tf.systems.train import train


def try_change(
    config: Config,
    data: AudioDescriptions,
    run: RunFolder,
    device: Literal["cpu", "gpu"],
    pool: ScoringPool,
    num_pairs: int,
) -> dict[str, Any]:
    """Trains with a changed recipe, or goes on where it was stopped, and scores its speech.

    Args:
        config: of the training (`changed`).
        data: the data set.
        run: the run folder. The stage 1 of another one beside it is taken over where it is equal.
        device: what the training runs on, for the record.
        pool: scores the waveforms; its references are `data.recordings`.
        num_pairs: how many pairs of the validation split to score, evenly spread; 0 for all.

    Returns:
        {"looks": [{"step" and the figures of `JointStage.validate`}], "scores": a summary as
        `evaluation.scoring.evaluate` returns it, "training_seconds", "images_seen",
        "num_parameters"} and what `provenance.of_training` returns, as JSON types. Of a training
        that diverged, "diverged" (`divergence`) and the latter.

    Raises:
        ConfigError: the validation split is empty.
    """
    data.require_validation("A recipe is chosen")
    ending = {}
    try:
        train(config, data, run, device, shared=run.neighbours(), keep="model")
    except DIVERGENCES as error:
        ending["diverged"] = divergence(error)
    else:
        (scores,) = evaluate_run(
            run, data, pool, split="validation", device=device, num_pairs=num_pairs, num_wavs=0
        )
        scores.pop("provenance")
        kept = ("training_seconds", "images_seen", "num_parameters")
        of_run = {key: run.environment()[key] for key in kept}
        ending |= {"looks": run.validations(), "scores": scores, **of_run}
    keras.backend.clear_session()
    return {**of_training(run.environment()), **ending}
