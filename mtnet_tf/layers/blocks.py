"""The two dilated residual blocks of MT-Net: 2D for images (Eq. 3), 1D gated for audio (Eq. 8)."""

from __future__ import annotations

from typing import Any, Literal

import keras
import tensorflow as tf
from keras import layers

from mtnet_tf.layers.bfloat16 import Conv2D
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
    """Applies a transition layer (Eq. 2), R(BN(X * W + b)), with a 1x1 kernel.

    It sets the number of channels before a block.

    Args:
        x: float [batch, height, width, channels].
        filters: channels of the output.
        activation: R: "relu" (paper) or "tanh" (released).
        batch_norm: keyword arguments of the normalisation.
        conv: keyword arguments of the convolution, with serialised initialisers.
        precision: Keras dtype policy of convolution and activation; the normalisation is float32
            inside.
        name: prefix of the layers' names.

    Returns:
        float [batch, height, width, filters].
    """
    x = Conv2D(filters, 1, dtype=precision, name=f"{name}_conv", **conv)(x)
    x = FusedBatchNormalization(name=f"{name}_bn", **batch_norm)(x)
    return layers.Activation(activation, dtype=precision, name=f"{name}_{activation}")(x)


def dilated_residual_block_2d(
    x: keras.KerasTensor,
    *,
    kernel_size: int,
    dilation_rate: int,
    activation: Literal["relu", "tanh"],
    batch_norm: dict[str, Any] | None,
    zero_init: bool,
    conv: dict[str, Any],
    precision: str,
    name: str,
) -> keras.KerasTensor:
    """Applies a residual block (Eq. 3), R(F(X) + X), where F is two dilated convolutions.

    It has as many channels out as in.

    Args:
        x: float [batch, height, width, channels].
        kernel_size: odd; 3 in Table 1.
        dilation_rate: 2 in the paper, whose word for it is "hole"; 1 for ordinary kernels.
        activation: R, after the first convolution and after the sum.
        batch_norm: keyword arguments of a normalisation after each convolution; None for none.
        zero_init: whether the last layer of F, the second convolution or its normalisation, starts
            at zero. The block then starts as R(X).
        conv: keyword arguments of the convolutions. Their initialisers are serialised, so that each
            convolution draws its own numbers.
        precision: Keras dtype policy of everything but the normalisation, which is float32 inside.
        name: prefix of the layers' names.

    Returns:
        float of the same shape.
    """
    residual = x
    convs, norms = [conv, conv], [batch_norm, batch_norm]
    if zero_init and batch_norm is None:
        convs[1] = {**conv, "kernel_initializer": "zeros", "bias_initializer": "zeros"}
    elif zero_init:
        norms[1] = {**batch_norm, "gamma_initializer": "zeros"}
    for i in (1, 2):
        residual = DilatedConv2D(
            x.shape[-1],
            kernel_size,
            dilation_rate=dilation_rate,
            dtype=precision,
            name=f"{name}_conv{i}",
            **convs[i - 1],
        )(residual)
        if norms[i - 1] is not None:
            residual = FusedBatchNormalization(name=f"{name}_bn{i}", **norms[i - 1])(residual)
        if i == 1:
            residual = layers.Activation(
                activation, dtype=precision, name=f"{name}_{activation}{i}"
            )(residual)
    x = layers.Add(dtype=precision, name=f"{name}_add")([residual, x])
    return layers.Activation(activation, dtype=precision, name=f"{name}_{activation}2")(x)


@keras.saving.register_keras_serializable("mtnet_tf")
class GatedResidualBlock1D(layers.Layer):
    """Gated 1D residual block (Eq. 8): tanh(G(E) + E).

    G(E) = conv(sigmoid(conv_a(E)) * tanh(conv_b(E))). The paper names PixelRNN for it; this form is
    the gated PixelCNN's and WaveNet's. Every convolution is dilated and keeps the number of
    channels. Each block widens the receptive field by
    2 * (kernel_size - 1) * dilation_rate samples.

    Input and output: float [batch, length, channels].

    Attributes:
        kernel_size: odd; 3 in the paper.
        dilation_rate: 2 in the paper; 1 for ordinary kernels.
        kernel_initializer: serialised, so that each of the convolutions draws its own numbers.
        bias_initializer: likewise.
    """

    def __init__(
        self,
        kernel_size: int,
        dilation_rate: int,
        kernel_initializer: Any,
        bias_initializer: Any,
        **kwargs: Any,
    ) -> None:
        """Raises ValueError for an even kernel size; `kwargs` are those of any Keras layer."""
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd. Received: kernel_size={kernel_size}.")
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Makes the three convolutions."""

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
        """Applies the block."""
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
