"""A trace of some training steps, for TensorBoard's profiler."""

import contextlib

import tensorflow as tf

_FIRST, _LAST = 11, 20  # of a start: the first steps trace and compile the step itself


class Profiler:
    """Traces some steps into `logdir`, where it is wanted."""

    def __init__(self, logdir, wanted):
        self._logdir, self._wanted, self._running = logdir, wanted, False

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._stop()

    def _stop(self):
        if self._running:
            tf.profiler.experimental.stop()
            self._running = False

    @contextlib.contextmanager
    def step(self, number):
        """A context for the step `number`, counted from this start's first."""
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
