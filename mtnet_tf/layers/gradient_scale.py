"""The identity, with a smaller gradient."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class GradientScale(keras.layers.Layer):
    """Returns its input, and passes a part of the gradient on.

    Input and output: of any shape.

    Attributes:
        factor: of the gradient.
    """

    def __init__(self, factor: float, **kwargs: Any) -> None:
        """Takes the factor; `kwargs` are those of any Keras layer."""
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Applies the layer."""

        @tf.custom_gradient
        def scale(x: tf.Tensor):
            return tf.identity(x), lambda gradient: self.factor * gradient

        return scale(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer, for a stored model."""
        return {**super().get_config(), "factor": self.factor}
