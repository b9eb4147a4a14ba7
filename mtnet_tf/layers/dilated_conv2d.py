"""A dilated 2D convolution that runs as one native kernel."""

import functools
import logging

import keras
import tensorflow as tf

from mtnet_tf.errors import first_line


@functools.cache
def _native_dilated_gradients_work(dtype: str) -> bool:
    """Tells whether this TensorFlow build has the gradients of a dilated convolution as native kernels.

    oneDNN (x86 CPUs) and cuDNN have them; TensorFlow's own CPU kernels (ARM builds, TF_ENABLE_ONEDNN_OPTS=0) do not.
    """
    options = {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [1, 2, 2, 1]}
    with tf.init_scope():  # which pauses gradient tapes: so the gradients' own operations
        image, kernel = tf.ones([1, 5, 5, 1], dtype), tf.ones([3, 3, 1, 1], dtype)
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=image.shape, filter=kernel, out_backprop=image, **options
            )
            tf.raw_ops.Conv2DBackpropFilter(
                input=image, filter_sizes=kernel.shape, out_backprop=image, **options
            )
        except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
            logging.getLogger(__name__).warning(
                "No native gradient of dilated %s convolutions here (%s): using the slower Keras form.",
                dtype,
                first_line(error),
            )
            return False
    return True


@keras.saving.register_keras_serializable("mtnet_tf")
class DilatedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with stride 1 and SAME padding whose holes cost nothing.

    Keras wraps each dilated convolution in SpaceToBatch and BatchToSpace, two copies of the feature map in either
    direction; `tf.nn.conv2d` with `dilations` is one kernel forward and one for each gradient, with the same numbers.
    Where the native gradient is missing, this is the Keras layer.

    Input and output: float [batch, height, width, channels].
    """

    def __init__(self, filters, kernel_size, dilation_rate=1, **kwargs):
        (
            kwargs.pop("strides", None),
            kwargs.pop("padding", None),
        )  # in a stored config; they are fixed here
        super().__init__(
            filters, kernel_size, padding="same", dilation_rate=dilation_rate, **kwargs
        )

    def call(self, inputs):
        if self.dilation_rate == (1, 1) or not _native_dilated_gradients_work(self.compute_dtype):
            return super().call(inputs)
        outputs = tf.nn.conv2d(
            inputs, self.kernel, strides=1, padding="SAME", dilations=list(self.dilation_rate)
        )
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs) if self.activation is not None else outputs
