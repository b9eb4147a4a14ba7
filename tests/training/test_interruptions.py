"""The loop of a small stage: killed between lines, stopped by a signal, on a full disk."""

import contextlib
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf.config import StageConfig, TrainingConfig
from mtnet_tf.errors import Interrupted
from mtnet_tf.files import FileError
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training import loop
from mtnet_tf.training.checkpoints import Checkpoints
from mtnet_tf.training.log import Meter
from mtnet_tf.training.stage import SupervisedStage
from tests.logs import log_of


class Line(SupervisedStage):
    """Fits a line with dropout: it has weights, an optimiser's state and random numbers."""

    name = "line"

    def losses(self, batch, training):
        error = self.model(batch["x"], training=training)[:, 0] - batch["y"]
        return {"total": tf.reduce_mean(tf.square(error))}

    def write_pictures(self, step):
        tf.summary.image("noise", np.zeros([1, 8, 8, 1], np.float32), step=step)


TRAINING = TrainingConfig(checkpoint_secs=0, log_steps=4, validations=2)
NUM_STEPS = 18


def train_line(run, training=TRAINING):
    """Runs the stage in `run` from where it stands; returns its weights."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input([5]), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    x = np.random.default_rng(0).normal(size=[12, 5]).astype(np.float32)
    stage = Line(model, StageConfig(batch_size=4, epochs=6), training, {"x": x, "y": x.sum(-1)})
    assert stage.num_steps == NUM_STEPS
    with run.lock():
        loop.run_stage(stage, run, training)
    return [weight.numpy() for weight in model.trainable_weights]


def steps_saved(run):
    return sorted(int(path.name[5:-6]) for path in (run / "checkpoints/line").glob("*.index"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nothing disturbed: its weights, and the folder."""
    run = RunFolder(tmp_path_factory.mktemp("whole"))
    return train_line(run), run


def assert_ends_as(whole, run):
    weights = train_line(run)
    for a, b in zip(whole[0], weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert log_of(run) == log_of(whole[1])
    assert [line["step"] for line in log_of(run)] == [4, 8, 9, 12, 16, 18]


class Killed(BaseException):
    pass


@pytest.fixture
def at_step(monkeypatch):
    """Returns `at_step(number, action)`.

    It does the action when the losses of that step are checked, before they are logged.
    """
    check = loop._check

    def arrange(number, action):
        def acting_check(stage_name, pending):
            if pending[-1][0] == number:
                monkeypatch.setattr(loop, "_check", check)
                action()
            return check(stage_name, pending)

        monkeypatch.setattr(loop, "_check", acting_check)

    return arrange


def kill():
    raise Killed


def test_the_log_does_not_depend_on_when_checkpoints_are_written(whole, tmp_path):
    run = RunFolder(tmp_path)
    seldom = TrainingConfig(checkpoint_secs=1000, log_steps=4, validations=2)
    train_line(run, seldom)
    assert steps_saved(run) == [NUM_STEPS]
    assert log_of(run) == log_of(whole[1])


def test_a_line_of_the_log_has_the_means_since_the_line_before(whole, tmp_path):
    run = RunFolder(tmp_path)
    train_line(run, TrainingConfig(checkpoint_secs=0, log_steps=1, validations=2))
    losses = {line["step"]: line["total"] for line in log_of(run)}
    before = 0
    for line in log_of(whole[1]):
        steps = range(before + 1, line["step"] + 1)
        assert line["total"] == pytest.approx(np.mean([losses[step] for step in steps]), rel=1e-6)
        before = line["step"]


def test_killed_between_two_lines_of_the_log(whole, tmp_path, at_step):
    """The line of steps 5 to 8 is the mean of all four, also of those before the checkpoint."""
    run = RunFolder(tmp_path)
    for number in (7, 8, 13):
        at_step(number, kill)
        with pytest.raises(Killed):
            train_line(run)
    # A kill in the middle of writing leaves this.
    incomplete = tmp_path / "checkpoints/line/incomplete"
    incomplete.mkdir()
    (incomplete / "ckpt-13.data-00000-of-00001").write_bytes(b"half")
    with open(run / "train_log.jsonl", "ab") as file:
        file.write(b'{"stage": "line", "step": 13, "tot\0\xff')
    assert_ends_as(whole, run)
    assert not (tmp_path / "checkpoints/line/incomplete").exists()
    assert steps_saved(run) == [17, 18]


@pytest.mark.parametrize("number", [6, NUM_STEPS])
def test_a_signal_stops_at_a_checkpoint(number, whole, tmp_path, at_step):
    """Also one that comes in the last step: what follows the stage is not begun."""
    run = RunFolder(tmp_path)
    at_step(number, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(Interrupted) as error:
        train_line(run)
    assert error.value.exit_status == 143
    assert steps_saved(run)[-1] == min(number + 1, NUM_STEPS)
    assert_ends_as(whole, run)


def test_disk_full_while_a_checkpoint_is_written(whole, tmp_path, monkeypatch, files_up_to):
    run, save = RunFolder(tmp_path), Checkpoints.save

    def save_on_a_full_disk(self, step):
        with files_up_to(100) if step == 10 else contextlib.nullcontext():
            save(self, step)

    monkeypatch.setattr(Checkpoints, "save", save_on_a_full_disk)
    with pytest.raises(
        FileError, match=r"checkpoints/line/ckpt-10 cannot be written \([^;{]*\). Make room"
    ):
        train_line(run)
    monkeypatch.setattr(Checkpoints, "save", save)
    assert sorted(path.name for path in (tmp_path / "checkpoints/line").iterdir()) == [
        f"ckpt-{step}.{part}" for step in (8, 9) for part in ("data-00000-of-00001", "index")
    ]
    assert_ends_as(whole, run)


def test_disk_full_while_the_log_is_written(whole, tmp_path, monkeypatch, files_up_to):
    run, log = RunFolder(tmp_path), Meter.log

    def log_on_a_full_disk(self, step, *arguments):
        half_a_line = (run / "train_log.jsonl").stat().st_size + 20 if step == 12 else -1
        with files_up_to(half_a_line):
            log(self, step, *arguments)

    monkeypatch.setattr(Meter, "log", log_on_a_full_disk)
    with pytest.raises(FileError, match=r"train_log.jsonl cannot be written \(File too large\)"):
        train_line(run)
    monkeypatch.setattr(Meter, "log", log)
    assert (run / "train_log.jsonl").read_text().splitlines()[-1] == '{"stage": "line", "s'
    assert steps_saved(run) == [10, 11]
    assert_ends_as(whole, run)


def test_disk_full_while_events_are_written(whole, tmp_path, monkeypatch, files_up_to):
    run, pictures = RunFolder(tmp_path), Line.write_pictures

    def on_a_full_disk(self, step):
        noise = np.random.default_rng(0).random([1, 64, 64, 1], np.float32)
        tf.summary.image("noise", noise, step=step)
        limit.enter_context(files_up_to(1000))  # the log has less, the picture more

    monkeypatch.setattr(Line, "write_pictures", on_a_full_disk)
    with (
        contextlib.ExitStack() as limit,
        pytest.raises(FileError, match="tensorboard/line cannot be written"),
    ):
        train_line(run)
    monkeypatch.setattr(Line, "write_pictures", pictures)
    assert steps_saved(run) == [7, 8]
    assert_ends_as(whole, run)
