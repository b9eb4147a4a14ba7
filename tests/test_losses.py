"""The losses against NumPy, computed from the equations."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import losses
from mtnet_tf.config import LossConfig, preset


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_perceptual_loss(random):
    logits, labels = random.normal(size=(5, 4)), np.array([0, 3, 1, 1, 2])
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    terms = -np.log(softmax[np.arange(5), labels])
    assert losses.perceptual_loss(labels, logits).numpy() == pytest.approx(terms.mean())
    assert losses.perceptual_loss(labels, logits, "sum_cross_entropy").numpy() == pytest.approx(
        terms.sum()
    )


def test_representation_loss(random):
    a, b = random.normal(size=(2, 5, 7))
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    assert losses.representation_loss(a, b).numpy() == pytest.approx((1 - cosine).mean())
    released = losses.representation_loss(a, b, "normalized_squared_error").numpy()
    assert released == pytest.approx((2 * (1 - cosine)).sum())


def test_smooth_l1():
    x = tf.constant([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0])
    np.testing.assert_allclose(losses.smooth_l1(x), [2.5, 0.5, 0.125, 0.0, 0.125, 0.5, 1.5])


def test_generation_loss_sums_over_samples(random):
    a, b = 2 * random.normal(size=(2, 3, 11))
    x = np.abs(a - b)
    gamma = np.where(x < 1, 0.5 * x**2, x - 0.5)
    assert losses.generation_loss(a, b).numpy() == pytest.approx(gamma.sum(1).mean())
    unit = [v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b)]
    released = losses.generation_loss(a, b, "normalized_squared_error").numpy()
    assert released == pytest.approx(((unit[0] - unit[1]) ** 2).sum())


def test_mean_smooth_l1_is_the_sum_over_the_number_of_samples(random):
    a, b = 2 * random.normal(size=(2, 3, 11))
    assert losses.generation_loss(a, b, "mean_smooth_l1").numpy() == pytest.approx(
        losses.generation_loss(a, b).numpy() / 11
    )


def test_which_terms_grow_with_the_batch():
    assert losses.summed_over_batch(LossConfig()) == set()
    released = preset("released").loss
    assert losses.summed_over_batch(released) == {"perceptual", "representation", "generation"}


@pytest.mark.parametrize("dropped", ["perceptual", "representation", "decay"])
def test_a_term_without_weight_is_left_out(dropped):
    config = LossConfig(**{f"{dropped}_weight": 0.0 if dropped == "decay" else None})
    expected = {"generation": 1.0, "perceptual": 0.5, "representation": 1.0, "decay": 0.0004}
    del expected[dropped]
    assert losses.joint_weights(config) == pytest.approx(expected)


def test_released_generation_loss_ignores_the_level(random):
    a, b = random.normal(size=(2, 3, 11))
    form = "normalized_squared_error"
    assert losses.generation_loss(a, 7 * b, form).numpy() == pytest.approx(
        losses.generation_loss(a, b, form).numpy()
    )


def test_reconstruction_loss_weighs_recordings_by_use(random):
    a, b = random.normal(size=(2, 3, 11))
    weights = np.array([0.5, 1.0, 1.5])
    error = ((a - b) ** 2).sum(1)
    assert losses.reconstruction_loss(a, b, weights).numpy() == pytest.approx(
        (weights * error).mean() / 2
    )
    released = losses.reconstruction_loss(a, b, np.ones(3), "sum_squared_error").numpy()
    assert released == pytest.approx(error.sum())
    # Each recording as often as it is used, unweighted, is the same loss.
    repeated = [0, 1, 1, 2, 2, 2]
    unweighted = losses.reconstruction_loss(a[repeated], b[repeated], np.ones(6)).numpy()
    assert losses.reconstruction_loss(a, b, weights).numpy() == pytest.approx(unweighted)


def test_weight_decay_takes_kernels_alone():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, bias_initializer="ones")])
    model.add(keras.layers.BatchNormalization())
    expected = np.square(model.layers[0].kernel.numpy()).sum()
    assert losses.weight_decay(model.trainable_variables).numpy() == pytest.approx(
        expected, rel=1e-5
    )


def test_joint_loss_is_the_weighted_sum(random):
    config = LossConfig()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    batch = {
        "label": np.array([0, 2]),
        "audio": random.normal(size=(2, 9)).astype(np.float32),
        "audio_feature": random.normal(size=(2, 5)).astype(np.float32),
    }
    outputs = {
        "logits": random.normal(size=(2, 3)).astype(np.float32),
        "cross_modal_representation": random.normal(size=(2, 5)).astype(np.float32),
        "waveform": random.normal(size=(2, 9)).astype(np.float32),
    }
    terms = {
        k: float(v)
        for k, v in losses.joint_loss(config, batch, outputs, model.trainable_variables).items()
    }
    assert set(terms) == {"perceptual", "representation", "generation", "decay", "total"}
    total = (
        0.5 * terms["perceptual"]
        + terms["representation"]
        + terms["generation"]
        + 0.0004 * terms["decay"]
    )
    assert terms["total"] == pytest.approx(total, rel=1e-6)


def test_released_has_no_decay_term():
    config = preset("released").loss
    audio = np.ones([2, 5], np.float32)
    terms = losses.autoencoder_loss(config, audio, audio, np.ones(2, np.float32), [])
    assert set(terms) == {"reconstruction", "total"}
