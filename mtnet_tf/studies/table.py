"""Table 3 on any data set: the five rows, each trained and scored, and the controls. Resumable row by row."""

from __future__ import annotations

import logging
import pathlib

import keras
import numpy as np

from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.evaluation.figures import draw_examples
from mtnet_tf.evaluation.run import evaluate_run
from mtnet_tf.files import remove_leftovers, replacing
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems import mtnet as variants
from mtnet_tf.training import algorithm1

_logger = logging.getLogger(__name__)
_NUM_EXAMPLES = 6


def run_ablation(
    config: Config,
    data: AudioDescriptions,
    pool: ScoringPool,
    out_dir,
    *,
    rows=tuple(variants.VARIANTS),
    device: str,
    word_accuracy: bool = False,
    num_pairs: int = 0,
    **records,
) -> list[dict]:
    """Trains and scores the rows of Table 3 and, with MT-Net's softmax head, the controls.

    Args:
        config: of the row MT-Net; its data fits `data`.
        data: the data set.
        pool: scores the waveforms; its references are `data.recordings`.
        out_dir: one run folder a row: `<out_dir>/<variant>`.
        rows: which variants; stage 1 is trained once and shared.
        device, word_accuracy, num_pairs: as `evaluate_run`.
        **records: `strategy`, and further values for each environment.json, as `algorithm1.train`.

    Returns:
        The summaries: the rows in the order of Table 3, then the controls.
    """
    out_dir = pathlib.Path(out_dir)
    stage1 = None  # the run that has trained the autoencoder
    summaries, controls = [], []
    for place, variant in enumerate(rows, 1):
        run = RunFolder(out_dir / variant)
        _logger.info("row %d of %d: %s", place, len(rows), variant)
        algorithm1.train(
            variants.apply(variant, config), data, run, device, stage1_of=stage1, **records
        )
        if (run / "audio_features.npz").is_file():
            stage1 = run
        row, *rest = evaluate_run(
            run.path,
            data,
            pool,
            split="test",
            device=device,
            with_controls=variant == "mtnet",
            word_accuracy=word_accuracy,
            num_pairs=num_pairs,
        )
        summaries.append(row)
        controls += rest
        keras.backend.clear_session()
    return summaries + controls


def draw_run(run_dir, data: AudioDescriptions, path) -> None:
    """Draws Figure 5 for a run: the first test image of some words, its true and its generated sound, as a PNG."""
    run = RunFolder(run_dir)
    words = sorted(set(data.test.labels))[:: max(1, len(data.words) // _NUM_EXAMPLES)][
        :_NUM_EXAMPLES
    ]
    pairs = data.test.take([int(np.flatnonzero(data.test.labels == label)[0]) for label in words])
    generated = run.model()(pairs.images, training=False)["waveform"].numpy()
    remove_leftovers(pathlib.Path(path).parent)
    with replacing(path) as temporary:
        draw_examples(
            temporary,
            pairs.images,
            data.recordings.float_waveforms()[pairs.recordings],
            generated,
            [data.words[label] for label in pairs.labels],
            run.config().data.sample_rate,
        )
