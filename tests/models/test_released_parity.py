"""The preset `released` against the graph that the paper's authors published: an independent check.

The constants are facts about their CIFAR-100 scripts (2022). What the graph computes is held to
NumPy in `test_released_numpy.py`; the number of parameters at full size is in `test_models.py`, and
the recipe in `test_presets.py`.
"""

import keras
import numpy as np
import pytest
from keras import layers

from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.layers.blocks import GatedResidualBlock1D
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.audio_generator import build_audio_generator
from mtnet_tf.models.image_encoder import build_image_encoder
from mtnet_tf.models.mtnet import build_mtnet
from tests.models.released_values import BN_DECAY, BN_EPSILON, HOLE_SIZE, SHRUNK

IMAGE_SHAPE = (32, 32, 3)
NUM_CLASSES = 100
WIDTHS = (64, 128, 256, 512, 1024)  # channels of the five residual blocks
NUM_GATED_BLOCKS = 2
WEIGHT_STDDEV, BIAS = 0.1, 0.01  # truncated normal

# Descriptions as `describe` gives them.
BN = f"BN, decay {BN_DECAY}, epsilon {BN_EPSILON}"
FC_TANH, FC_LINEAR = "FC tanh, bias True", "FC linear, bias True"
TRANSITION = "1x1 convolution, rate 1x1, stride 1x1, linear, bias True"
HOLES = "3x3 convolution, rate 2x2, stride 1x1, linear, bias True"
DROPOUT = "dropout 0.4"

# Stand for L_s and the autoencoder's layers where their full sizes would only cost time.
SHORT_AUDIO, NARROW_AUTOENCODER = 300, [400, 200, 1024, 1024, 200, 400]


def describe(layer):
    """Returns what a layer does and the shape of its output without the batch."""

    def times(sizes):
        return "x".join(map(str, sizes))

    if isinstance(layer, (layers.Conv1D, layers.Conv2D)):
        what = (
            f"{times(layer.kernel_size)} convolution, rate {times(layer.dilation_rate)}, "
            f"stride {times(layer.strides)}, {layer.activation.__name__}, bias {layer.use_bias}"
        )
    elif isinstance(layer, layers.BatchNormalization):
        what = f"BN, decay {layer.momentum}, epsilon {layer.epsilon}"
    elif isinstance(layer, layers.Dense):
        what = f"FC {layer.activation.__name__}, bias {layer.use_bias}"
    elif isinstance(layer, layers.Dropout):
        what = f"dropout {layer.rate}"
    elif isinstance(layer, layers.Activation):
        what = layer.activation.__name__
    elif isinstance(layer, layers.Rescaling):
        what = f"times {layer.scale} plus {layer.offset}"
    else:
        what = type(layer).__name__
    return what, tuple(layer.output.shape[1:])


def describe_all(model):
    return [describe(layer) for layer in model.layers]


@pytest.fixture(scope="module")
def released():
    """The joint network, at full width but for L_s, and a narrow autoencoder."""
    keras.utils.set_random_seed(0)
    config = config_lib.override(
        preset("released"),
        [
            f"data.audio_length={SHORT_AUDIO}",
            f"audio_autoencoder.hidden_units={NARROW_AUTOENCODER}",
        ],
    )
    return build_mtnet(config), build_audio_autoencoder(config)


def test_image_encoder_layer_by_layer(released):
    published = [("InputLayer", IMAGE_SHAPE), ("times 1.0 plus 0.0", IMAGE_SHAPE)]
    for width in WIDTHS:  # full resolution to the end
        block = [TRANSITION, BN, "tanh", HOLES, BN, "tanh", HOLES, BN, "Add", "tanh"]
        published += [(what, (32, 32, width)) for what in block]
    published += [("GlobalAveragePooling2D", (1024,))]
    published += [(FC_TANH, (1024,)), (DROPOUT, (1024,)), (FC_TANH, (512,)), (DROPOUT, (512,))]
    assert describe_all(released[0].get_layer("image_encoder")) == published


