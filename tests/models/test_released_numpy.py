"""`released` against NumPy in float64: outputs, a training step, moving averages, Adam and losses.

The arithmetic is written from facts about the CIFAR-100 scripts (2022) of the paper's authors. The
layers themselves are in `test_released_parity.py`, the single losses in `test_losses.py`.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mtnet_tf import config as config_lib
from mtnet_tf import losses
from mtnet_tf.config import preset
from mtnet_tf.data.pairs import AudioDescriptions, Pairs, Recordings
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.training.optimizers import build_optimizer
from mtnet_tf.training.stages.joint import JointStage
from tests.models.released_values import BN_DECAY, BN_EPSILON, HOLE_SIZE, SHRUNK

AUDIO_FEATURE_LAYER = 4
LOSS_WEIGHTS = {"perceptual": 0.5, "representation": 0.1, "generation": 0.1}
ADAM_RATE, ADAM_EPSILON = 1e-4, 1e-8  # TensorFlow 1's other defaults: beta_1 .9, beta_2 .999


def weights_of(model, name):
    return [values.astype(np.float64) for values in model.get_layer(name).get_weights()]


def dense(x, kernel, bias):
    return x @ kernel + bias


def convolution(x, kernel, bias, dilation_rate):
    """[b, h, w, c] and [kh, kw, c, d] -> [b, h, w, d]: stride 1, zeros around, dilated."""
    (_, height, width, _), (rows, columns) = x.shape, kernel.shape[:2]
    reach = dilation_rate * (rows // 2), dilation_rate * (columns // 2)
    padded = np.pad(x, ((0, 0), (reach[0],) * 2, (reach[1],) * 2, (0, 0)))
    taps = (
        padded[
            :,
            i * dilation_rate : i * dilation_rate + height,
            j * dilation_rate : j * dilation_rate + width,
        ]
        @ kernel[i, j]
        for i in range(rows)
        for j in range(columns)
    )
    return sum(taps) + bias


def normalize(x, gamma, beta, mean, variance):
    return gamma * (x - mean) / np.sqrt(variance + BN_EPSILON) + beta


def image_encoder(model, images, training=False):
    """Returns {layer: output} without dropout. In training BN takes the moments of the batch."""
    outputs = {}

    def keep(name, value):
        outputs[name] = value
        return value

    def conv_bn(conv, bn, x, dilation_rate):
        x = keep(conv, convolution(x, *weights_of(model, conv), dilation_rate))
        gamma, beta, mean, variance = weights_of(model, bn)
        if training:
            mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return keep(bn, normalize(x, gamma, beta, mean, variance))

    x = images.astype(np.float64)
    for k in range(1, 6):
        x = keep(f"trans{k}_tanh", np.tanh(conv_bn(f"trans{k}_conv", f"trans{k}_bn", x, 1)))
        residual = conv_bn(f"res{k}_conv1", f"res{k}_bn1", x, HOLE_SIZE)
        residual = keep(f"res{k}_tanh1", np.tanh(residual))
        residual = conv_bn(f"res{k}_conv2", f"res{k}_bn2", residual, HOLE_SIZE)
        x = keep(f"res{k}_tanh2", np.tanh(keep(f"res{k}_add", residual + x)))
    x = keep("global_average", x.mean((1, 2)))
    x = keep("image_fc1", np.tanh(dense(x, *weights_of(model, "image_fc1"))))
    keep("image_fc2", np.tanh(dense(x, *weights_of(model, "image_fc2"))))
    return outputs


def cross_modal_mapper(model, image_feature):
    x = np.tanh(dense(image_feature, *weights_of(model, "mapper_fc1")))
    return np.tanh(dense(x, *weights_of(model, "cross_modal_representation")))


def audio_generator(model, phi):
    """Returns {layer: output}; dropout left out."""
    outputs = {}
    x = phi
    for n in (1, 2):
        kernel_a, bias_a, kernel_b, bias_b, kernel, bias = weights_of(model, f"res1d_{n}")

        def conv(signal, kernel, bias):  # a picture one pixel wide
            return convolution(signal[..., None, None], kernel[:, None], bias, HOLE_SIZE)[..., 0, 0]

        gate, signal = 1 / (1 + np.exp(-conv(x, kernel_a, bias_a))), conv(x, kernel_b, bias_b)
        x = np.tanh(conv(gate * np.tanh(signal), kernel, bias) + x)
        outputs[f"res1d_{n}"] = x[..., None]
    outputs["generator_fc1"] = np.tanh(dense(x, *weights_of(model, "generator_fc1")))
    outputs["waveform"] = np.tanh(dense(outputs["generator_fc1"], *weights_of(model, "waveform")))
    return outputs


def autoencoder_outputs(model, audio, training=False):
    """Returns {layer: output}, and in training normalises by mean and variance of the batch."""
    outputs, x = {}, audio.astype(np.float64)
    for i in range(1, 8):
        outputs[f"audio_fc{i}"] = x = dense(x, *weights_of(model, f"audio_fc{i}"))
        gamma, beta, mean, variance = weights_of(model, f"audio_fc{i}_bn")
        if training:
            mean, variance = x.mean(0), x.var(0)
        outputs[f"audio_fc{i}_bn"] = x = normalize(x, gamma, beta, mean, variance)
        outputs[f"audio_fc{i}_tanh"] = x = np.tanh(x)
    return outputs


IMAGES = np.random.default_rng(2).integers(0, 256, (8, 16, 16, 3)).astype(np.uint8)
AUDIO = np.random.default_rng(3).uniform(-1, 1, (20, 40)).astype(np.float32)


@pytest.fixture(scope="module")
def shrunk_config():
    return config_lib.override(preset("released"), SHRUNK)


@pytest.fixture(scope="module")
def trained_like(shrunk_config):
    """Joint network and autoencoder, shrunk, with weights at which every nonlinearity counts."""
    keras.utils.set_random_seed(0)
    models = build_mtnet(shrunk_config), build_audio_autoencoder(shrunk_config)
    random = np.random.default_rng(1)
    for model, x in zip(models, ({"image": IMAGES}, AUDIO)):
        for weight in model.trainable_weights:
            values = random.normal(size=weight.shape)
            if weight.path.endswith("kernel"):
                values *= 1.5 / np.sqrt(np.prod(weight.shape[:-1]))
            elif weight.path.endswith("gamma"):
                values = random.uniform(0.5, 1.5, weight.shape)
            else:
                values *= 0.3
            weight.assign(values)
        for _ in range(3):  # the moving averages come near those of the batch
            model(x, training=True)
    return models


@pytest.fixture
def changeable(trained_like):
    """`trained_like` for a test that changes the weights."""
    saved = [model.get_weights() for model in trained_like]
    yield trained_like
    for model, weights in zip(trained_like, saved):
        model.set_weights(weights)


def assert_equal_layers(model, x, expected):
    """Compares each layer of a model but inputs and dropout with `expected`, {layer: output}."""
    found = {layer.name: layer.output for layer in model.layers if layer.name in expected}
    rest = {type(layer) for layer in model.layers if layer.name not in expected}
    assert rest <= {
        layers.InputLayer,
        layers.Rescaling,
        layers.Dropout,
        layers.Reshape,
        layers.Flatten,
    }
    assert set(found) == set(expected)
    for name, value in keras.Model(model.input, found)(x, training=False).items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-5, atol=1e-5, err_msg=name)


def test_forward_pass_of_the_joint_network_is_numpy(trained_like):
    model, _ = trained_like
    encoder, generator = model.get_layer("image_encoder"), model.get_layer("audio_generator")
    maps = image_encoder(encoder, IMAGES)
    assert_equal_layers(encoder, IMAGES, maps)
    feature = maps["image_fc2"]
    phi = cross_modal_mapper(model.get_layer("cross_modal_mapper"), feature)
    signals = audio_generator(generator, phi)
    assert_equal_layers(generator, phi.astype(np.float32), signals)
    outputs = model({"image": IMAGES}, training=False)
    expected = {
        "image_feature": feature,
        "logits": dense(feature, *weights_of(model, "classifier")),
        "cross_modal_representation": phi,
        "waveform": signals["waveform"],
    }
    assert set(outputs) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(outputs[name], value, rtol=1e-5, atol=1e-5, err_msg=name)
        assert value.std() > 0.1  # nothing saturated, nothing silent
    for k in range(1, 6):
        assert np.mean(np.abs(maps[f"res{k}_tanh2"]) < 0.999) > 0.9


def test_forward_pass_of_the_autoencoder_is_numpy(trained_like):
    _, model = trained_like
    expected = autoencoder_outputs(model, AUDIO)
    assert_equal_layers(model, AUDIO, expected)
    outputs = model(AUDIO, training=False)
    feature = expected[f"audio_fc{AUDIO_FEATURE_LAYER}_tanh"]
    np.testing.assert_allclose(outputs["audio_feature"], feature, atol=1e-5)
    np.testing.assert_allclose(outputs["reconstruction"], expected["audio_fc7_tanh"], atol=1e-5)


def assert_moving_averages(model, before, outputs, axes, ddof):
    """After one step; `before`: {path: value}. BN gets the output of the layer before it."""
    names = list(outputs)
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in norms:
        x = outputs[names[names.index(layer.name) - 1]]
        batch = {"moving_mean": x.mean(axes), "moving_variance": x.var(axes, ddof=ddof)}
        for name, value in batch.items():
            average = getattr(layer, name)
            expected = BN_DECAY * before[average.path] + (1 - BN_DECAY) * value
            np.testing.assert_allclose(average, expected, rtol=1e-4, atol=1e-4, err_msg=layer.name)
    return len(norms)


def values_by_path(weights):
    return {weight.path: weight.numpy() for weight in weights}


def test_a_training_step(shrunk_config, changeable):
    """A batch of neighbours; Adam's first step is as long as its rate; BN averages with .5."""
    random = np.random.default_rng(4)
    labels = random.integers(0, 7, 30).astype(np.int32)
    images = random.integers(0, 256, (30, 16, 16, 3)).astype(np.uint8)
    voices, image_ids = np.zeros(30, np.int32), np.array([f"train_{i:05d}" for i in range(30)])
    pairs = Pairs(images, labels, labels, voices, image_ids)
    waveforms = random.integers(-9000, 9000, (7, 40)).astype(np.int16)
    recordings = Recordings(tuple("abcdefg"), np.arange(7, dtype=np.int32), waveforms)
    data = AudioDescriptions(
        "synthetic", pairs, pairs.take([]), pairs, recordings, tuple("abcdefg"), ("x",), {}
    )
    model, _ = changeable
    encoder = model.get_layer("image_encoder")
    features = random.uniform(-1, 1, (7, 32)).astype(np.float32)
    stage = JointStage(model, shrunk_config, data, features)
    batch = next(iter(stage.batches(0)))
    start = [np.array_equal(image, batch["image"][0]) for image in images].index(True)
    np.testing.assert_array_equal(batch["image"], images[start : start + 8])

    expected = image_encoder(encoder, batch["image"].numpy(), training=True)
    before = values_by_path(model.weights)
    tf.config.run_functions_eagerly(True)  # one step: tracing would take longer
    try:
        stage.train_step(batch)
    finally:
        tf.config.run_functions_eagerly(False)
    # The fused kernel takes the unbiased variance.
    assert assert_moving_averages(encoder, before, expected, (0, 1, 2), ddof=1) == 15
    steps = {
        weight.path: np.abs(weight - before[weight.path]) for weight in model.trainable_weights
    }
    assert max(step.max() for step in steps.values()) < 1.01 * ADAM_RATE
    np.testing.assert_allclose(steps["classifier/kernel"], ADAM_RATE, rtol=0.02)


