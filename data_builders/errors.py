"""The two errors of the package: of the recordings, and of the data set that is made of them."""

from mtnet_tf.errors import InputError


class RecordingsError(InputError, ValueError):
    """Recordings that cannot be used or made; the message says why and what to do."""


class DataSetError(InputError, ValueError):
    """A data set that cannot be opened or written; the message says why and what to do."""