def test_classifier_mapper_and_generator_layer_by_layer(released):
    model, _ = released
    assert describe(model.get_layer("classifier")) == (FC_LINEAR, (NUM_CLASSES,))  # the logits
    assert describe_all(model.get_layer("cross_modal_mapper")) == [
        ("InputLayer", (512,)),
        (FC_TANH, (1024,)),
        (DROPOUT, (1024,)),
        (FC_TANH, (1024,)),
    ]
    generator = model.get_layer("audio_generator")
    assert describe_all(generator) == [
        ("InputLayer", (1024,)),
        ("Reshape", (1024, 1)),
        *[("GatedResidualBlock1D", (1024, 1))] * NUM_GATED_BLOCKS,
        ("Flatten", (1024,)),
        (FC_TANH, (1024,)),
        (DROPOUT, (1024,)),
        (FC_TANH, (SHORT_AUDIO,)),
    ]
    blocks = [layer for layer in generator.layers if isinstance(layer, GatedResidualBlock1D)]
    for block in blocks:
        convolutions = block.gate, block.signal, block.output_conv
        assert [conv.kernel.shape for conv in convolutions] == [(3, 1, 1)] * 3
        assert [conv.dilation_rate for conv in convolutions] == [(HOLE_SIZE,)] * 3
        assert [conv.use_bias for conv in convolutions] == [True] * 3
        activations = [conv.activation.__name__ for conv in convolutions]
        assert activations == ["sigmoid", "tanh", "linear"]


def test_autoencoder_layer_by_layer(released):
    _, autoencoder = released
    published = [("InputLayer", (SHORT_AUDIO,))]
    for units in (*NARROW_AUTOENCODER, SHORT_AUDIO):  # BN and tanh on the output too
        published += [(FC_LINEAR, (units,)), (BN, (units,)), ("tanh", (units,))]
    assert describe_all(autoencoder) == published


def test_initial_values(released):
    """Of a normal cut at two deviations: deviation .87963 of the normal's, 71.52 % within one."""
    starts = {"bias": BIAS, "gamma": 1, "beta": 0, "moving_mean": 0, "moving_variance": 1}
    for model in released:
        for weight in model.weights:
            kind, values = weight.path.rpartition("/")[2], weight.numpy()
            if kind != "kernel":
                np.testing.assert_array_equal(values, np.float32(starts[kind]), weight.path)
                continue
            assert np.abs(values).max() <= 2 * WEIGHT_STDDEV + 1e-6, weight.path
            if values.size < 1000:
                continue
            assert values.std() == pytest.approx(
                0.87963 * WEIGHT_STDDEV, rel=4 / values.size**0.5
            ), weight.path
            assert abs(values.mean()) < 5 * WEIGHT_STDDEV / values.size**0.5, weight.path
    kernel = released[0].get_layer("image_encoder").get_layer("res5_conv2").kernel.numpy()
    assert np.mean(np.abs(kernel) < WEIGHT_STDDEV) == pytest.approx(0.7152, abs=1e-3)


def test_receptive_field_of_the_image_encoder():
    """Ten convolutions of reach 2: 41x41 pixels, of which those at even distances.

    With positive kernels and no biases a black image gives 0, and one bright pixel gives more than
    0 wherever it reaches.
    """
    config = config_lib.override(preset("released"), [*SHRUNK, "data.image_shape=[48, 48, 3]"])
    encoder = build_image_encoder(config)
    for weight in encoder.weights:
        if weight.path.endswith("kernel"):
            weight.assign(np.full(weight.shape, 1 / weight.shape[-2]))
        elif weight.path.endswith("bias"):
            weight.assign(np.zeros(weight.shape))
    feature_map = keras.Model(encoder.input, encoder.get_layer("global_average").input)
    image = np.zeros([1, 48, 48, 3], np.uint8)
    image[0, 23, 24] = 255
    reached = np.abs(feature_map(image, training=False)[0]).max(-1) > 0
    expected = np.zeros([48, 48], bool)
    expected[3:44:2, 4:45:2] = True
    np.testing.assert_array_equal(reached, expected)


def test_receptive_field_of_the_audio_generator():
    """Two blocks of two convolutions of reach 2: 17 samples, of which those at even distances."""
    generator = build_audio_generator(config_lib.override(preset("released"), SHRUNK))
    for weight in generator.weights:
        weight.assign(np.full(weight.shape, 1.0 if weight.path.endswith("kernel") else 0.0))
    signal = keras.Model(generator.input, generator.get_layer("flatten").output)
    phi = np.zeros([1, 32], np.float32)
    phi[0, 15] = 1
    (reached,) = np.nonzero(signal(phi, training=False)[0])
    assert list(reached) == list(range(7, 24, 2))
