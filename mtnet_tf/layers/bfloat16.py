"""Convolutions in bfloat16, on a CPU that has no arithmetic for it too.

A CPU with amx_bf16 or avx512_bf16 multiplies bfloat16 and sums up in float32. Any other CPU would
emulate that, at less than half the speed of float32. So there the convolutions here multiply in
float32 what has been rounded to bfloat16. The products are the same numbers, and so are their sums
but for the order: a training in `mixed_bfloat16` means the same on either machine. One sum is not:
what `dilated_conv2d.tap_by_tap` adds up is rounded once a tap where the CPU multiplies bfloat16,
and once in all where it does not.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

_FLAGS = ("amx_bf16", "avx512_bf16")


def bfloat16_flag(cpuinfo: pathlib.Path = pathlib.Path("/proc/cpuinfo")) -> str | None:
    """Returns the CPU's flag for arithmetic in bfloat16; None if it has none or hides it."""
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    return next((flag for flag in _FLAGS if flag in flags), None)


@functools.cache
def _cpu_multiplies_bfloat16() -> bool:
    return bfloat16_flag() is not None


def product_dtype(dtype: str) -> str:
    """Returns the dtype in which convolutions of feature maps of `dtype` multiply here."""
    if dtype != "bfloat16" or tf.config.get_visible_devices("GPU") or _cpu_multiplies_bfloat16():
        return dtype
    return "float32"


def convolve(
    convolution: Callable[[tf.Tensor, tf.Tensor], tf.Tensor], inputs: tf.Tensor, kernel: tf.Tensor
) -> tf.Tensor:
    """Convolves in `product_dtype`.

    Args:
        convolution: (inputs, kernel) -> outputs, linear in both.
        inputs: the feature map, float [batch, height, width, channels].
        kernel: of the same dtype, to which Keras has rounded the weight; its shape is what the
            convolution takes.

    Returns:
        float [batch, ...], in the dtype of the inputs.
    """
    dtype = product_dtype(inputs.dtype.name)
    outputs = convolution(tf.cast(inputs, dtype), tf.cast(kernel, dtype))
    return tf.cast(outputs, inputs.dtype)


def add_bias(outputs: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Adds a bias, in the dtype of the outputs.

    `tf.nn.bias_add`, which Keras takes, sums its gradient up in bfloat16: of 100,000 ones 512 are
    left on two cores. The gradient of a broadcast sum has a float32 accumulator.

    Args:
        outputs: float [batch, height, width, filters].
        bias: [filters].
    """
    bias = tf.cast(bias, outputs.dtype)
    return outputs + bias if outputs.dtype == tf.bfloat16 else tf.nn.bias_add(outputs, bias)


@keras.saving.register_keras_serializable("mtnet_tf")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` that multiplies in `product_dtype`; same inputs and outputs."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Applies convolution, bias and activation."""
        outputs = self.convolution_op(inputs, self.kernel)
        return self.activation(add_bias(outputs, self.bias) if self.use_bias else outputs)

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves, without bias and activation."""
        return convolve(super().convolution_op, inputs, kernel)


@keras.saving.register_keras_serializable("mtnet_tf")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` that multiplies in `product_dtype`.

    Input: float [batch, height, width, channels]. Output: float [batch, height * stride, width *
    stride, filters]; the padding is SAME.
    """

    def __init__(self, filters: int, kernel_size: int | tuple[int, int], **kwargs: Any) -> None:
        """Takes the arguments of `keras.layers.Conv2DTranspose`, but for padding."""
        kwargs.pop("padding", None)  # A stored config holds it too.
        super().__init__(filters, kernel_size, padding="same", **kwargs)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Applies transposed convolution, bias and activation."""
        transposed = functools.partial(
            keras.ops.conv_transpose, strides=self.strides, padding=self.padding
        )
        outputs = convolve(transposed, inputs, self.kernel)
        return self.activation(add_bias(outputs, self.bias) if self.use_bias else outputs)
