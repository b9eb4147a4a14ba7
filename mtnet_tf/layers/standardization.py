"""Standardisation of each image by itself (Eq. 1)."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class PerImageStandardization(keras.layers.Layer):
    """Standardises each image by itself (Eq. 1).

    The output is (I - mu) / max(theta, 1 / sqrt(P)), where mu is the mean, theta the standard
    deviation and P the number of the image's values.

    Input: uint8 or float [batch, height, width, channels]. Output: float32 of the same shape.
    """

    def call(self, images: tf.Tensor) -> tf.Tensor:
        """Applies Eq. 1 to images [batch, height, width, channels]."""
        return tf.image.per_image_standardization(tf.cast(images, tf.float32))
