"""Scoring in several processes. TensorFlow is not imported here: a worker starts in seconds."""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
import multiprocessing.connection
import multiprocessing.resource_tracker
import os
import queue
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import threadpoolctl

from mtnet_tf.errors import InputError
from mtnet_tf.metrics.score import METRICS, Score
from mtnet_tf.metrics.scorer import Scorer, nearest_reference

# The threads of a BLAS that wait for the next dot product spin, on the cores of the other workers.
# With two workers on two cores scoring took 2.5 times as long, and one process alone twice as long.
_BLAS_THREADS = 1

# One in work and one at hand, so that no worker waits for this process.
_JOBS_PER_WORKER = 2

# A fork of a process that runs TensorFlow may hang.
_CONTEXT = multiprocessing.get_context("spawn")

# What is found of one waveform: {metric: Score}; the index of the reference with the highest
# Corr2D, None for silence; and that Corr2D, NaN for silence.
PairScores = tuple[dict[str, Score], int | None, float]


class WorkerError(InputError):
    """A worker process is gone."""


class ScoringPool:
    """Worker processes that know the references, for many evaluations on one data set.

    A context manager. Workers start with the first job and are killed when the context is left,
    whatever they do: they hold nothing that could be lost. With one process the scores are computed
    in this one.

    Each worker has a pipe of its own. In this process there is no lock and no thread that could
    wait for a worker that is gone. A worker whose pipe closes ends: none outlives its program.
    """

    def __init__(
        self,
        references: np.ndarray,
        num_processes: int,
        metrics: Sequence[str] = METRICS,
    ) -> None:
        """Starts no worker yet.

        Args:
            references: float32 [R, L_s] in [-1, 1], the recordings.
            num_processes: how many workers, at least 1.
            metrics: which of METRICS and DISTANCES are computed.
        """
        self.metrics = tuple(metrics)
        self._references = references
        self._num_processes = num_processes
        self._scorer = None
        self._workers = {}  # the pipe to each process

    def __enter__(self) -> ScoringPool:
        return self

    def __exit__(self, *exception: object) -> None:
        self._kill_workers()

    def map(self, jobs: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[list[PairScores]]:
        """Scores jobs and yields their results in the order of the jobs.

        Few jobs are taken ahead of the results, so the waveforms of a whole split are never in
        memory.

        Args:
            jobs: each is (generated float32 [n, L_s], reference_index int [n]).

        Yields:
            A list of n `PairScores`.

        Raises:
            WorkerError: a worker is gone.
            ValueError: as `Scorer.score_and_correlate`.
        """
        if self._num_processes == 1:
            self._scorer = self._scorer or Scorer(self._references, metrics=self.metrics)
            for job in jobs:
                with threadpoolctl.threadpool_limits(_BLAS_THREADS):
                    result = _score_chunk(self._scorer, *job)
                yield result
            return
        free = collections.deque()  # pipes to workers that can take a job
        unfinished, results = {}, {}  # by the number of the job: its worker's pipe, its result
        num_yielded = 0
        try:
            for number, job in enumerate(jobs):
                if number == 0:
                    free.extend(self._start_workers() * _JOBS_PER_WORKER)
                while not free:
                    free.extend(self._receive(unfinished, results))
                unfinished[number] = free.popleft()
                with self._workers_needed():
                    unfinished[number].send((number, job))
                while num_yielded in results:
                    yield results.pop(num_yielded)
                    num_yielded += 1
            while unfinished:
                self._receive(unfinished, results)
            for number in sorted(results):
                yield results[number]
        finally:
            if unfinished:
                # Nobody wants the results of these jobs any more.
                self._kill_workers()

    def _receive(self, unfinished: dict, results: dict):
        """Waits until jobs are finished, stores their results, returns the pipes to the workers."""
        ready = multiprocessing.connection.wait(set(unfinished.values()))
        for pipe in ready:
            with self._workers_needed():
                number, result = pipe.recv()
            if isinstance(result, Exception):
                raise result
            results[number] = result
            del unfinished[number]
        return ready

    @contextlib.contextmanager
    def _workers_needed(self):
        """A context in which the broken pipe to a worker becomes a WorkerError."""
        try:
            yield
        except (EOFError, OSError) as error:
            raise WorkerError(
                "A worker process of the metrics was killed, by want of memory or by hand. Run the "
                f"same command again, with fewer than {self._num_processes} processes if memory is "
                "short."
            ) from error

    def _start_workers(self):
        """The pipes to the workers, which are started unless they run."""
        while len(self._workers) < self._num_processes:
            pipe, its_pipe = _CONTEXT.Pipe()
            arguments = its_pipe, self._references, self.metrics
            worker = _CONTEXT.Process(target=_work, args=arguments, daemon=True)
            # Ctrl-C reaches all processes of a terminal, and this one ends the workers: they start
            # with SIGINT blocked. The resource tracker's start unblocks it, so it comes before.
            multiprocessing.resource_tracker.ensure_running()
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                worker.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            its_pipe.close()
            self._workers[pipe] = worker
        return list(self._workers)

    def _kill_workers(self):
        workers, self._workers = self._workers, {}
        for worker in workers.values():
            worker.kill()
        for pipe, worker in workers.items():
            worker.join()
            pipe.close()


def _work(
    pipe: multiprocessing.connection.Connection, references: np.ndarray, metrics: Sequence[str]
):
    jobs = queue.SimpleQueue()
    threading.Thread(target=_take_jobs, args=(pipe, jobs), daemon=True).start()
    threadpoolctl.threadpool_limits(_BLAS_THREADS)
    # What depends on the references alone is computed once.
    scorer = Scorer(references, metrics=metrics)
    while True:
        number, job = jobs.get()
        try:
            result = _score_chunk(scorer, *job)
        except Exception as error:
            result = error
        # A broken pipe ends this process in the other thread.
        with contextlib.suppress(OSError):
            pipe.send((number, result))


def _take_jobs(pipe: multiprocessing.connection.Connection, jobs: queue.SimpleQueue):
    """Takes jobs from the pipe, and ends this process when the one that started it is gone."""
    try:
        while True:
            jobs.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(1)


def _score_chunk(scorer: Scorer, generated: np.ndarray, reference_index: np.ndarray):
    scores, correlations = scorer.score_and_correlate(generated, reference_index)
    results = []
    for i, row in enumerate(correlations):
        of_pair = {name: scores[name][i] for name in scorer.metrics}
        results.append((of_pair, *nearest_reference(row)))
    return results
