"""TensorBoard's events, written when the loop says so."""

import contextlib

import tensorflow as tf

from mtnet_tf.files import writing


@contextlib.contextmanager
def summary_writer(logdir):
    """Yields a `tf.summary` writer that is the default one meanwhile.

    It writes to the disk in `flush` alone, which the caller calls within `files.writing`; a context that ends without an
    error flushes too. Raises FileError if `logdir` cannot be written.
    """
    with writing(logdir):
        writer = tf.summary.create_file_writer(logdir, max_queue=10**6, flush_millis=2 * 10**6)
    default = writer.as_default()
    default.__enter__()
    try:
        yield writer
    except BaseException:
        # The end of the context flushes: on a full disk its error would hide the one that is being raised.
        with contextlib.suppress(tf.errors.OpError):
            default.__exit__(None, None, None)
        raise
    with writing(logdir):
        default.__exit__(None, None, None)
