"""The layers against Keras' own or against NumPy."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf.layers.blocks import GatedResidualBlock1D
from mtnet_tf.layers.dilated_conv2d import DilatedConv2D, mostly_padding
from mtnet_tf.layers.fused_batch_norm import FusedBatchNormalization
from mtnet_tf.layers.standardization import PerImageStandardization

INIT = {
    "kernel_initializer": keras.initializers.serialize(keras.initializers.TruncatedNormal(0.3)),
    "bias_initializer": keras.initializers.serialize(keras.initializers.Constant(0.1)),
}


def gradients(layer, x, training):
    """The output, and the gradients of sum(output * fixed noise) by the input and each weight."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        noise = np.random.default_rng(7).normal(size=y.shape).astype(np.float32)
        loss = tf.reduce_sum(y * noise)
    return y.numpy(), [g.numpy() for g in tape.gradient(loss, [x, *layer.trainable_variables])]


def test_standardization_is_eq_1():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 4, 3)).astype(np.uint8)
    images[2] = 77  # constant: the deviation is 0, the floor 1 / sqrt(P) holds
    x = images.astype(np.float64)
    mean, std = x.mean((1, 2, 3), keepdims=True), x.std((1, 2, 3), keepdims=True)
    expected = (x - mean) / np.maximum(std, 1 / np.sqrt(5 * 4 * 3))
    np.testing.assert_allclose(PerImageStandardization()(images), expected, atol=1e-5)


def test_standardization_divides_a_faint_image_by_1_over_the_root_of_its_values():
    """Eq. 1's floor: below it an image keeps its contrast, times the root of P, its 60 values."""
    images = np.random.default_rng(0).normal(100, 0.01, (2, 5, 4, 3)).astype(np.float32)
    images[1] = 100 + 3 * (images[1] - 100)
    assert images.std((1, 2, 3)).max() < 1 / np.sqrt(60)
    centred = images - images.mean((1, 2, 3), keepdims=True, dtype=np.float64)
    found = PerImageStandardization()(images).numpy()
    np.testing.assert_allclose(found, np.sqrt(60) * centred, atol=1e-3)
    assert found[0].std() == pytest.approx(np.sqrt(60) * 0.01, rel=0.2)


@pytest.mark.parametrize(
    ("size", "kernel_size", "dilation", "tap_by_tap"),
    [
        ((9, 7), 3, 1, False),
        ((9, 7), 3, 2, False),
        ((9, 7), 3, 3, False),
        ((5, 5), 3, 2, False),
        ((4, 4), 3, 2, True),
        ((3, 2), 3, 2, True),
        ((1, 6), 3, 3, True),  # the outer taps of the height read nothing but padding
        ((1, 1), 3, 1, True),
        ((4, 7), (5, 3), (1, 4), True),
    ],
)
def test_dilated_conv_equals_keras(size, kernel_size, dilation, tap_by_tap):
    keras.utils.set_random_seed(0)
    ours = DilatedConv2D(6, kernel_size, dilation_rate=dilation, **INIT)
    assert mostly_padding(*size, ours.kernel_size, ours.dilation_rate) is tap_by_tap
    theirs = keras.layers.Conv2D(6, kernel_size, padding="same", dilation_rate=dilation)
    x = np.random.default_rng(0).normal(size=(2, *size, 4)).astype(np.float32)
    ours.build(x.shape), theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    (y, dy), (z, dz) = gradients(ours, x, None), gradients(theirs, x, None)
    np.testing.assert_allclose(y, z, atol=1e-5)
    for a, b in zip(dy, dz):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_dilated_conv_falls_back_where_gradients_are_missing(monkeypatch):
    from mtnet_tf.layers import dilated_conv2d

    keras.utils.set_random_seed(0)
    layer = DilatedConv2D(3, 3, dilation_rate=2, **INIT)
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 2)).astype(np.float32)
    native = layer(x).numpy()
    monkeypatch.setattr(dilated_conv2d, "_native_dilated_gradients_work", lambda dtype: False)
    np.testing.assert_allclose(layer(x), native, atol=1e-5)


@pytest.mark.slow
def test_dilated_conv_trains_without_onednn():
    """TensorFlow's own CPU kernels lack the gradient: that is noticed, not met in training."""
    program = """
import logging, sys
logging.basicConfig(stream=sys.stdout)
import tensorflow as tf
from mtnet_tf.layers.dilated_conv2d import DilatedConv2D
layer = DilatedConv2D(2, 3, dilation_rate=2)
@tf.function
def gradient(x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x))
    return tape.gradient(loss, layer.trainable_variables)
print(gradient(tf.ones([1, 6, 6, 2]))[1].numpy().tolist())
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": "0"},
        cwd=pathlib.Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "using the slower Keras form" in done.stdout
    assert done.stdout.splitlines()[-1] == "[36.0, 36.0]"


def test_fused_batch_norm_equals_float64():
    x = np.random.default_rng(0).normal(2.0, 3.0, size=(4, 5, 6, 3)).astype(np.float32)
    layer = FusedBatchNormalization(momentum=0.9)
    layer.build(x.shape)
    layer.gamma.assign([1.0, 2.0, 0.5]), layer.beta.assign([0.0, -1.0, 1.0])
    reference = keras.layers.BatchNormalization(momentum=0.9, dtype="float64")
    reference.build(x.shape)
    reference.set_weights([w.astype(np.float64) for w in layer.get_weights()])
    (y, dy), (z, dz) = gradients(layer, x, True), gradients(reference, x.astype(np.float64), True)
    np.testing.assert_allclose(y, z, atol=1e-5)
    for a, b in zip(dy, dz):
        np.testing.assert_allclose(a, b, atol=1e-3, rtol=1e-3)
    flat = x.reshape(-1, 3).astype(np.float64)
    np.testing.assert_allclose(layer.moving_mean, 0.1 * flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * flat.var(0, ddof=1), rtol=1e-5)
    reference.set_weights([w.astype(np.float64) for w in layer.get_weights()])
    np.testing.assert_allclose(layer(x, training=False), reference(x, training=False), atol=1e-5)


def test_gated_block_is_eq_8():
    keras.utils.set_random_seed(0)
    block = GatedResidualBlock1D(3, 2, **INIT)
    x = np.random.default_rng(0).normal(size=(2, 12, 1)).astype(np.float32)
    y = block(x).numpy()

    def conv(layer, signal):  # "same" convolution with holes of size 2, one channel
        kernel, bias = layer.kernel.numpy()[:, 0, 0], layer.bias.numpy()[0]
        padded = np.pad(signal, ((0, 0), (2, 2)))
        return sum(kernel[k] * padded[:, 2 * k : 2 * k + signal.shape[1]] for k in range(3)) + bias

    e = x[..., 0]
    gated = 1 / (1 + np.exp(-conv(block.gate, e))) * np.tanh(conv(block.signal, e))
    np.testing.assert_allclose(y[..., 0], np.tanh(conv(block.output_conv, gated) + e), atol=1e-5)
    assert sum(w.size for w in block.get_weights()) == 12
    assert not np.allclose(block.gate.kernel, block.signal.kernel)  # each draws its own numbers


def test_even_kernel_is_refused():
    with pytest.raises(ValueError, match="must be odd. Received: kernel_size=4"):
        GatedResidualBlock1D(4, 2, **INIT)
