"""TensorBoard's events, written when the training loop says so."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import tensorflow as tf

from mtnet_tf.files import writing


@contextlib.contextmanager
def summary_writer(logdir: str) -> Iterator[tf.summary.SummaryWriter]:
    """Yields a `tf.summary` writer that is the default one meanwhile.

    It writes to the disk only in its method `flush`, which the caller calls within
    `files.writing`, and where the context ends without an error.

    Args:
        logdir: the folder of the events.

    Raises:
        FileError: `logdir` cannot be written.
    """
    with writing(logdir):
        writer = tf.summary.create_file_writer(logdir, max_queue=10**6, flush_millis=2 * 10**6)
    default = writer.as_default()
    default.__enter__()
    try:
        yield writer
    except BaseException:
        # The end of the context flushes. On a full disk its error would hide the one that is
        # being raised.
        with contextlib.suppress(tf.errors.OpError):
            default.__exit__(None, None, None)
        raise
    with writing(logdir):
        default.__exit__(None, None, None)
