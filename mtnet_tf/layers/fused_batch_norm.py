"""Batch normalisation of feature maps as one fused kernel."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("mtnet_tf")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the channels of a feature map, by `FusedBatchNormV3`.

    Keras 3 composes the normalisation from some ten elementwise operations. The fused kernel is the
    same mathematics in one pass, except that the moving variance takes the unbiased batch variance
    (N / (N - 1)), as TensorFlow 1 did.

    Where a batch is spread over replicas, mean and variance are those of the whole batch. The
    kernel cannot do that, so there the normalisation is composed.

    Input: float32, bfloat16 or float16 [batch, height, width, channels]. Output: the same shape, in
    training of the same type. Weights, statistics and arithmetic are float32.

    Args:
        **kwargs: Of `keras.layers.BatchNormalization`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """Adds a weight as Keras does, of which one replica writes the statistics."""
        # Every replica computes the same statistics: they are written once.
        return super().add_weight(*args, **kwargs, aggregation="only_first_replica")

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalises [batch, height, width, channels], in training with the batch's statistics."""
        if not training or not self.trainable:
            return super().call(inputs, training=False)
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            outputs, mean, variance = self._synchronized(inputs)
        else:
            outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
            )
        self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
        self.moving_variance.assign(
            self.moving_variance * self.momentum + variance * (1.0 - self.momentum)
        )
        return outputs

    def _synchronized(self, inputs: tf.Tensor):
        """The outputs, batch mean and unbiased batch variance over all replicas."""
        x = tf.cast(inputs, tf.float32)
        mean, variance = keras.ops.moments(x, axes=[0, 1, 2], synchronized=True)
        outputs = tf.nn.batch_normalization(
            x, mean, variance, self.beta, self.gamma, variance_epsilon=self.epsilon
        )
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        count = tf.cast(replicas * tf.reduce_prod(tf.shape(x)[:3]), tf.float32)
        return tf.cast(outputs, inputs.dtype), mean, variance * count / (count - 1.0)
