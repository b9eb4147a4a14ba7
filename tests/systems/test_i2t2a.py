"""I2T2A: it learns to spell, resumes to the same bits, and speaks what it has written."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.config import ConfigError
from mtnet_tf.data import audio
from mtnet_tf.data.pairs import DataError
from mtnet_tf.evaluation.run import evaluate_run
from mtnet_tf.exporting.network import Exported
from mtnet_tf.layers import spoken_letters
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.speech import NoSoundError, SpeechError, letters
from mtnet_tf.systems.controls import CONTROLS
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network
from mtnet_tf.training.stages.text import TextStage
from tests.systems.trainings import assert_resumes_to_the_same_bits, of_four_images

WORDS = ("zero", "one", "two")


class Tones:
    """Says the words of `synthetic_data` as its voice a does in take 0."""

    speaker = "tones"

    def speak(self, text):
        if text not in WORDS:
            raise NoSoundError("no such word")
        pitch = 300 * (1 + WORDS.index(text))
        return 0.5 * np.sin(2 * np.pi * pitch * np.arange(900) / audio.SAMPLE_RATE)


@pytest.fixture(autouse=True)
def no_voice(monkeypatch):
    monkeypatch.setattr(spoken_letters, "Piper", Tones)


@pytest.fixture
def config(tiny_config):
    changes = ["text_decoder.num_steps=6", "text_decoder.embedding_units=5", "text_decoder.units=9"]
    return systems.configure("i2t2a", config_lib.override(tiny_config, changes))


def stage(config, data):
    return TextStage(systems.find("i2t2a").build(config), config, data)


def test_gradient_reaches_every_weight(config, synthetic_data):
    text_stage = stage(config, synthetic_data)
    variables = text_stage.model.trainable_variables
    batch = next(iter(text_stage.batches(0)))
    with tf.GradientTape() as tape:
        loss = text_stage.losses(batch, training=True)["letters"]
    for variable, gradient in zip(variables, tape.gradient(loss, variables)):
        assert gradient is not None, variable.path
        if "trans" not in variable.path or "kernel" in variable.path:
            assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


def test_the_stage_takes_the_form_of_the_loss(config, synthetic_data):
    """Of one word, the sum is the mean times the number of its letters and the end."""
    summed = config_lib.override(config, ["loss.letters=sum"])
    labels = tf.zeros([2], tf.int32)
    batch = {"label": labels, "image": tf.constant(synthetic_data.train.images[:2])}
    found = []
    for of_form in (config, summed):
        keras.utils.set_random_seed(0)
        found.append(stage(of_form, synthetic_data).losses(batch, training=False)["letters"])
    mean, total = (float(loss) for loss in found)
    assert total == pytest.approx(mean * (len(WORDS[0]) + 1), rel=1e-5)


def test_it_learns_to_spell_and_says_what_it_has_written(config, synthetic_data, tmp_path):
    config = config_lib.override(
        config,
        [
            "training.joint.epochs=300",
            "training.joint.batch_size=4",
            "training.joint.optimizer.learning_rate=0.002",
            "training.checkpoint_secs=1000",
            "training.log_steps=50",
            "loss.decay_weight=0",
        ],
    )
    data = of_four_images(synthetic_data)
    pairs = data.train
    run = RunFolder(tmp_path / "run")
    train(config, data, run, "cpu")
    network = load_network(run)
    outputs = network({"image": pairs.images}, training=False)
    words = [synthetic_data.words[label] for label in pairs.labels]
    assert letters.decode(outputs["letters"].numpy()) == words
    spoken = [spoken_letters.WordSpeaker(Tones, 900)([word])[0] for word in words]
    np.testing.assert_array_equal(outputs["waveform"], spoken)
    lines = [json.loads(line) for line in (run / "train_log.jsonl").read_text().splitlines()]
    assert lines[-1]["stage"] == "text"
    assert lines[-1]["validation_text_accuracy"] == _accuracy(network, data.validation, data)
    pool = ScoringPool(synthetic_data.recordings.float_waveforms(), 1, ["corr2d"])
    with pool:
        summary, *controls = evaluate_run(
            run, data, pool, split="test", device="cpu", controls=CONTROLS
        )
    assert summary["label"] == "I2T2A"
    assert summary["classifier_accuracy"] == _accuracy(network, data.test, data)
    assert [c["candidate"] for c in controls][-2:] == [
        "classifier_and_recording",
        "true_label_and_recording",
    ]


def _accuracy(network, pairs, data):
    written = letters.decode(network({"image": pairs.images}, training=False)["letters"].numpy())
    return np.mean([word == data.words[label] for word, label in zip(written, pairs.labels)])


def test_resume_equals_uninterrupted(config, synthetic_data, tmp_path):
    assert_resumes_to_the_same_bits(config, synthetic_data, tmp_path, "text")


def test_a_missing_voice_is_told_before_the_training_and_before_it_speaks(
    config, synthetic_data, tmp_path, monkeypatch
):
    run = RunFolder(tmp_path / "run")
    train(config_lib.override(config, ["training.joint.epochs=0.1"]), synthetic_data, run, "cpu")

    def missing():
        raise SpeechError("The voice is not installed.")

    monkeypatch.setattr(spoken_letters, "Piper", missing)
    with pytest.raises(SpeechError, match="not installed"):
        load_network(run)
    with pytest.raises(ConfigError, match="speaks with a .* program, which cannot be exported"):
        Exported(run)  # with a voice too, so it asks for none
    other = RunFolder(tmp_path / "other")
    with pytest.raises(SpeechError, match="not installed"):
        train(config, synthetic_data, other, "cpu")
    assert not (other / "train_log.jsonl").exists()


def test_a_word_that_is_too_long_is_one_error(config, synthetic_data):
    config = config_lib.override(config, ["text_decoder.num_steps=4"])
    with pytest.raises(
        DataError, match="a word that cannot be written: 'zero' has 4 .*num_steps=5"
    ):
        stage(config, synthetic_data)
