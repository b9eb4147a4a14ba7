"""The two residual blocks of MT-Net, both with holes in their kernels.

The 2D block is for images (Eq. 3), the gated 1D block for audio (Eq. 8).
"""

from typing import Any, Literal

import keras
import tensorflow as tf
from keras import layers

from mtnet_tf.layers.dilated_conv2d import DilatedConv2D
from mtnet_tf.layers.fused_batch_norm import FusedBatchNormalization


def transition(
    x: keras.KerasTensor,
    filters: int,
    *,
    activation: Literal["relu", "tanh"],
    batch_norm: dict[str, Any],
    conv: dict[str, Any],
    precision: str,
    name: str,
) -> keras.KerasTensor:
    """Applies a transition layer (Eq. 2), which sets the number of channels before a block.

    The output is R(BN(X * W + b)) with a 1x1 kernel W.

    Args:
        x: float [batch, height, width, channels].
        filters: Channels of the output.
        activation: R; "relu" in the paper, "tanh" in the published scripts.
        batch_norm: Keyword arguments of the normalisation.
        conv: Keyword arguments of the convolution, with serialised initialisers.
        precision: Keras dtype policy of the convolution and the activation. The normalisation
            computes in float32.
        name: Prefix of the layers' names.

    Returns:
        float [batch, height, width, filters].
    """
    x = layers.Conv2D(filters, 1, dtype=precision, name=f"{name}_conv", **conv)(x)
    x = FusedBatchNormalization(name=f"{name}_bn", **batch_norm)(x)
    return layers.Activation(activation, dtype=precision, name=f"{name}_{activation}")(x)


def dilated_residual_block_2d(
    x: keras.KerasTensor,
    *,
    kernel_size: int,
    dilation_rate: int,
    activation: Literal["relu", "tanh"],
    batch_norm: dict[str, Any] | None,
    conv: dict[str, Any],
    precision: str,
    name: str,
) -> keras.KerasTensor:
    """Applies a residual block (Eq. 3), R(F(X) + X), where F is two convolutions with holes.

    Args:
        x: float [batch, height, width, channels].
        kernel_size: Side of the kernels, odd; 3 in Table 1.
        dilation_rate: 2 in the paper; 1 for kernels without holes.
        activation: R, after the first convolution and after the sum.
        batch_norm: Keyword arguments of a normalisation after each convolution, None for none.
        conv: Keyword arguments of the convolutions. The initialisers are serialised, so that each
            convolution draws its own numbers.
        precision: Keras dtype policy of everything but the normalisation, which computes in
            float32.
        name: Prefix of the layers' names.

    Returns:
        float [batch, height, width, channels].
    """
    residual = x
    for i in (1, 2):
        residual = DilatedConv2D(
            x.shape[-1],
            kernel_size,
            dilation_rate=dilation_rate,
            dtype=precision,
            name=f"{name}_conv{i}",
            **conv,
        )(residual)
        if batch_norm is not None:
            residual = FusedBatchNormalization(name=f"{name}_bn{i}", **batch_norm)(residual)
        if i == 1:
            residual = layers.Activation(
                activation, dtype=precision, name=f"{name}_{activation}{i}"
            )(residual)
    x = layers.Add(dtype=precision, name=f"{name}_add")([residual, x])
    return layers.Activation(activation, dtype=precision, name=f"{name}_{activation}2")(x)


@keras.saving.register_keras_serializable("mtnet_tf")
class GatedResidualBlock1D(layers.Layer):
    """Gated 1D residual block (Eq. 8).

    The output is tanh(G(E) + E), where G(E) = conv(sigmoid(conv_a(E)) * tanh(conv_b(E))) with the
    gate of PixelRNN. Every convolution keeps the number of channels and has holes. A block widens
    the receptive field by 2 * (kernel_size - 1) * dilation_rate samples.

    Input and output: float [batch, length, channels].

    Args:
        kernel_size: Length of the kernels, odd.
        dilation_rate: 2 in the paper; 1 for kernels without holes.
        kernel_initializer: Serialised, so that each convolution draws its own numbers.
        bias_initializer: Serialised.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        ValueError: The kernel size is even.
    """

    def __init__(
        self,
        kernel_size: int,
        dilation_rate: int,
        kernel_initializer: dict[str, Any] | str,
        bias_initializer: dict[str, Any] | str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd. Received: kernel_size={kernel_size}.")
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the three convolutions for inputs of shape [batch, length, channels]."""

        def conv(name: str, activation: str | None):
            layer = layers.Conv1D(
                input_shape[-1],
                self.kernel_size,
                padding="same",
                dilation_rate=self.dilation_rate,
                activation=activation,
                kernel_initializer=self.kernel_initializer,
                bias_initializer=self.bias_initializer,
                name=name,
            )
            layer.build(input_shape)
            return layer

        self.gate = conv("gate", "sigmoid")
        self.signal = conv("signal", "tanh")
        self.output_conv = conv("output", None)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Applies Eq. 8 to float [batch, length, channels]."""
        residual = self.output_conv(self.gate(inputs) * self.signal(inputs))
        return keras.ops.tanh(residual + inputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer, for a stored model."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "kernel_initializer": self.kernel_initializer,
            "bias_initializer": self.bias_initializer,
        }
