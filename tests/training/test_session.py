"""A session: what is computed once, whose it is, and what is traced."""

import dataclasses

import numpy as np
import pytest

from mtnet_tf.config import TrainingConfig
from mtnet_tf.files import FileError, read_npz
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training import session as session_lib
from mtnet_tf.training.session import Session


class Computed:
    """Arrays that count how often they were computed."""

    def __init__(self, value):
        self.value, self.times = value, 0

    def __call__(self):
        self.times += 1
        return {"x": np.array([self.value])}


def folder(path):
    path.mkdir()
    return RunFolder(path)


@pytest.fixture
def run(tmp_path):
    return folder(tmp_path / "run")


def test_an_artefact_is_computed_once(run):
    first, second = Computed(1), Computed(2)
    Session(run, TrainingConfig()).artefact("a.npz", "key", first)
    found = Session(run, TrainingConfig()).artefact("a.npz", "key", second)
    assert (found["x"], first.times, second.times) == ([1], 1, 0)


def test_another_key_is_another_artefact(run):
    Session(run, TrainingConfig()).artefact("a.npz", "key", Computed(1))
    assert Session(run, TrainingConfig()).artefact("a.npz", "other", Computed(2))["x"] == [2]
    assert read_npz(run / "a.npz")["x"] == [2]


def test_an_artefact_of_the_shared_run_is_kept_in_the_own_one(run, tmp_path):
    shared, unused = folder(tmp_path / "shared"), Computed(2)
    Session(shared, TrainingConfig()).artefact("a.npz", "key", Computed(1))
    session = Session(run, TrainingConfig(), shared=[shared])
    assert session.artefact("a.npz", "key", unused)["x"] == [1]
    assert unused.times == 0
    assert read_npz(run / "a.npz")["key"] == "key"
    assert session.artefact("a.npz", "other", Computed(3))["x"] == [3]
    assert read_npz(shared / "a.npz")["x"] == [1]


def test_a_broken_artefact_stops_its_own_run_alone(run, tmp_path, caplog):
    broken, whole = folder(tmp_path / "broken"), folder(tmp_path / "whole")
    (broken / "a.npz").write_bytes(b"half")
    Session(whole, TrainingConfig()).artefact("a.npz", "key", Computed(1))
    session = Session(run, TrainingConfig(), shared=[broken, whole])
    assert session.artefact("a.npz", "key", Computed(2))["x"] == [1]
    assert f"not taken over: {broken / 'a.npz'} cannot be read" in caplog.text
    with pytest.raises(FileError, match="broken/a.npz cannot be read"):
        Session(broken, TrainingConfig()).artefact("a.npz", "key", Computed(3))


@dataclasses.dataclass
class Stage:
    name: str
    finished: bool = False

    def finish(self):
        self.finished = True


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("allowed", [False, True])
def test_a_stage_is_traced_where_both_want_it(asked, allowed, run, monkeypatch):
    profiles = []

    def run_stage(stage, run, config, *, profile):
        assert not stage.finished
        profiles.append(profile)
        return 12.5

    monkeypatch.setattr(session_lib, "run_stage", run_stage)
    session, stage = Session(run, TrainingConfig(), profile=asked), Stage("one")
    assert (session.last_stage, session.seconds) == (None, 0.0)
    session.run_stage(stage, counted=allowed)
    assert profiles == [asked and allowed]
    assert (session.last_stage, session.seconds) == (stage, 12.5 if allowed else 0.0)
    assert stage.finished
