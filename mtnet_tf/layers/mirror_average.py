"""An image feature that does not depend on which way an image looks."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class MirrorAverage(keras.layers.Wrapper):
    """Applies a network to images and, at test time, to their mirror images too, and averages.

    What is linear in the output, such as logits, is then the average over both. In training it is
    the network itself.

    Input: [batch, height, width, channels]. Output: that of the network.
    """

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Applies the network once in training, twice at test time."""
        outputs = self.layer(inputs, training=training)
        if training:
            return outputs
        return 0.5 * (outputs + self.layer(keras.ops.flip(inputs, axis=2), training=False))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> Any:
        """Returns the shape of the network's output."""
        return self.layer.compute_output_shape(input_shape)
