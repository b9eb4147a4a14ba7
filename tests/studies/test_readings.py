"""The readings of the paper's optimiser: what each changes, and what its training leaves."""

import json
import math
import tempfile

import keras
import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.studies import readings
from mtnet_tf.training.stages.autoencoder import AutoencoderStage
from tests import programs


def changed(name, stage):
    """Returns the fields, without their prefix, in which a reading differs from `text`."""
    text, config = (readings.read(n, stage, preset("paper"), 0) for n in ("text", name))
    prefix = f"training.{stage}.optimizer."
    lines = config_lib.differences(text, config)
    return {line.partition(":")[0].removeprefix(prefix) for line in lines}


@pytest.mark.parametrize("stage", ["autoencoder", "joint"])
def test_what_each_reading_changes(stage):
    assert {name: changed(name, stage) for name in readings.READINGS} == {
        "text": set(),
        "tf1_epsilon": {"epsilon"},
        "decay_is_rho": {"rho"},
        "rho_99": {"rho"},
        "small_start": {"initialization.kernel_scale"},
        "constant": {"schedule", "warmup_steps"},
        "clip": {"clip_norm"},
        "epsilon_1e-3": {"epsilon"},
        "epsilon_1": {"epsilon"},
        "epsilon_1_no_warmup": {"epsilon", "warmup_steps"},
        "scripts": {
            *("name", "learning_rate", "epsilon", "schedule", "warmup_steps"),
            "initialization.kernel_scale",
        },
    }


def test_every_reading_keeps_the_numbers_of_the_text():
    for name in set(readings.READINGS) - {"scripts"}:
        config = readings.read(name, "joint", preset("released"), 3)
        optimizer = config.training.joint.optimizer
        assert (optimizer.name, optimizer.learning_rate, optimizer.momentum) == (
            "rmsprop",
            1e-3,
            0.9,
        )
        assert config.training.seed == 3


@pytest.mark.parametrize("stage", ["autoencoder", "joint"])
@pytest.mark.parametrize("name, reading", [("paper", "rho_99"), ("released", "scripts")])
def test_each_reproduction_is_a_reading(name, reading, stage):
    """But for what Adam does not have."""
    config = preset(name)
    lines = config_lib.differences(config, readings.read(reading, stage, config, 0))
    assert [line for line in lines if name == "paper" or ".rho" not in line] == []


def test_unknown_reading():
    with pytest.raises(config_lib.ConfigError, match="no reading 'rho'. The readings are: text"):
        readings.read("rho", "joint", preset("paper"), 0)


def test_a_training_of_stage_1_is_looked_at(tiny_config, synthetic_data, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    config = config_lib.override(
        tiny_config,
        [
            "training.validations=2",
            "training.autoencoder.epochs=120",
            "training.log_steps=20",
            "training.checkpoint_secs=100",
            "training.autoencoder.optimizer.learning_rate=0.002",
        ],
    )
    found = readings.try_autoencoder(config, synthetic_data)
    assert [look["step"] for look in found["looks"]] == [60, 120]
    errors = [look["reconstruction_error"] for look in found["looks"]]
    assert errors[1] < errors[0] < 0.5
    steps = [line["step"] for line in found["log"]]
    assert steps == [20, 40, 60, 80, 100, 120]
    assert not list(tmp_path.glob("mtnet_*"))


def test_a_collapsed_stage_1_is_ended(tiny_config, synthetic_data, monkeypatch):
    monkeypatch.setattr(readings, "_GIVE_UP", 0.1)
    config = config_lib.override(tiny_config, ["training.validations=5"])
    found = readings.try_autoencoder(config, synthetic_data)
    assert [look["step"] for look in found["looks"]] == [2]
    assert found["num_steps"] == 10


def test_a_stage_1_that_is_not_finite_is_a_result(tiny_config, synthetic_data, monkeypatch):
    of_stage = AutoencoderStage.losses

    def broken(self, batch, training):
        steps = self.update.optimizers[0].iterations
        bad = keras.ops.where(steps >= 4, float("nan"), 0.0)
        return {name: loss + bad for name, loss in of_stage(self, batch, training).items()}

    monkeypatch.setattr(AutoencoderStage, "losses", broken)
    config = config_lib.override(tiny_config, ["training.validations=5", "training.log_steps=1"])
    found = readings.try_autoencoder(config, synthetic_data)
    assert "Stage autoencoder, step 5" in found["diverged"]["error"]
    assert [look["step"] for look in found["looks"]] == [2, 4]
    assert [line["step"] for line in found["log"]] == [1, 2, 3, 4]
    assert found["num_steps"] == 10


@pytest.mark.parametrize("error", [math.nan, math.inf])
def test_a_look_that_is_not_finite_is_a_result(error, tiny_config, synthetic_data, monkeypatch):
    monkeypatch.setattr(AutoencoderStage, "validate", lambda self: {"reconstruction_error": error})
    config = config_lib.override(tiny_config, ["training.validations=5"])
    found = readings.try_autoencoder(config, synthetic_data)
    assert "Stage autoencoder, step 2" in found["diverged"]["error"] and found["looks"] == []


def test_a_stage_2_without_a_stage_1_is_a_result(tiny_config, synthetic_data):
    config = config_lib.override(tiny_config, ["training.max_reconstruction_error=1e-6"])
    found = readings.try_joint(config, synthetic_data, "cpu")
    assert found["diverged"]["error"].startswith("Stage 1 has not learned the recordings")
    assert found["looks"] == []


@pytest.mark.parametrize("limit, steps", [(0.9, [3, 6, 9]), (-1.0, [3])])
def test_a_training_of_stage_2(limit, steps, tiny_config, synthetic_data, monkeypatch):
    monkeypatch.setattr(readings, "_GIVE_UP_SATURATION", limit)
    config = config_lib.override(tiny_config, ["training.validations=3"])
    found = readings.try_joint(config, synthetic_data, "cpu")
    assert [look["step"] for look in found["looks"]] == steps
    assert {"validation_generation", "validation_phi_saturation"} <= set(found["looks"][0])
    assert found["num_steps"] == 9
    assert {line["stage"] for line in found["log"]} == {"joint"}


def test_stage_2_needs_something_to_look_at(tiny_config, synthetic_data):
    data = type(synthetic_data)(
        **{**vars(synthetic_data), "validation": synthetic_data.validation.take([])}
    )
    with pytest.raises(
        config_lib.ConfigError, match="there is none: train with data.validation_fraction"
    ):
        readings.try_joint(tiny_config, data, "cpu")


def test_the_program_writes_a_result_a_reading_and_seed(data_dir, tmp_path):
    arguments = [
        *("--preset=tiny", "--dataset=digits_ad", "--readings=text", "--seeds=4"),
        *(f"--data_dir={data_dir}", f"--results={tmp_path}/results"),
        *("--override=training.autoencoder.epochs=12", "--override=training.validations=2"),
    ]
    for said in ("Written", "is there already"):
        done = programs.run("readings", *arguments)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout
    values = json.loads((tmp_path / "results/autoencoder_text_seed4.json").read_text())
    assert (values["reading"], values["seed"], values["num_steps"]) == ("text", 4, 12)
    assert values["command"].startswith("python -m experiments.readings --preset=tiny")
    assert values["recordings"]["made_by"]["engine"] == "piper-tts"
    assert values["num_pairs"] == 1293 and len(values["recordings"]["used"]) == 10
