"""Reads TFDS's own data sets, whose files may be damaged."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

from data_builders.errors import DataSetError
from mtnet_tf.errors import first_line


def read_examples(builder: tfds.core.DatasetBuilder, dataset: tf.data.Dataset) -> Iterator[Any]:
    """Reads what one of TFDS's own data sets holds.

    Args:
        builder: of the data set, which the message names.
        dataset: what the builder gave, batched or not.

    Yields:
        The examples or batches, as NumPy arrays.

    Raises:
        DataSetError: a file is missing or damaged.
    """
    try:
        yield from tfds.as_numpy(dataset)
    except (OSError, tf.errors.OpError) as error:
        raise DataSetError(
            f"TFDS's {builder.name!r} cannot be read from {builder.data_path}"
            f" ({first_line(error)}). Delete that folder, so that it is prepared again, or copy it"
            " again."
        ) from error
