"""Training images, mirrored and shifted.

How an image is moved is a function of the seed, the epoch and its row alone, so that a run that
resumes sees what it would have seen.
"""

from __future__ import annotations

import functools

import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config


class Augmentation:
    """Moves the images of a training split."""

    def __init__(self, config: Config, num_rows: int) -> None:
        """Takes what a configuration says of it.

        Args:
            config: of the run. Images of digits are never mirrored.
            num_rows: how many images there are.
        """
        self._flips = config.augmentation.alternating_flip and config.data.digit_size is None
        self._translation = config.augmentation.translation
        self._seed, self._num_rows = config.training.seed, num_rows
        self._shifts = functools.lru_cache(maxsize=2)(self._draw_shifts)
        self._first_flips = np.random.default_rng(self._seed).random(num_rows) < 0.5

    def moves(self, rows: np.ndarray, epochs: np.ndarray) -> dict[str, np.ndarray]:
        """Returns how some images are moved.

        Args:
            rows: int [batch], which images.
            epochs: int [batch], the epoch that each of them is seen in.

        Returns:
            {"flip": bool [batch], whether the image is mirrored: one that is in an epoch is not in
            the next; "shift": int64 [batch, 2], pixels down and to the right}.
        """
        shift = np.zeros([len(rows), 2], np.int64)
        if self._translation:
            for epoch in np.unique(epochs):
                shift[epochs == epoch] = self._shifts(int(epoch))[rows[epochs == epoch]]
        flip = self._flips & (self._first_flips[rows] ^ (epochs % 2 == 1))
        return {"flip": flip, "shift": shift}

    def draw(self, count: tf.Tensor, seed: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns what `moves` does, drawn in a graph: for images that belong to no epoch.

        Args:
            count: of how many images, int32.
            seed: int32 [2], of the random numbers.
        """
        limits = {"minval": -self._translation, "maxval": self._translation + 1}
        shift = tf.random.stateless_uniform([count, 2], seed, dtype=tf.int64, **limits)
        flip = self._flips & (tf.random.stateless_uniform([count], seed) < 0.5)
        return {"flip": flip, "shift": shift}

    def _draw_shifts(self, epoch: int) -> np.ndarray:
        random = np.random.default_rng([self._seed, epoch])
        return random.integers(
            -self._translation, self._translation, [self._num_rows, 2], endpoint=True
        )


def move(images: tf.Tensor, flip: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Returns images of the same shape, mirrored and shifted.

    What a shift lets in is the mirror image of the border, without the border's own pixels.

    Args:
        images: [batch, height, width, channels].
        flip: bool [batch], whether left and right change places, before the shift.
        shift: int64 [batch, 2], pixels down and to the right.
    """
    height, width = images.shape[1:3]
    rows = _reflected(tf.range(height, dtype=tf.int64) - shift[:, :1], height)
    columns = _reflected(tf.range(width, dtype=tf.int64) - shift[:, 1:], width)
    columns = tf.where(flip[:, None], width - 1 - columns, columns)
    images = tf.gather(images, rows, axis=1, batch_dims=1)
    return tf.gather(images, columns, axis=2, batch_dims=1)


def _reflected(places: tf.Tensor, size: int) -> tf.Tensor:
    """Returns places within [0, size), those outside mirrored at the first and the last."""
    period = max(2 * (size - 1), 1)
    places = tf.math.floormod(places, period)
    return tf.minimum(places, period - places) if size > 1 else tf.zeros_like(places)
