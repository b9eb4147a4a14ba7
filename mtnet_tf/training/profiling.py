"""A trace of some training steps, for TensorBoard's profiler."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

# The first steps of a process also trace and compile the step, so they are left out.
_FIRST, _LAST = 11, 20


class Profiler:
    """Traces the steps 11 to 20 of a process, where that is wanted.

    It is a context that ends a trace which is still running.
    """

    def __init__(self, logdir: str, wanted: bool) -> None:
        """Begins with no trace.

        Args:
            logdir: the folder of the trace.
            wanted: whether there shall be a trace at all.
        """
        self._logdir, self._wanted, self._running = logdir, wanted, False

    def __enter__(self) -> Profiler:
        return self

    def __exit__(self, *unused: Any) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._running:
            tf.profiler.experimental.stop()
            self._running = False

    @contextlib.contextmanager
    def step(self, number: int) -> Iterator[None]:
        """Yields a context in which one training step is taken.

        Args:
            number: of the step, counted from 1 at the first step of this process.
        """
        if self._wanted and number == _FIRST:
            tf.profiler.experimental.start(self._logdir)
            self._running = True
        if not self._running:
            yield
            return
        with tf.profiler.experimental.Trace("train", step_num=number, _r=1):
            yield
        if number == _LAST:
            self._stop()
