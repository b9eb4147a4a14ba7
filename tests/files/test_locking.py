"""A folder is one process's, as long as that lives."""

import logging
import pathlib
import subprocess
import sys

import pytest

from mtnet_tf.files import FileError, InUseError, locked
from tests.programs import MOST_SECS

ROOT = pathlib.Path(__file__).parents[2]


def test_a_folder_is_held_by_one(tmp_path):
    folder = tmp_path / "a/b"
    with locked(folder, wait=False) as held:
        assert held
        with pytest.raises(InUseError, match=f"Another process is using {folder}. Wait until"):
            with locked(str(folder), wait=False):
                pass
    with locked(folder, wait=False) as held:
        assert held
    assert [path.name for path in folder.iterdir()] == [".lock"]


def test_another_process_waits(tmp_path):
    """It waits while the folder is held, and takes it when the holder is killed."""
    code = (
        "import signal, sys, time, logging; from mtnet_tf.files import locked\n"
        f"signal.alarm({MOST_SECS})\n"  # else one that never takes it waits for ever
        "logging.basicConfig(level=logging.INFO)\n"
        "with locked(sys.argv[1], wait=True):\n"
        "    print('held', flush=True); time.sleep(float(sys.argv[2]))"
    )

    def start(seconds):
        return subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path), str(seconds)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    with start(60) as first:
        assert first.stdout.readline() == "held\n"
        with start(0) as second:
            assert "waiting: another process is using" in second.stderr.readline()
            assert second.poll() is None
            first.kill()
            assert second.communicate()[0] == "held\n"


def test_a_lock_leaves_a_linked_file_alone(tmp_path):
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/.lock").symlink_to(tmp_path / "kept")
    with locked(tmp_path / "folder", wait=False):
        pass
    assert (tmp_path / "kept").read_text() == "kept"


def test_without_locks_the_work_goes_on(tmp_path, monkeypatch, caplog):
    def no_locks(*unused):
        raise OSError(38, "Function not implemented")

    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("fcntl.flock", no_locks)
    monkeypatch.chdir(tmp_path)
    with locked(tmp_path, wait=True) as held:
        assert not held
    assert "cannot be locked (Function not implemented)" in caplog.text
    with locked("gs://bucket/folder", wait=True) as held:
        assert not held
    assert "gs://bucket/folder cannot be locked" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="file/folder cannot be written"):
        with locked(tmp_path / "file/folder", wait=False):
            pass