def test_moving_averages_of_the_autoencoder(changeable):
    _, model = changeable
    before = values_by_path(model.weights)
    expected = autoencoder_outputs(model, AUDIO, training=True)
    model(AUDIO, training=True)
    assert assert_moving_averages(model, before, expected, 0, ddof=0) == 7


@pytest.mark.parametrize("stage", ["autoencoder", "joint"])
def test_adam_is_tensorflow_1s(stage):
    """Against NumPy, with gradients about as small as epsilon among them."""
    optimizer = build_optimizer(getattr(preset("released").training, stage).optimizer, 5)
    random = np.random.default_rng(0)
    weight = keras.Variable(np.zeros(6, np.float32))
    optimizer.build([weight])
    apply = tf.function(lambda gradient: optimizer.apply([gradient], [weight]))
    expected, moment, mean_square = np.zeros([3, 6])
    for t in range(1, 6):
        gradient = (random.normal(size=6) * 10.0 ** np.arange(-9, 3, 2)).astype(np.float32)
        apply(tf.constant(gradient))
        moment = 0.9 * moment + 0.1 * gradient
        mean_square = 0.999 * mean_square + 0.001 * gradient.astype(np.float64) ** 2
        rate = ADAM_RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        expected = expected - rate * moment / (np.sqrt(mean_square) + ADAM_EPSILON)
        np.testing.assert_allclose(weight.numpy(), expected, rtol=2e-4, atol=3e-8)


