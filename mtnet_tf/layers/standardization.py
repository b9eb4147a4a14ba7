"""Per-image standardisation, Eq. 1."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class PerImageStandardization(keras.layers.Layer):
    """(I - mu) / max(theta, 1 / sqrt(P)), with mean mu, deviation theta and number P of the values of each image (Eq. 1).

    Input: uint8 or float [batch, height, width, channels]. Output: float32 of the same shape.
    """

    def call(self, images):
        return tf.image.per_image_standardization(tf.cast(images, tf.float32))
