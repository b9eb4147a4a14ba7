"""The losses against NumPy, computed from the equations."""

import keras
import numpy as np
import pytest
import scipy.spatial
import scipy.special
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
    of_batch = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
    to_the_letter = losses.representation_loss(a, b, "batch_cosine").numpy()
    assert to_the_letter == pytest.approx(1 - of_batch)


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
    generation = {"generation", "audio_feature_generation"}
    assert losses.summed_over_batch(released) == {"perceptual", "representation", *generation}


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


def test_released_has_no_decay_term():
    config = preset("released").loss
    audio = np.ones([2, 5], np.float32)
    terms = losses.autoencoder_loss(config, audio, audio, np.ones(2, np.float32), [])
    assert set(terms) == {"reconstruction", "total"}


@pytest.mark.parametrize("form", ["mean_cross_entropy", "sum_cross_entropy"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_smoothed_labels_equal_keras(form, smoothing, random):
    logits, labels = random.normal(size=(5, 4)).astype(np.float32), np.array([0, 3, 1, 1, 2])
    reduction = "sum" if form == "sum_cross_entropy" else "sum_over_batch_size"
    keras_loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=smoothing, reduction=reduction
    )
    expected = float(keras_loss(np.eye(4, dtype=np.float32)[labels], logits))
    found = losses.perceptual_loss(labels, logits, form, smoothing).numpy()
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("threshold", [0.01, 0.3, 1.0, 5.0])
def test_smooth_l1_with_a_threshold_is_hubers_over_it(threshold):
    x = np.linspace(-2, 2, 41)
    found = losses.smooth_l1(tf.constant(x), threshold)
    np.testing.assert_allclose(found, scipy.special.huber(threshold, x) / threshold, atol=1e-12)


@pytest.mark.parametrize("form, reduce", [("smooth_l1", np.sum), ("mean_smooth_l1", np.mean)])
def test_generation_loss_with_a_threshold(form, reduce, random):
    a, b = random.normal(size=(2, 3, 11))
    gamma = scipy.special.huber(0.2, a - b) / 0.2
    found = losses.generation_loss(a, b, form, 0.2).numpy()
    assert found == pytest.approx(reduce(gamma, axis=1).mean())


def spectra(x, window):
    """Magnitudes of the short-time spectra by NumPy, with a floor of 1e-4 under the power."""
    hop, length = window // 4, x.shape[1]
    count = -(-length // hop)
    padded = np.pad(x, ((0, 0), (0, count * hop + window - length)))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    frames = [padded[:, k * hop : k * hop + window] * hann for k in range(count)]
    return np.sqrt(np.abs(np.fft.rfft(np.stack(frames, axis=1))) ** 2 + 1e-4)


@pytest.mark.parametrize("form, reduce", [("mean", np.mean), ("sum", np.sum)])
def test_letter_loss_counts_the_letters_and_the_end(form, reduce, random):
    letters = np.array([[3, 1, 0, 0], [2, 2, 2, 2], [0, 0, 0, 0]])
    logits = random.normal(size=(3, 4, 5))
    log_softmax = logits - scipy.special.logsumexp(logits, axis=-1, keepdims=True)
    words = [
        reduce([-log_softmax[row, step, letters[row, step]] for step in range(steps)])
        for row, steps in enumerate((3, 4, 1))
    ]
    found = losses.letter_loss(letters.astype(np.int32), logits.astype(np.float32), form)
    assert float(found) == pytest.approx(np.mean(words), rel=1e-5)


@pytest.mark.parametrize("length", [300, 2048, 5001])
def test_spectral_loss_is_that_of_numpy(length, random):
    """Of sounds shorter than a window too. The second half of the first one is silent."""
    a, b = 0.3 * random.normal(size=(2, 3, length))
    a[0, length // 2 :] = 0
    expected = np.zeros(3)
    for window in (2048, 1024, 512):
        true, generated = spectra(a, window), spectra(b, window)
        distance = np.abs(true - generated) + np.abs(np.log(true) - np.log(generated))
        expected += distance.mean(axis=(1, 2))
    found = losses.spectral_loss(a.astype(np.float32), b.astype(np.float32)).numpy()
    assert found == pytest.approx(expected.mean(), rel=1e-4)


def test_spectral_loss_of_equal_sounds_is_0_and_grows_with_the_difference(random):
    a, noise = 0.3 * random.normal(size=(2, 2, 3000)).astype(np.float32)
    found = [losses.spectral_loss(a, a + x * noise).numpy() for x in (0, 0.01, 0.1, 1)]
    assert found[0] == 0
    assert found == sorted(found) and found[1] > 0
    # Phases are not seen: a sound and its negative are the same.
    assert losses.spectral_loss(a, -a).numpy() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("true, generated", [("silence", "noise"), ("noise", "silence")])
def test_spectral_loss_of_silence_has_a_finite_gradient(true, generated, random):
    sounds = {"silence": np.zeros([2, 3000]), "noise": 0.3 * random.normal(size=(2, 3000))}
    waveform = tf.constant(sounds[generated], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(waveform)
        loss = losses.spectral_loss(tf.constant(sounds[true], tf.float32), waveform)
    gradient = tape.gradient(loss, waveform).numpy()
    assert np.isfinite(gradient).all() and np.isfinite(loss)
    if generated == "noise":  # and it leads towards silence
        assert (gradient * sounds["noise"]).sum() > 0


def test_joint_loss_of_all_terms_is_their_weighted_sum(random):
    config = LossConfig(
        audio_feature_weight=0.3,
        spectral_weight=0.7,
        label_smoothing=0.2,
        smooth_l1_threshold=0.1,
        decay_weight=0.01,
    )
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    waveforms = 0.4 * random.normal(size=(3, 2, 600)).astype(np.float32)
    batch = {
        "label": np.array([0, 2]),
        "audio": waveforms[0],
        "audio_feature": random.normal(size=(2, 5)).astype(np.float32),
    }
    outputs = {
        "logits": random.normal(size=(2, 3)).astype(np.float32),
        "cross_modal_representation": random.normal(size=(2, 5)).astype(np.float32),
        "waveform": waveforms[1],
        "audio_feature_waveform": waveforms[2],
    }
    found = losses.joint_loss(config, batch, outputs, model.trainable_variables)
    terms = {name: float(value) for name, value in found.items()}
    softmax = np.exp(outputs["logits"]) / np.exp(outputs["logits"]).sum(1, keepdims=True)
    target = 0.8 * np.eye(3)[batch["label"]] + 0.2 / 3
    assert terms["perceptual"] == pytest.approx(-(target * np.log(softmax)).sum(1).mean(), rel=1e-5)
    for name, waveform in (("generation", 1), ("audio_feature_generation", 2)):
        gamma = scipy.special.huber(0.1, waveforms[0] - waveforms[waveform]) / 0.1
        assert terms[name] == pytest.approx(gamma.sum(1).mean(), rel=1e-5)
    total = (
        terms["generation"]
        + 0.3 * terms["audio_feature_generation"]
        + 0.7 * terms["spectral"]
        + 0.5 * terms["perceptual"]
        + terms["representation"]
        + 0.01 * terms["decay"]
    )
    assert terms["total"] == pytest.approx(total, rel=1e-6)
    assert set(terms) == {*losses.joint_weights(config), "total"}
