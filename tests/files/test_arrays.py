"""Arrays: damaged files are one error, bombs are not opened, objects are not unpickled."""

import io
import os
import zipfile

import numpy as np
import pytest

from mtnet_tf.files import FileError, read_npz, write_npz

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
    with pytest.raises(FileError, match="does not have the size"):
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
