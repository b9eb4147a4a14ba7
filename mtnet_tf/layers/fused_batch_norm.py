"""Batch normalisation of feature maps as one fused kernel."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the channels of a feature map, computed by `FusedBatchNormV3`.

    Keras 3 composes the normalisation from some ten elementwise operations; the fused kernel is the same mathematics
    in one pass, except that the moving variance takes the unbiased batch variance (N / (N - 1)), as TensorFlow 1 did.

    Input and output: float [batch, height, width, channels].
    """

    def call(self, inputs, training=False):
        if not training or not self.trainable:
            return super().call(inputs, training=False)
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
        self.moving_variance.assign(
            self.moving_variance * self.momentum + variance * (1.0 - self.momentum)
        )
        return outputs
