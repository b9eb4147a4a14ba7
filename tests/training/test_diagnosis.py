"""What stage 1 says of itself, and that it refuses features that stage 2 cannot learn from."""

import dataclasses
import json
import logging

import keras
import numpy as np
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import TrainingConfig
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.training import algorithm1, diagnosis
from mtnet_tf.training.diagnosis import CollapseError, FeatureDiagnosis
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.autoencoder import AutoencoderStage

GOOD = FeatureDiagnosis(0.2, 0.1, 0.3, ("one", "two"))


def test_figures_by_hand():
    audio = np.array([[3.0, 4.0], [0.0, 5.0], [1.0, 0.0]], np.float32)
    reconstruction = audio + np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], np.float32)
    features = np.array([[0.995, 0.0], [-1.0, 0.2], [0.6, 0.8]], np.float32)
    found = diagnosis.diagnose_features(audio, reconstruction, features, ["a", "b", "c"])
    assert found.reconstruction_error == pytest.approx(5 / 51)
    assert found.saturation == pytest.approx(2 / 6)
    assert found.nearest_cosine == pytest.approx(0.6)
    assert set(found.nearest_words) == {"a", "c"}


def test_silence_has_the_error_1():
    audio = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
    found = diagnosis.diagnose_features(audio, 0 * audio, np.eye(3), ["a", "b", "c"])
    assert found.reconstruction_error == pytest.approx(1.0)
    with pytest.raises(CollapseError, match="has not learned the recordings"):
        found.check(TrainingConfig())


def test_takes_of_one_word_may_be_alike():
    features = np.array([[1.0, 0.0], [1.0, 0.001], [0.0, 1.0]])
    assert diagnosis.nearest_words(features, ["a", "a", "b"])[0] == pytest.approx(0.001, abs=1e-5)
    assert diagnosis.nearest_words(features[:2], ["a", "a"]) == (None, None)
    assert diagnosis.nearest_words(0 * features, ["a", "b", "c"])[0] == 0.0


def test_the_nearest_words_do_not_depend_on_how_many_are_compared_at_once(monkeypatch):
    random = np.random.default_rng(0)
    features, words = random.normal(size=(11, 4)), list("abcabcabcab")
    at_once = diagnosis.nearest_words(features, words)
    monkeypatch.setattr(diagnosis, "_ROWS", 3)
    assert diagnosis.nearest_words(features, words) == at_once


@pytest.mark.parametrize(
    "changes, message",
    [
        ({}, None),
        ({"saturation": 1.0}, None),
        ({"reconstruction_error": 0.999}, None),
        (
            {"reconstruction_error": 1.0},
            "has not learned the recordings: its squared error is 1 of",
        ),
        ({"reconstruction_error": float("nan")}, "has not learned the recordings"),
        ({"nearest_cosine": 0.989}, None),
        ({"nearest_cosine": 0.99}, "features of one and two have the cosine 0.9900"),
        ({"nearest_cosine": None, "nearest_words": None}, None),
    ],
)
def test_what_is_refused(changes, message):
    found = dataclasses.replace(GOOD, **changes)
    if message is None:
        found.check(TrainingConfig())
        return
    with pytest.raises(CollapseError, match=message) as error:
        found.check(TrainingConfig())
    assert "training.autoencoder.optimizer.clip_norm" in str(error.value)


def test_the_limits_are_fields():
    config = TrainingConfig(max_reconstruction_error=0.1)
    with pytest.raises(CollapseError, match="training.max_reconstruction_error is 0.1"):
        GOOD.check(config)
    with pytest.raises(CollapseError, match="training.max_feature_cosine is 0.25"):
        GOOD.check(TrainingConfig(max_feature_cosine=0.25))


def test_a_stage_diagnoses_the_recordings_it_is_trained_on(tiny_config, synthetic_data):
    keras.utils.set_random_seed(0)
    stage = AutoencoderStage(
        algorithm1.build_audio_autoencoder(tiny_config), tiny_config, synthetic_data
    )
    audio = synthetic_data.recordings.float_waveforms()[[0, 1, 2, 6, 7, 8]]
    error = np.square(stage.model(audio)["reconstruction"].numpy() - audio).sum()
    found = stage.diagnose()
    assert found.reconstruction_error == pytest.approx(error / np.square(audio).sum(), rel=1e-5)
    assert set(found.nearest_words) < {"zero", "one", "two"}
    assert stage.validate()["reconstruction_error"] == found.reconstruction_error


def test_a_stage_1_that_is_taken_over_is_held_to_this_runs_limits(
    tiny_config, synthetic_data, tmp_path
):
    def learn(limit, name, shared=()):
        config = config_lib.override(tiny_config, [f"training.max_reconstruction_error={limit}"])
        run = RunFolder(tmp_path / name)
        run.begin(config, "abc", "cpu")
        session = Session(run, config.training, shared=shared)
        return algorithm1.learn_audio_features(config, synthetic_data, session)

    learn(1e6, "first")
    taken = {"shared": [RunFolder(tmp_path / "first")]}
    np.testing.assert_array_equal(learn(1e6, "second", **taken), learn(1e6, "first"))
    with pytest.raises(CollapseError, match="max_reconstruction_error is 1e-06"):
        learn(1e-6, "third", **taken)


def test_a_collapsed_stage_1_is_an_error_that_comes_again(
    tiny_config, synthetic_data, tmp_path, caplog
):
    """In log and environment.json too; no audio features are left for stage 2 to take."""
    config = config_lib.override(
        tiny_config, ["training.max_reconstruction_error=1e-6", "training.validations=5"]
    )
    run = RunFolder(tmp_path / "run")
    for _ in range(2):  # the same command again does not slip through
        with caplog.at_level(logging.INFO), pytest.raises(CollapseError, match="not learned"):
            train(config, synthetic_data, run, "cpu")
    assert "silence has 1" in caplog.text
    found = run.environment()["stage1"]
    assert found["reconstruction_error"] > 0.5 and found["steps"] == 10
    assert len(found["nearest_words"]) == 2 and -1 <= found["nearest_cosine"] <= 1
    assert not (run / "audio_features.npz").exists()
    assert not (run / "model.keras").exists()
    lines = [json.loads(line) for line in (run / "train_log.jsonl").read_text().splitlines()]
    looks = [line["step"] for line in lines if "feature_saturation" in line]
    assert looks == [2, 4, 6, 8, 10]  # `training.validations`
