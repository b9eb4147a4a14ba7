"""Files: damaged ones are one error, bombs are not opened, a folder is one process's."""

import io
import logging
import os
import pathlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from mtnet_tf.files import (
    FileError,
    InUseError,
    check_writable,
    locked,
    read_json,
    read_npz,
    remove_leftovers,
    whole_files,
    write_json,
    write_npz,
)
from tests.programs import MOST_SECS

ROOT = pathlib.Path(__file__).parents[1]
WANTED = {"word": ("U", 1), "waveform": ("i", 2)}


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array))
    return buffer.getvalue()


def header_of(shape, descr="<i2"):
    """The header of an array of that shape, without the array."""
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": descr, "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue()


def write_members(path, **members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)


def test_npz_round_trip(tmp_path):
    path = tmp_path / "a.npz"
    arrays = {
        "word": np.array(["one", "zwölf"]),
        "waveform": np.arange(6, dtype=np.int16).reshape(2, 3),
        "empty": np.zeros([0, 4]),
        "scalar": np.array("text"),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    }
    write_npz(path, **arrays)
    found = read_npz(path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype
    assert list(read_npz(path, WANTED)) == ["word", "waveform"]
    np.savez_compressed(path, waveform=arrays["waveform"])
    np.testing.assert_array_equal(read_npz(path)["waveform"], arrays["waveform"])


def test_an_npz_bomb_is_refused_unopened(tmp_path):
    """A member of 10 GB in the directory, and one whose header alone claims 20 GB."""
    path = tmp_path / "bomb.npz"
    write_members(path, waveform=npy(np.zeros([2, 3], np.int16)))
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (4_294_967_294).to_bytes(4, "little")
    twice = tmp_path / "twice.npz"
    twice.write_bytes(data)
    write_members(path, waveform=header_of((10**5, 10**5)) + bytes(12))
    with pytest.raises(FileError, match="does not have the size that its header says"):
        read_npz(path)
    with pytest.raises(FileError, match="does not have the size|cannot be read"):
        read_npz(twice)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(2):
            with archive.open(f"a{i}.npy", "w") as file:
                file.write(b"\0")
        for info in archive.infolist():
            info.file_size = 5 * 10**9  # what the directory will claim
    with pytest.raises(FileError, match="its arrays claim 10,000,000,000 bytes, more than"):
        read_npz(path)


@pytest.mark.parametrize(
    "members, message",
    [
        ({"word": npy(["a"])}, "it has no array 'waveform'"),
        (
            {"word": npy([b"a"]), "waveform": npy(np.zeros([1, 2], np.int16))},
            r"its array 'word' is \|S1 \[1\], not what belongs there",
        ),
        (
            {"word": npy(["a"]), "waveform": npy(np.zeros([2], np.int16))},
            r"its array 'waveform' is int16 \[2\], not",
        ),
        ({"word": npy(["a"]), "waveform": npy(np.zeros([1, 2]))}, "is float64"),
        ({"word": npy(["a"]), "waveform": b""}, "cannot be read"),
        ({"word": npy(["a"]), "waveform": b"\x93NUMPY\x09\x09" + bytes(50)}, "cannot be read"),
        (
            {"word": npy(["a"]), "waveform": b"\x93NUMPY\x02\x00\x00\x00\x00\x40" + bytes(50)},
            "an npy header of 1,073,741,824 bytes",
        ),
        ({"word": npy(["a"]), "waveform": header_of((-1, 2))}, "cannot be read"),
        ({"word": npy(["a"]), "waveform": header_of((1, 2), "|O") + bytes(16)}, "cannot be read"),
    ],
)
def test_an_npz_with_other_arrays_is_one_error(members, message, tmp_path):
    write_members(tmp_path / "a.npz", **members)
    with pytest.raises(FileError, match=message) as caught:
        read_npz(tmp_path / "a.npz", WANTED)
    assert str(caught.value).startswith(f"{tmp_path / 'a.npz'} cannot be read (")
    assert "\n" not in str(caught.value)


def test_objects_are_never_unpickled(tmp_path):
    class Boom:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    np.savez(tmp_path / "a.npz", waveform=np.array([Boom()], dtype=object))
    with pytest.raises(FileError, match="cannot be read"):
        read_npz(tmp_path / "a.npz")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("read", [read_json, read_npz])
def test_what_is_no_such_file_is_one_error(read, tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileError, match="file is missing. Run the command again that writes it"):
        read(path)
    for data in (b"", b"PK", b"\xff\xfe", b"[1", bytes(1000)):
        path.write_bytes(data)
        with pytest.raises(FileError, match="cannot be read"):
            read(path)
    with pytest.raises(FileError, match="Is a directory"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="it is no ordinary file"):
        read(tmp_path / "pipe")


def test_json_round_trip(tmp_path):
    values = {"a": [1, 2.5, None, "ü"], "b": {"c": True}}
    write_json(tmp_path / "a.json", {**values, "nan": float("nan")})
    assert read_json(tmp_path / "a.json") == {**values, "nan": None}


@pytest.mark.parametrize(
    "text, message",
    [
        ("[1, 2]", "it holds no JSON object"),
        ('{"a": NaN}', "it holds NaN, which is no JSON"),
        ('{"a": -Infinity}', "it holds -Infinity"),
        ('{"a": ' + "[" * 100_000, "recursion"),
        ('{"a": ' + "9" * 5_000 + "}", "4300 digits"),
        ('{"a": 1', "Expecting"),
    ],
)
def test_json_that_is_none_is_one_error(text, message, tmp_path):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FileError, match=f"a.json cannot be read .*{message}") as caught:
        read_json(tmp_path / "a.json")
    assert "Delete it and run the same command again." in str(caught.value)


def test_json_without_end_is_not_read_whole(tmp_path):
    with open(tmp_path / "a.json", "wb") as file:
        file.truncate(10**12)
    with pytest.raises(FileError, match="more than 16,777,216 bytes"):
        read_json(tmp_path / "a.json")


def test_what_a_killed_process_left_is_no_file_of_the_folder(tmp_path):
    for name in ("b.json", "a.json", ".4711_a.json", "c.txt"):
        (tmp_path / name).write_text("{}")
    assert whole_files(tmp_path) == [tmp_path / "a.json", tmp_path / "b.json"]
    assert whole_files(tmp_path, "*.txt") == [tmp_path / "c.txt"]
    assert whole_files(tmp_path / "none") == []


def test_what_a_killed_process_left_is_removed(tmp_path):
    """Also a folder, such as the SavedModel of a killed export; not what a link leads to."""
    kept, folder = tmp_path / "kept", tmp_path / "run"
    kept.mkdir()
    (folder / ".4711_saved_model/variables").mkdir(parents=True)
    (folder / ".4711_saved_model/variables/index").write_text("half")
    (folder / ".4711_a.json").write_text("half")
    (folder / ".4711_link").symlink_to(kept)
    (folder / "model.keras").write_text("whole")
    remove_leftovers(folder)
    assert [path.name for path in folder.iterdir()] == ["model.keras"]
    assert kept.is_dir()


def test_whether_a_file_can_be_written_is_told_and_nothing_made(tmp_path):
    check_writable(tmp_path / "a/b/c.json")
    (tmp_path / "file").write_text("")
    check_writable(tmp_path / "file")
    for place, reason in (
        (tmp_path, "cannot be written .Is a directory"),
        (tmp_path / "file/a/b", "b cannot be written: .*file is a file. Give a folder"),
        (tmp_path / ("a" * 300) / "b", "cannot be written .File name too long"),
    ):
        with pytest.raises(FileError, match=reason):
            check_writable(place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


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
