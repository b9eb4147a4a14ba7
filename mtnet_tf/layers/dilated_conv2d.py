"""A dilated 2D convolution: one native kernel, or on a small map a sum of products of matrices."""

import functools
import itertools
import logging
from typing import Any

import keras
import tensorflow as tf

from mtnet_tf.errors import first_line
from mtnet_tf.layers.bfloat16 import Conv2D, convolve, product_dtype


@functools.cache
def _native_dilated_gradients_work(dtype: str) -> bool:
    """Tells whether this TensorFlow build has the gradients of a dilated convolution as kernels.

    oneDNN (x86 CPUs) and cuDNN have them. TensorFlow's own CPU kernels (ARM builds, or
    TF_ENABLE_ONEDNN_OPTS=0) do not.
    """
    options = {"strides": [1, 1, 1, 1], "padding": "SAME", "dilations": [1, 2, 2, 1]}
    # `init_scope` pauses gradient tapes, so the gradients are asked for as operations.
    with tf.init_scope():
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
                "No native gradient of dilated %s convolutions here (%s): using the slower Keras"
                " form.",
                dtype,
                first_line(error),
            )
            return False
    return True


def _inside(size: int, kernel_size: int, dilation: int) -> list[tuple[int, int, int]]:
    """Returns (offset, start, stop) for each tap of a kernel along one axis.

    The outputs start to stop - 1 read the input at their own place plus the offset. The other
    outputs read padding there. A tap with start >= stop reads nothing but padding.
    """
    offsets = [(tap - kernel_size // 2) * dilation for tap in range(kernel_size)]
    return [(offset, max(0, -offset), min(size, size - offset)) for offset in offsets]


def mostly_padding(
    height: int, width: int, kernel_size: tuple[int, int], dilation_rate: tuple[int, int]
) -> bool:
    """Tells whether more than half of what a SAME convolution multiplies is padding.

    A 3x3 kernel with dilation rate 2 does so on maps of up to 4x4 pixels.

    Args:
        height: of the map, in pixels.
        width: of the map, in pixels.
        kernel_size: height and width.
        dilation_rate: of height and width.
    """
    inside = [
        sum(max(0, stop - start) for _, start, stop in _inside(size, taps, dilation))
        for size, taps, dilation in zip((height, width), kernel_size, dilation_rate, strict=True)
    ]
    return inside[0] * inside[1] < height * width * kernel_size[0] * kernel_size[1] / 2


def tap_by_tap(x: tf.Tensor, kernel: tf.Tensor, dilation_rate: tuple[int, int]) -> tf.Tensor:
    """Returns the stride 1 SAME convolution as a sum over the kernel's taps.

    Each tap is one product of matrices without padding. On a map that is smaller than the dilated
    kernel a native kernel runs many short loops over padding. These products are few and large. The
    sum is the same, in another order.

    Args:
        x: float [batch, height, width, channels], height and width known.
        kernel: float [kernel height, kernel width, channels, filters].
        dilation_rate: of height and width.

    Returns:
        float [batch, height, width, filters].
    """
    height, width, channels = x.shape[1:]
    kernel_height, kernel_width, _, filters = kernel.shape
    rows = _inside(height, kernel_height, dilation_rate[0])
    columns = _inside(width, kernel_width, dilation_rate[1])
    # Unstacked, so that the gradients of the taps are written side by side, and not each into a
    # kernel of zeros.
    taps = tf.unstack(tf.reshape(kernel, [-1, channels, filters]))
    products = []
    for tap, ((dy, top, bottom), (dx, left, right)) in zip(taps, itertools.product(rows, columns)):
        if top >= bottom or left >= right:
            continue
        pixels = x[:, top + dy : bottom + dy, left + dx : right + dx]
        product = tf.matmul(tf.reshape(pixels, [-1, channels]), tap)
        product = tf.reshape(product, [-1, bottom - top, right - left, filters])
        products.append(
            tf.pad(product, [[0, 0], [top, height - bottom], [left, width - right], [0, 0]])
        )
    return tf.add_n(products)


@keras.saving.register_keras_serializable("mtnet_tf")
class DilatedConv2D(Conv2D):
    """`keras.layers.Conv2D` with stride 1 and SAME padding whose dilation costs nothing.

    Keras wraps each dilated convolution in SpaceToBatch and BatchToSpace, two copies of the feature
    map in either direction. `tf.nn.conv2d` with `dilations` is one kernel forward and one for each
    gradient, with the same numbers. Where the native gradient is missing, this is the Keras layer.
    On a map that is mostly padding it is `tap_by_tap`.

    Input and output: float [batch, height, width, channels].
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        dilation_rate: int | tuple[int, int] = 1,
        **kwargs: Any,
    ) -> None:
        """Takes the arguments of `keras.layers.Conv2D`, but for strides and padding."""
        # A stored config holds them too.
        for fixed in ("strides", "padding"):
            kwargs.pop(fixed, None)
        super().__init__(
            filters, kernel_size, padding="same", dilation_rate=dilation_rate, **kwargs
        )

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves in the fastest form that this machine has, without bias and activation."""
        dtype = product_dtype(inputs.dtype.name)
        if self._is_tap_by_tap(*inputs.shape[1:3]):
            convolution = functools.partial(tap_by_tap, dilation_rate=self.dilation_rate)
        elif self.dilation_rate != (1, 1) and _native_dilated_gradients_work(dtype):
            convolution = functools.partial(
                tf.nn.conv2d, strides=1, padding="SAME", dilations=list(self.dilation_rate)
            )
        else:
            return super().convolution_op(inputs, kernel)
        return convolve(convolution, inputs, kernel)

    def _is_tap_by_tap(self, height: int | None, width: int | None) -> bool:
        """Tells whether to use `tap_by_tap`: on CPUs only, as cuDNN was not compared with it."""
        if None in (height, width) or tf.config.get_visible_devices("GPU"):
            return False
        return mostly_padding(height, width, self.kernel_size, self.dilation_rate)
