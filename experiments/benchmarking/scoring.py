"""Scoring: each metric, all of them together, and all of them in a process for each core."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import numpy as np

from experiments.benchmarking.setting import Setting
from experiments.benchmarking.synthetic import synthetic_words
from experiments.benchmarking.timing import rates, seconds_per_call, significant
from mtnet_tf.metrics.corr2d import corr2d
from mtnet_tf.metrics.pesq import pesq
from mtnet_tf.metrics.scorer import Scorer
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.metrics.stoi import stoi
from mtnet_tf.runs.cores import num_cores

_NUM_REFERENCES = 10
_CHUNK = 20  # pairs a job, as an evaluation makes them


def evaluation(setting: Setting) -> dict:
    """Measures how many pairs of words of 0.3 to 1 s are scored a second."""
    data, seconds = setting.config.data, setting.seconds
    references = synthetic_words(_NUM_REFERENCES, data)
    pairs = distorted_pairs(references)

    def one_pair(metric: Callable):
        index, generated = next(pairs)
        metric(references[index], generated, data.sample_rate)

    figures = {
        metric.__name__: rates(
            seconds_per_call(lambda metric=metric: one_pair(metric), seconds), 1, "pairs"
        )
        for metric in (corr2d, pesq, stoi)
    }
    scorer = Scorer(references, data.sample_rate)

    def all_metrics():
        index, generated = next(pairs)
        scorer.score_and_correlate(generated[None], np.array([index]))

    num_processes = num_cores()
    return {
        **figures,
        "all_metrics": rates(seconds_per_call(all_metrics, seconds), 1, "pairs"),
        "pool": {
            "num_processes": num_processes,
            "pairs_per_second": significant(
                _pool_rate(references, pairs, num_processes, max(seconds, 1.0))
            ),
        },
    }


def distorted_pairs(references: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields pairs without end, in which no two waveforms are alike.

    Args:
        references: float32 [n, L_s].

    Yields:
        The number of a reference, and float32 [L_s]: that reference, quieter and with noise.
    """
    noise = 0.02 * np.random.default_rng(3).standard_normal(references.shape[1]).astype(np.float32)
    for i in itertools.count():
        level = np.float32(0.3 + 0.5 * (i * 0.6180339887 % 1))
        index = i % len(references)
        yield index, level * references[index] + np.roll(noise, i)


def _pool_rate(
    references: np.ndarray,
    pairs: Iterator[tuple[int, np.ndarray]],
    num_processes: int,
    seconds: float,
) -> float:
    """Returns the pairs a second of workers that have started."""

    def job():
        indices, generated = zip(*itertools.islice(pairs, _CHUNK))
        return np.array(generated), np.array(indices)

    def jobs(until: float):
        while time.perf_counter() < until:
            yield job()

    with ScoringPool(references, num_processes) as pool:
        for _ in pool.map(job() for _ in range(3 * num_processes)):
            pass
        start = time.perf_counter()
        count = sum(len(results) for results in pool.map(jobs(start + seconds)))
        return count / (time.perf_counter() - start)
