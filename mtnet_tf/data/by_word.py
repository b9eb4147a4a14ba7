"""Items of which each has a word, to draw one of a given word."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mtnet_tf.data.pairs import DataError


class ByWord:
    """The places of items, such as images or recordings, sorted by word."""

    def __init__(self, labels: np.ndarray, num_words: int) -> None:
        """Sorts the places.

        Args:
            labels: int [n], the word of each item.
            num_words: how many words there are.

        Raises:
            DataError: a word has no item.
        """
        self._places = np.argsort(labels, kind="stable")
        self._counts = np.bincount(labels, minlength=num_words)
        if not self._counts.all():
            lacking = np.flatnonzero(self._counts == 0).tolist()
            raise DataError(
                f"There is nothing to draw of the words number {lacking}: the training split has"
                " none of them. Prepare the data set with more images."
            )
        self._firsts = np.cumsum(self._counts) - self._counts

    def choose(self, words: tf.Tensor, parts: tf.Tensor) -> tf.Tensor:
        """Returns int64 [batch]: for each word the place of one of its items.

        Args:
            words: int32 [batch].
            parts: float32 [batch] in [0, 1), how far along the items of the word; uniform for a
                draw in which each is equally likely.
        """
        counts = tf.gather(tf.cast(self._counts, tf.float32), words)
        # Rounding must not reach the next word.
        steps = tf.minimum(tf.floor(parts * counts), counts - 1)
        rows = tf.gather(self._firsts, words) + tf.cast(steps, tf.int64)
        return tf.gather(self._places, rows)
