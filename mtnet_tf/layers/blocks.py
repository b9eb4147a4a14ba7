"""The two residual blocks of MT-Net: 2D with holes for images (Eq. 3), 1D gated with holes for audio (Eq. 8)."""

import keras
from keras import layers

from mtnet_tf.layers.dilated_conv2d import DilatedConv2D
from mtnet_tf.layers.fused_batch_norm import FusedBatchNormalization


def transition(x, filters, *, activation, batch_norm, conv, precision, name):
    """Transition layer (Eq. 2): R(BN(X * W + b)) with a 1x1 kernel; sets the number of channels before a block.

    Args:
        x: float [batch, height, width, channels], symbolic.
        filters: channels of the output.
        activation: "relu" (paper) or "tanh" (released).
        batch_norm, conv: keyword arguments of the normalisation and of the convolution (initialisers serialised).
        precision: Keras dtype policy of convolution and activation; the normalisation is float32 inside.
        name: prefix of the layers' names.

    Returns:
        float [batch, height, width, filters].
    """
    x = layers.Conv2D(filters, 1, dtype=precision, name=f"{name}_conv", **conv)(x)
    x = FusedBatchNormalization(name=f"{name}_bn", **batch_norm)(x)
    return layers.Activation(activation, dtype=precision, name=f"{name}_{activation}")(x)


def dilated_residual_block_2d(
    x, *, kernel_size, dilation_rate, activation, batch_norm, conv, precision, name
):
    """Residual block (Eq. 3): R(F(X) + X), F two convolutions with holes, as many channels out as in.

    Args:
        x: float [batch, height, width, channels], symbolic.
        kernel_size: odd; 3 in Table 1.
        dilation_rate: dilation rate; 2 in the paper, 1 for kernels without holes.
        activation: after the first convolution and after the sum.
        batch_norm: keyword arguments of a normalisation after each convolution, or None for none.
        conv: keyword arguments of the convolutions (initialisers serialised, so that each draws its own numbers).
        precision: Keras dtype policy of everything but the normalisation, which is float32 inside.
        name: prefix of the layers' names.

    Returns:
        float of the same shape.
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
    """Gated 1D residual block (Eq. 8): tanh(G(E) + E), G(E) = conv(sigmoid(conv_a(E)) * tanh(conv_b(E))).

    The gate is PixelRNN's; every convolution keeps the number of channels and has holes of size `dilation_rate`.

    Input and output: float [batch, length, channels]. The receptive field grows by
    2 * (kernel_size - 1) * dilation_rate samples a block.
    """

    def __init__(self, kernel_size, dilation_rate, kernel_initializer, bias_initializer, **kwargs):
        super().__init__(**kwargs)
        if kernel_size % 2 == 0:
            raise ValueError(f"kernel_size must be odd. Received: kernel_size={kernel_size}.")
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        # Serialised, so that each of the three convolutions draws its own numbers.
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer

    def build(self, input_shape):
        def conv(name, activation):
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

    def call(self, inputs):
        residual = self.output_conv(self.gate(inputs) * self.signal(inputs))
        return keras.ops.tanh(residual + inputs)

    def get_config(self):
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "kernel_initializer": self.kernel_initializer,
            "bias_initializer": self.bias_initializer,
        }