def test_losses_by_hand():
    config = preset("released").loss
    batch = {
        "label": np.array([0, 3]),
        "audio_feature": np.array([[3, 4], [1, 0]], np.float32),
        "audio": np.array([[1, 2, 2], [0, 0, 3]], np.float32),
    }
    outputs = {
        "logits": np.zeros([2, 4], np.float32),  # every class as likely
        # Unit vectors (.6, .8) and (.8, .6), then (1, 0) and (0, 1).
        "cross_modal_representation": np.array([[8, 6], [0, 5]], np.float32),
        # The same direction, then the opposite one.
        "waveform": np.array([[2, 4, 4], [0, 0, -1]], np.float32),
    }
    expected = {"perceptual": 2 * np.log(4), "representation": 0.08 + 2, "generation": 0 + 4}
    expected["total"] = sum(LOSS_WEIGHTS[name] * value for name, value in expected.items())
    found = losses.joint_loss(config, batch, outputs, [])
    assert {name: float(value) for name, value in found.items()} == pytest.approx(
        expected, rel=1e-5
    )

    audio = np.array([[1, 0], [0, -1]], np.float32)
    reconstruction = np.array([[0.5, 0], [1, 1]], np.float32)
    weights = np.ones(2, np.float32)
    found = losses.autoencoder_loss(config, audio, reconstruction, weights, [])
    error = 0.25 + 1 + 4
    assert {k: float(v) for k, v in found.items()} == {"reconstruction": error, "total": error}
