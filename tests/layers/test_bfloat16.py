"""Convolutions in bfloat16 are the same where the CPU has no arithmetic for it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf.layers import bfloat16
from mtnet_tf.layers.bfloat16 import Conv2D, Conv2DTranspose
from mtnet_tf.layers.dilated_conv2d import DilatedConv2D
from mtnet_tf.models.operations import forward_flops

SAME = {"padding": "same"}
LAYERS = {
    "pointwise": (Conv2D(5, 1), keras.layers.Conv2D(5, 1, dtype="float32"), 8),
    "strided": (
        Conv2D(5, 4, strides=2, **SAME),
        keras.layers.Conv2D(5, 4, strides=2, dtype="float32", **SAME),
        8,
    ),
    "transposed": (
        Conv2DTranspose(5, 4, strides=2),
        keras.layers.Conv2DTranspose(5, 4, strides=2, dtype="float32", **SAME),
        8,
    ),
    "dilated": (
        DilatedConv2D(5, 3, dilation_rate=2),
        keras.layers.Conv2D(5, 3, dilation_rate=2, dtype="float32", **SAME),
        8,
    ),
    "tap by tap": (
        DilatedConv2D(5, 3, dilation_rate=2),
        keras.layers.Conv2D(5, 3, dilation_rate=2, dtype="float32", **SAME),
        4,
    ),
}


def gradients(layer, x, upstream):
    """Returns the outputs and the gradients of input and weights, all as float32."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * upstream)
    found = [y, *tape.gradient(loss, [x, *layer.trainable_variables])]
    return [np.asarray(tf.cast(value, tf.float32)) for value in found]


def rounded(x):
    return tf.cast(tf.cast(x, tf.bfloat16), tf.float32).numpy()


# Without arithmetic in bfloat16 TensorFlow has no gradient of a dilated bfloat16 kernel.
@pytest.mark.parametrize(
    ("name", "native"),
    [(name, False) for name in LAYERS] + [(name, True) for name in LAYERS if name != "dilated"],
)
def test_it_is_float32_of_rounded_numbers(monkeypatch, name, native):
    monkeypatch.setattr(bfloat16, "_cpu_multiplies_bfloat16", lambda: native)
    ours, theirs, size = LAYERS[name]
    theirs = type(theirs).from_config(theirs.get_config())
    ours = type(ours).from_config({**ours.get_config(), "dtype": "mixed_bfloat16"})
    random = np.random.default_rng(0)
    x = rounded(random.normal(size=(2, size, size, 3)))
    ours.build(x.shape), theirs.build(x.shape)
    ours.set_weights([random.normal(size=w.shape) for w in ours.weights])
    theirs.set_weights([rounded(w) for w in ours.get_weights()])
    upstream = rounded(random.normal(size=theirs.compute_output_shape(x.shape)))
    assert ours(x).dtype == "bfloat16"
    assert {weight.dtype for weight in ours.weights} == {"float32"}
    for found, expected in zip(gradients(ours, x, upstream), gradients(theirs, x, upstream)):
        # Rounded once, to eight binary places. Two round within a sum too: what is added tap by tap
        # in bfloat16, and TensorFlow's own kernels, where oneDNN has none for bfloat16.
        places = 6 if native else 8
        assert np.linalg.norm(found - expected) < 2.0**-places * np.linalg.norm(expected)
        np.testing.assert_array_equal(found, rounded(found))


@pytest.mark.parametrize(
    ("dtype", "native", "expected"),
    [
        ("bfloat16", True, "bfloat16"),
        ("bfloat16", False, "float32"),
        ("float16", False, "float16"),
        ("float32", False, "float32"),
    ],
)
def test_in_what_is_multiplied(monkeypatch, dtype, native, expected):
    monkeypatch.setattr(bfloat16, "_cpu_multiplies_bfloat16", lambda: native)
    assert bfloat16.product_dtype(dtype) == expected


@pytest.mark.parametrize(("native", "dtype"), [(True, "bfloat16"), (False, "float32")])
def test_a_graph_multiplies_in_that(monkeypatch, native, dtype):
    monkeypatch.setattr(bfloat16, "_cpu_multiplies_bfloat16", lambda: native)
    image = keras.Input((8, 6, 3))
    x = Conv2D(4, 1, dtype="mixed_bfloat16")(image)
    x = Conv2DTranspose(3, 2, strides=2, dtype="mixed_bfloat16")(x)
    flops = 2 * 8 * 6 * 4 * 3 + 2 * 8 * 6 * 4 * 3 * 2 * 2
    assert forward_flops(keras.Model(image, x), 1, training=False) == {dtype: flops}


def test_a_graphics_card_multiplies_bfloat16(monkeypatch):
    monkeypatch.setattr(bfloat16, "_cpu_multiplies_bfloat16", lambda: False)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert bfloat16.product_dtype("bfloat16") == "bfloat16"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_the_gradient_of_a_bias_is_the_whole_sum(dtype):
    ones = tf.ones([64, 20, 20, 2], dtype)
    bias = tf.zeros([2])
    with tf.GradientTape() as tape:
        tape.watch(bias)
        loss = tf.reduce_sum(tf.cast(bfloat16.add_bias(ones, bias), tf.float32))
    np.testing.assert_array_equal(tape.gradient(loss, bias), [25600.0, 25600.0])
    np.testing.assert_array_equal(bfloat16.add_bias(ones, tf.constant([1.0, 2.0]))[0, 0, 0], [2, 3])
