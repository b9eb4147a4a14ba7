"""Temperature, threshold and calibration error, by hand and on a network."""

import dataclasses
import types

import keras
import numpy as np
import pytest
import scipy.special

from mtnet_tf.config import ConfigError
from mtnet_tf.data.picture_files import ImageError
from mtnet_tf.errors import InputError
from mtnet_tf.evaluation import calibration
from mtnet_tf.runs.run_folder import RunFolder


def test_the_temperature_that_the_labels_were_drawn_with_is_found():
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 5))
    cumulative = scipy.special.softmax(logits, axis=-1).cumsum(-1)
    labels = (random.random((20_000, 1)) > cumulative).sum(-1)
    assert calibration.fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.05)
    assert calibration.fit_temperature(logits / 3, labels) == pytest.approx(1 / 3, rel=0.05)


def test_where_all_are_right_the_temperature_stays():
    """The cross-entropy would have it as low as may be, and every probability at 1."""
    logits = np.random.default_rng(0).normal(size=(144, 5))
    assert calibration.fit_temperature(logits, logits.argmax(-1)) == 1.0


def test_calibration_error_by_hand():
    probabilities = np.array([0.95, 0.93, 0.91, 0.55, 0.52])
    right = np.array([True, True, False, True, False])
    expected = (3 * abs(0.93 - 2 / 3) + 2 * abs(0.535 - 0.5)) / 5
    assert calibration.calibration_error(probabilities, right) == pytest.approx(expected)


def test_the_threshold_lets_the_right_ones_through_and_the_others_not():
    right, wrong = np.array([0.5, 0.8, 0.9, 0.95]), np.array([0.4, 0.6])
    outliers = np.array([0.3, 0.7, 0.2])
    # At .8: three quarters of the right ones and none of the others.
    assert calibration.choose_threshold(right, wrong, outliers) == 0.8
    # No wrong ones, and no outliers: nothing is lost by letting all through.
    assert calibration.choose_threshold(right, np.array([]), np.array([])) <= 0.5


def build(config, weight, **more):
    """A network that looks at the brightness of the left, middle and right third."""
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.AveragePooling2D((12, 4))(x)
    logits = keras.layers.Rescaling(weight)(keras.layers.Flatten()(x))
    return keras.Model({"image": image, **more}, {"logits": logits})


@pytest.fixture
def thirds(synthetic_data):
    """The synthetic data with images whose bright third is their word."""
    random = np.random.default_rng(0)
    images = random.integers(0, 60, (6, 12, 12, 1)).astype(np.uint8)
    labels = synthetic_data.validation.labels
    for image, label in zip(images, labels):
        image[:, 4 * label : 4 * label + 4] += 150
    fields = {**vars(synthetic_data.validation), "images": images}
    validation = type(synthetic_data.validation)(**fields)
    return type(synthetic_data)(**{**vars(synthetic_data), "validation": validation})


def test_pictures_without_a_word_are_told_from_those_with_one(tiny_config, thirds):
    config = tiny_config
    # Of the network's size, so that they are seen as they are: all thirds alike.
    outliers = [np.tile(np.uint8([[[30 * k], [30 * k + 60]]]), (12, 6, 1)) for k in range(6)]
    blank = np.zeros([12, 12, 1], np.uint8)
    found = calibration.calibrate(build(config, 20.0), config, thirds, [*outliers, blank])
    assert found["validation"]["accuracy"] == 1
    assert found["validation"]["sure_of_right"] == 1
    assert found["validation"]["sure_of_wrong"] is None
    assert found["outliers"] == {"num_images": 6, "num_refused": 1, "sure": 0.0}
    assert 1 / 3 < found["threshold"] <= 1
    assert sum(bin["num_images"] for bin in found["curve"]) == found["validation"]["num_images"]
    with pytest.raises(ImageError, match="blank"):
        calibration.calibrate(build(config, 20.0), config, thirds, [blank])


def test_temperature_and_threshold_are_of_right_wrong_and_outlying_images(tiny_config, thirds):
    """Where an image is wrong, so that the temperature is not 1."""
    # Not laid out as digits are: a picture of the network's size is seen as it is.
    config = dataclasses.replace(
        tiny_config, data=dataclasses.replace(tiny_config.data, digit_size=None)
    )
    network, pairs = build(config, 8.0), thirds.validation
    labels = np.array([(pairs.labels[0] + 1) % 3, *pairs.labels[1:]], np.int32)
    data = dataclasses.replace(thirds, validation=dataclasses.replace(pairs, labels=labels))
    # Their left third is brighter, each time more.
    outliers = [np.tile(np.uint8([[[20 * k], [20 * k + 60]]]), (12, 6, 1)) for k in range(6)]
    for k, outlier in enumerate(outliers):
        outlier[:, :4] += np.uint8(20 * k)
    found = calibration.calibrate(network, config, data, outliers)
    temperature, threshold = found["temperature"], found["threshold"]
    assert abs(temperature - 1) > 0.05

    def likeliest(images):
        logits = network({"image": images})["logits"].numpy()
        return scipy.special.softmax(logits / temperature, axis=-1).max(-1)

    sure, of_outliers = likeliest(pairs.images), likeliest(np.stack(outliers))
    expected = calibration.choose_threshold(sure[1:], sure[:1], of_outliers)
    assert threshold == pytest.approx(expected)
    assert found["validation"]["sure_of_wrong"] == float(sure[0] >= threshold)
    assert found["outliers"]["sure"] == pytest.approx(np.mean(of_outliers >= threshold))


def test_a_network_of_several_voices_is_calibrated_as_one_of_one_voice(tiny_config, thirds):
    pictures = [np.full([12, 12, 1], 128, np.uint8)]
    config = dataclasses.replace(
        tiny_config, data=dataclasses.replace(tiny_config.data, digit_size=None)
    )
    voice = keras.Input((), name="voice", dtype="int32")
    alone, several = (
        calibration.calibrate(build(config, 9, **more), config, thirds, pictures)
        for more in ({}, {"voice": voice})
    )
    assert alone == several and alone["outliers"]["num_images"] == 1


def test_what_cannot_be_calibrated_is_one_error(tiny_config, synthetic_data, thirds):
    network = build(tiny_config, 1.0)
    nothing = thirds.validation.take([])
    data = type(thirds)(**{**vars(thirds), "validation": nothing})
    with pytest.raises(ConfigError, match="there is none: train with data.validation_fraction"):
        calibration.calibrate(network, tiny_config, data, [])
    with pytest.raises(ConfigError, match="the word of none of the 6 validation images"):
        calibration.calibrate(build(tiny_config, -9.0), tiny_config, thirds, [])
    silent = keras.Model(network.input, {"waveform": network.output["logits"]})
    with pytest.raises(ConfigError, match="has no softmax layer"):
        calibration.calibrate(silent, tiny_config, thirds, [])


def test_outliers_that_show_a_word_of_the_run_are_one_error(synthetic_data, tmp_path):
    words = {"1": "one", "cat": "cat", "2": "two"}
    others = types.SimpleNamespace(name="pets_ad", metadata={"words": words})
    with pytest.raises(InputError, match="pets_ad has words of the run: one, two. Outliers show"):
        calibration.calibrate_run(RunFolder(tmp_path), synthetic_data, others, 9, "cpu")
