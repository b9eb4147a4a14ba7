"""A table on any data set: its systems, each trained and scored, and the controls.

It goes on where it was stopped, row by row.
"""

from __future__ import annotations

import logging
import pathlib
from collections.abc import Sequence
from typing import Any, Literal

import keras

from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.evaluation.run import evaluate_run
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.metrics.word_accuracy import WordRecognizer
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems import System, configure
from mtnet_tf.systems.train import train

_logger = logging.getLogger(__name__)


def run_table(
    config: Config,
    data: AudioDescriptions,
    pool: ScoringPool,
    out_dir: pathlib.Path | str,
    *,
    systems: Sequence[System],
    device: Literal["cpu", "gpu"],
    recognizer: WordRecognizer | None = None,
    num_pairs: int = 0,
    **training: Any,
) -> list[dict]:
    """Trains and scores systems and, with MT-Net's softmax head, the controls.

    Args:
        config: of MT-Net; its data fits `data`. Each system changes it to its own.
        data: the data set.
        pool: scores the waveforms; its references are `data.recordings`.
        out_dir: receives one run folder a system, `<out_dir>/<name>`.
        systems: the rows. What they have in common, such as stage 1, is trained once.
        device: for the record.
        recognizer: as in `evaluate_run`.
        num_pairs: as in `evaluate_run`.
        **training: further arguments of `systems.train.train`, such as `strategy`.

    Returns:
        The summaries: the systems in their order, then the controls.
    """
    out_dir = pathlib.Path(out_dir)
    trained = []
    summaries, controls = [], []
    for place, system in enumerate(systems, 1):
        run = RunFolder(out_dir / system.name)
        _logger.info("row %d of %d: %s", place, len(systems), system.name)
        own = configure(system.name, config)
        train(own, data, run, device, shared=trained, **training)
        trained.append(run)
        row, *rest = evaluate_run(
            run,
            data,
            pool,
            split="test",
            device=device,
            controls=system.controls,
            recognizer=recognizer,
            num_pairs=num_pairs,
        )
        summaries.append(row)
        controls += rest
        keras.backend.clear_session()
    return summaries + controls
