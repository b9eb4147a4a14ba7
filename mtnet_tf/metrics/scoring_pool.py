"""Scoring in several processes. TensorFlow is not imported here: a worker starts in seconds."""

from __future__ import annotations

import collections
import concurrent.futures.process
import multiprocessing
import os
import signal
import sys
import threading

import numpy as np
import threadpoolctl

from mtnet_tf.errors import InputError
from mtnet_tf.metrics.score import METRICS
from mtnet_tf.metrics.scorer import Scorer

# The threads of a BLAS that wait for the next dot product spin, on the cores of the other workers: with two workers on two
# cores scoring took 2.5 times as long, and one process alone twice as long.
_BLAS_THREADS = 1

_scorer = None  # in a worker: what depends on the references alone is computed once


class WorkerError(InputError):
    """A worker process that is gone."""


class ScoringPool:
    """Worker processes that know the references; a context manager, for many evaluations on one data set.

    Workers are spawned, not forked: a fork of a process that runs TensorFlow may hang. They start with the first job.
    With one process the scores are computed in this one.
    """

    def __init__(self, references: np.ndarray, num_processes: int):
        """Takes references float32 [R, L_s] in [-1, 1]."""
        self._references = references
        self._num_processes = num_processes
        self._executor = None
        self._scorer = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._executor is not None:
            if sys.version_info < (3, 11, 5):
                # There a thread that writes jobs to workers that were killed waits for ever, as long as this process can
                # read them itself (github.com/python/cpython/issues/94777).
                self._executor._call_queue._reader.close()
            self._executor.shutdown(cancel_futures=True)

    def map(self, jobs):
        """Yields the results of jobs (generated float32 [n, L_s], reference_index int [n]) in their order.

        A result is a list of n pairs: {metric: Score}, and the index of the reference with the highest Corr2D, None for
        silence. Few jobs are taken ahead of the results, so the waveforms of a whole split are never in memory.

        Raises WorkerError if a worker is gone.
        """
        if self._num_processes == 1:
            self._scorer = self._scorer or Scorer(self._references)
            for job in jobs:
                with threadpoolctl.threadpool_limits(_BLAS_THREADS):
                    result = _score_chunk(self._scorer, *job)
                yield result
            return
        if self._executor is None:
            self._executor = concurrent.futures.ProcessPoolExecutor(
                self._num_processes,
                multiprocessing.get_context("spawn"),
                initializer=_start_worker,
                initargs=(self._references,),
            )
        pending = collections.deque()
        try:
            for job in jobs:
                pending.append(self._executor.submit(_score_in_worker, *job))
                if len(pending) > 2 * self._num_processes:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except concurrent.futures.process.BrokenProcessPool as error:
            raise WorkerError(
                "A worker process of the metrics was killed, by want of memory or by hand. Run the same command again, "
                f"with fewer than {self._num_processes} processes if memory is short."
            ) from error


def _start_worker(references):
    global _scorer
    # Ctrl-C reaches the workers too: the process that started them says what there is to say, and ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threadpoolctl.threadpool_limits(_BLAS_THREADS)
    _scorer = Scorer(references)


def _end_with_parent():
    """Ends this worker when the process that started it was killed: it would wait for its next job for ever."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _score_in_worker(generated, reference_index):
    return _score_chunk(_scorer, generated, reference_index)


def _score_chunk(scorer, generated, reference_index):
    scores, correlations = scorer.score_and_correlate(generated, reference_index)
    nearest = [None if np.all(np.isnan(row)) else int(np.nanargmax(row)) for row in correlations]
    return [
        ({name: scores[name][i] for name in METRICS}, nearest[i]) for i in range(len(generated))
    ]
