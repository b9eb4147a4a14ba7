"""Per-image standardisation, Eq. 1."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class PerImageStandardization(keras.layers.Layer):
    """(I - mu) / max(theta, 1 / sqrt(P)) (Eq. 1).

    mu is the mean of the values of an image, theta their standard deviation and P their number.

    Input: uint8 or float [batch, height, width, channels]. Output: float32 of the same shape.
    """

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Standardises each image by itself."""
        return tf.image.per_image_standardization(tf.cast(images, tf.float32))
