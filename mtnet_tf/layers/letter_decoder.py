"""A recurrent decoder that writes a word, one letter a step."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class LetterDecoder(keras.layers.Layer):
    """A GRU whose state begins as a function of the image feature.

    Each step takes the letter before, and says how likely each symbol is to come next. In training
    the letters before are the true ones; at test time they are its own likeliest ones.

    Input: float32 [batch, features]. Output: logits, float32 [batch, num_steps, num_symbols].
    """

    def __init__(
        self, num_symbols: int, num_steps: int, embedding_units: int, units: int, **kwargs: Any
    ) -> None:
        """Makes the layers.

        Args:
            num_symbols: the letters, and the symbol 0, which is no letter.
            num_steps: the symbols of a word.
            embedding_units: the size of a letter's embedding.
            units: of the GRU.
            **kwargs: those of any Keras layer.
        """
        super().__init__(**kwargs)
        self.num_symbols, self.num_steps = num_symbols, num_steps
        self.embedding_units, self.units = embedding_units, units
        self._first_state = keras.layers.Dense(units, activation="tanh", name="first_state")
        self._embedding = keras.layers.Embedding(num_symbols, embedding_units, name="embedding")
        self._cell = keras.layers.GRUCell(units, name="gru")
        self._head = keras.layers.Dense(num_symbols, name="head")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the weights."""
        self._first_state.build(input_shape)
        self._embedding.build([None])
        self._cell.build([None, self.embedding_units])
        self._head.build([None, self.units])
        super().build(input_shape)

    def call(self, feature: tf.Tensor, letters: tf.Tensor | None = None) -> tf.Tensor:
        """Writes words.

        Args:
            feature: float32 [batch, features].
            letters: int32 [batch, num_steps], the true words; None for its own.
        """
        state = self._first_state(feature)
        before = tf.zeros([tf.shape(feature)[0]], tf.int32)
        logits = []
        for step in range(self.num_steps):
            output, (state,) = self._cell(self._embedding(before), [state])
            logits.append(self._head(output))
            before = (
                tf.argmax(logits[-1], axis=-1, output_type=tf.int32)
                if letters is None
                else letters[:, step]
            )
        return tf.stack(logits, axis=1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...], *_: Any) -> tuple:
        """Returns the shape of the logits."""
        return (input_shape[0], self.num_steps, self.num_symbols)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer, for a stored model."""
        names = ("num_symbols", "num_steps", "embedding_units", "units")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
