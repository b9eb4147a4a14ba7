"""A recordings folder appears when it is complete, and is made by one process."""

import os

import pytest

from data_builders.errors import RecordingsError
from data_builders.recording_makers.new_folder import new_folder
from mtnet_tf.files import InUseError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), new_folder(tmp_path / "x") as folder:
        (folder / "half").touch()
        assert not (tmp_path / "x").exists()
        raise KeyError
    assert names(tmp_path) == []


def test_an_empty_folder_behind_a_link_is_filled(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    with new_folder(tmp_path / "link") as folder:
        (folder / "whole").touch()
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["disk", "link"]
    assert names(tmp_path / "disk") == ["whole"]


def test_a_mount_point_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.path.ismount", lambda path: os.fspath(path) == str(tmp_path))
    with (
        pytest.raises(RecordingsError, match="is a mount point, .*Name a new folder in it"),
        new_folder(tmp_path),
    ):
        pass


def test_what_a_killed_process_left_is_removed(tmp_path):
    left = tmp_path / ".x.incomplete"
    (left / "x" / "zero").mkdir(parents=True)
    (left / "x" / "zero" / "old_0.wav").write_text("cut short")
    with new_folder(tmp_path / "x") as folder:
        (folder / "whole").touch()
    assert names(tmp_path) == ["x"]
    assert names(tmp_path / "x") == ["whole"]


def test_a_folder_that_another_process_makes_is_left_to_it(tmp_path):
    with new_folder(tmp_path / "x") as folder:
        (folder / "whole").touch()
        with (
            pytest.raises(InUseError, match=r"Another process is using .*\.x\.incomplete"),
            new_folder(tmp_path / "x"),
        ):
            pass
    assert names(tmp_path / "x") == ["whole"]
