"""The batches of a training, and of a pass over a split.

A batch carries images and the numbers of recordings; the training step gathers the waveforms. The
rows of a batch are a function of the seed and the step alone, so that a run that resumes at a step
sees what it would have seen.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import tensorflow as tf

from mtnet_tf.data.augmentation import Augmentation, move
from mtnet_tf.data.pairs import Pairs


def shuffled_batches(
    columns: dict[str, np.ndarray],
    *,
    batch_size: int,
    seed: int,
    first_step: int,
    num_steps: int,
    sampling: Literal["permutation", "contiguous_slices"] = "permutation",
    num_parts: int = 1,
    parts: range = range(1),
    augmentation: Augmentation | None = None,
) -> tf.data.Dataset:
    """Returns the batches of some steps of the endless shuffled stream of rows.

    Step s has the same batch whether or not the run was interrupted before it.

    Args:
        columns: {name: array [rows, ...]}.
        batch_size: rows in the batch of a step.
        seed: draws the stream.
        first_step: the first step, counted from 0, whose batch is yielded.
        num_steps: the number of the last step, plus 1.
        sampling: "permutation" makes the stream of one random permutation of the rows after
            another, a new one for each epoch, and cuts it into batches. "contiguous_slices" takes
            `batch_size` neighbouring rows, in the order of the columns, for each batch; their start
            is drawn uniformly from all places where they fit, independently of the other steps. So
            no slice wraps around the end, a row may come often or not at all in an epoch, and the
            rows next to either end come less often. Columns shorter than a batch are repeated.
        num_parts: equal parts of each batch, one for each replica.
        parts: which of them are yielded, one after the other.
        augmentation: moves the column "image"; None leaves it as it is.

    Returns:
        A data set of {name: tensor [batch_size / num_parts, ...]}.
    """
    (size,) = {len(values) for values in columns.values()}
    columns = {name: tf.constant(values) for name, values in columns.items()}
    draw = {"permutation": _permuted_rows, "contiguous_slices": _contiguous_rows}[sampling]

    def indices():
        steps = range(first_step, num_steps)
        for step, batch in zip(steps, draw(size, batch_size, seed, steps)):
            chosen = {"row": batch}
            if augmentation is not None:
                epochs = np.arange(step * batch_size, (step + 1) * batch_size) // size
                chosen |= augmentation.moves(batch, epochs)
            split = {name: np.split(values, num_parts) for name, values in chosen.items()}
            for part in parts:
                yield {name: values[part] for name, values in split.items()}

    def gather(chosen: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        batch = {name: tf.gather(values, chosen["row"]) for name, values in columns.items()}
        if augmentation is not None:
            batch["image"] = move(batch["image"], chosen["flip"], chosen["shift"])
        return batch

    part_size = batch_size // num_parts
    signature = {"row": tf.TensorSpec([part_size], tf.int64)}
    if augmentation is not None:
        signature["flip"] = tf.TensorSpec([part_size], tf.bool)
        signature["shift"] = tf.TensorSpec([part_size, 2], tf.int64)
    rows = tf.data.Dataset.from_generator(indices, output_signature=signature)
    return rows.map(gather).prefetch(4)


def _permuted_rows(size: int, batch_size: int, seed: int, steps: range):
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


def _contiguous_rows(size: int, batch_size: int, seed: int, steps: range):
    """Yields int64 [batch_size], the rows of each step's batch: see `shuffled_batches`."""
    num_starts = max(size - batch_size, 0) + 1
    for step in steps:
        start = np.random.default_rng([seed, step]).integers(num_starts)
        yield np.arange(start, start + batch_size) % size


def in_order_batches(pairs: Pairs, batch_size: int) -> tf.data.Dataset:
    """Returns all pairs once, in order, as `Pairs.columns`; the last batch may be smaller."""
    return tf.data.Dataset.from_tensor_slices(pairs.columns()).batch(batch_size)
