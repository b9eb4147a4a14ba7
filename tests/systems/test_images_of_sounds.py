"""DCMAVG's other half: its stages learn, and the program shows what it makes."""

import json

import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.models.dcmavg import build_image_classifier, build_sound_classifier
from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.networks import save_network
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.images_of_sounds import make_images
from mtnet_tf.systems.trained import load_network
from mtnet_tf.training.images_of_sounds import train_images_of_sounds
from mtnet_tf.training.loop import run_stage
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.image import as_pixels, as_samples
from mtnet_tf.training.stages.sound_classifier import SoundClassifierStage
from tests.systems.small_adversarial import SMALL, assert_moved, image_stage, values_of
from tests.systems.trainings import assert_resumes_to_the_same_bits


@pytest.fixture
def config(tiny_config):
    return systems.configure("dcmavg", config_lib.override(tiny_config, SMALL))


@pytest.fixture
def stage(config, synthetic_data):
    return image_stage(config, synthetic_data)


def test_a_step_moves_every_weight_of_both_networks(stage):
    networks = [*stage.trackables()["generators"], stage.discriminator]
    before = values_of(networks)
    for batch in stage.batches(0):
        figures = stage.train_step(batch)
    assert all(np.isfinite(figure) for figure in figures.values())
    assert_moved(networks, before, "gan_cls")


def test_a_mismatched_image_is_any_true_one_of_another_word(stage, synthetic_data):
    train = synthetic_data.train
    labels = tf.constant(np.tile(train.labels, 20))
    found = stage.draw_other_images(labels, (0, 1, 3)).numpy()
    places = {image.tobytes(): place for place, image in enumerate(train.images)}
    drawn = np.array([places[image.tobytes()] for image in found])
    assert (train.labels[drawn] != labels.numpy()).all()
    assert set(drawn) == set(range(len(train)))


def test_mismatched_images_are_moved_as_true_ones_are(config, synthetic_data):
    """Else the border of a picture would tell the discriminator which are wrong."""
    overrides = ["augmentation.alternating_flip=true", "data.digit_size=null"]
    moving = image_stage(config_lib.override(config, overrides), synthetic_data)
    labels = tf.constant(np.tile(synthetic_data.train.labels, 20))
    still = image_stage(config, synthetic_data).draw_other_images(labels, (0, 1, 3)).numpy()
    moved = moving.draw_other_images(labels, (0, 1, 3)).numpy()
    same = (moved == still).all((1, 2, 3))
    mirrored = (moved == still[:, :, ::-1]).all((1, 2, 3))
    assert (same | mirrored).all()
    assert 0.3 < mirrored.mean() < 0.7


def test_two_words_are_as_far_apart_as_their_pixels(stage, synthetic_data):
    images = synthetic_data.validation.images.astype(np.float64)
    pairs = [np.abs(images[k] - images[k - 1]).mean() / 127.5 for k in range(len(images))]
    assert stage.distance_between_words() == pytest.approx(np.mean(pairs), rel=1e-5)


def test_a_look_asks_the_classifier(stage, synthetic_data):
    found = stage.validate()
    assert set(found) == {"validation_word_accuracy", "validation_diversity"}
    assert found["validation_diversity"] > 0
    pixels = synthetic_data.validation.images
    np.testing.assert_array_equal(as_pixels(as_samples(pixels).numpy()), pixels)
    recognized = stage.recognize(as_samples(pixels).numpy())
    logits = stage._classify(pixels).numpy()
    np.testing.assert_array_equal(recognized, logits.argmax(-1))


def test_the_sound_classifier_learns_the_recordings(config, synthetic_data, tmp_path):
    config = config_lib.override(config, ["training.inverter.epochs=60"])
    spectrograms = LogMel(config).spectrograms(synthetic_data.recordings.float_waveforms())
    sounds = build_sound_classifier(config)
    stage = SoundClassifierStage(sounds, config, synthetic_data, spectrograms)
    run_stage(stage, RunFolder(tmp_path), config.training)
    assert stage.validate() == {"accuracy": 1.0}


def test_resume_equals_uninterrupted(config, synthetic_data, tmp_path):
    classifier = build_image_classifier(config)

    def train(config, data, run, device):
        with run.lock():
            run.begin(config, data.metadata["recordings_fingerprint"], device)
            session = Session(run, config.training)
            stage = train_images_of_sounds(config, data, classifier, session)
        return stage.trackables()["generators"][0]

    stages = "sound_classifier", "images"
    assert_resumes_to_the_same_bits(config, synthetic_data, tmp_path, *stages, train=train)


def test_the_half_is_trained_shown_and_not_trained_again(config, synthetic_data, tmp_path):
    speaking, run = RunFolder(tmp_path / "dcmavg"), RunFolder(tmp_path / "half")
    # Untrained, because its classifier alone is asked: it says something of any image.
    speaking.begin(config, "0" * 64, "cpu")
    save_network(systems.find("dcmavg").build_for_use(config), speaking / NETWORK)
    result = make_images(speaking, synthetic_data, run, "cpu")
    assert json.loads((run / "images_of_sounds.json").read_text()) == result
    assert len(result["looks"]) == 4 and result["num_images"] == 6
    held_out = synthetic_data.validation
    logits = load_network(speaking)({"image": held_out.images})["logits"].numpy()
    right = (logits.argmax(-1) == held_out.labels).mean()
    assert result["word_accuracy_of_true_images"] == right
    log = (run / "train_log.jsonl").read_text()
    assert '"stage": "images"' in log and '"adversarial"' not in log  # DCMAVG's own stage
    again = make_images(speaking, synthetic_data, run, "cpu")
    assert again["word_accuracy"] == result["word_accuracy"]
    assert (run / "train_log.jsonl").read_text() == log
    # DCMAVG's own lines of the log and checkpoints would be taken for this half's.
    with pytest.raises(config_lib.ConfigError, match="is the run of DCMAVG itself"):
        make_images(speaking, synthetic_data, RunFolder(tmp_path / "half/../dcmavg"), "cpu")
