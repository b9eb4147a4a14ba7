"""The batches of a training, and of a pass over a split.

A batch carries images and recording numbers only; the training step gathers the waveforms. The rows of a batch are a
function of the seed and the step alone, so a run that resumes at a step sees what it would have seen.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mtnet_tf.data.pairs import Pairs


def shuffled_batches(
    columns: dict,
    *,
    batch_size: int,
    seed: int,
    first_step: int,
    num_steps: int,
    sampling: str = "permutation",
    num_parts: int = 1,
    parts: range = range(1),
) -> tf.data.Dataset:
    """Returns the batches of the steps `first_step` to `num_steps` - 1 of the endless shuffled stream of rows.

    Step s is the same batch whether or not the run was interrupted before it.

    Args:
        columns: {name: array [rows, ...]}.
        sampling: "permutation": the stream is one random permutation of the rows after another (each epoch its own),
            cut into batches. "contiguous_slices": each batch is `batch_size` neighbouring rows, in the order of the
            columns; of all places where such a slice fits, its start is drawn uniformly and independently of the other
            steps. So no slice wraps around the end, an epoch is a number of steps in which a row may come often or
            not at all, and the rows next to either end come less often. Columns shorter than a batch are repeated.
        num_parts: equal parts of each batch, one a replica.
        parts: which of them are yielded, one after the other.

    Yields {name: tensor [batch_size / num_parts, ...]}.
    """
    (size,) = {len(values) for values in columns.values()}
    columns = {name: tf.constant(values) for name, values in columns.items()}
    draw = {"permutation": _permuted_rows, "contiguous_slices": _contiguous_rows}[sampling]

    def indices():
        for batch in draw(size, batch_size, seed, range(first_step, num_steps)):
            yield from np.split(batch, num_parts)[parts.start : parts.stop]

    rows = tf.data.Dataset.from_generator(
        indices, output_signature=tf.TensorSpec([batch_size // num_parts], tf.int64)
    )
    return rows.map(
        lambda row: {name: tf.gather(values, row) for name, values in columns.items()}
    ).prefetch(4)


def _permuted_rows(size, batch_size, seed, steps):
    """Yields int64 [batch_size], the rows of each step's batch: see `shuffled_batches`."""
    epoch, order = -1, None
    for step in steps:
        batch = np.empty([batch_size], np.int64)
        for i, position in enumerate(range(step * batch_size, (step + 1) * batch_size)):
            if position // size != epoch:
                epoch = position // size
                order = np.random.default_rng([seed, epoch]).permutation(size)
            batch[i] = order[position % size]
        yield batch


def _contiguous_rows(size, batch_size, seed, steps):
    """Yields int64 [batch_size], the rows of each step's batch: see `shuffled_batches`."""
    num_starts = max(size - batch_size, 0) + 1
    for step in steps:
        start = np.random.default_rng([seed, step]).integers(num_starts)
        yield np.arange(start, start + batch_size) % size


def in_order_batches(pairs: Pairs, batch_size: int) -> tf.data.Dataset:
    """Returns all pairs once, in order, in the columns of `Pairs.columns`; the last batch may be smaller."""
    return tf.data.Dataset.from_tensor_slices(pairs.columns()).batch(batch_size)
