"""The rows of an npz file's arrays; what is damaged or no array is refused, never unpickled."""

import io
import zipfile
import zlib

import numpy as np
import pytest
from etils import epath

from data_builders import npz_rows
from data_builders.recordings import RecordingsError

VALUES = np.arange(60, dtype=np.float32).reshape(6, 5, 2)


@pytest.fixture(params=[np.savez, np.savez_compressed], ids=["stored", "compressed"])
def save(request):
    return request.param


@pytest.fixture
def path(tmp_path):
    return epath.Path(tmp_path) / "toy.npz"


def rows(path, dtype="f4", *shapes):
    return npz_rows.NpzRows(path, "arr_0", dtype, "values", *(shapes or [(6, 5, 2)]))


def npy(array, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def write_member(path, data):
    """Writes `data` as the bytes of the array."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("arr_0.npy", data)


@pytest.mark.parametrize("block", [1, 40, 41, 120, 2**20])
def test_rows_in_blocks_of_any_size(path, save, block, monkeypatch):
    monkeypatch.setattr(npz_rows, "_BLOCK_BYTES", block)
    save(path, VALUES)
    array = rows(path, "f[48]", (None, 5, 2), (1, 2))
    assert (array.shape, array.dtype) == ((6, 5, 2), np.float32)
    for _ in range(2):  # anew each time
        np.testing.assert_array_equal(list(array), VALUES)


@pytest.mark.parametrize(
    "values", [VALUES.astype(">f4"), np.array(["cat", "dog"]), np.array([b"cat"]), VALUES > 7]
)
def test_other_types(path, values):
    np.savez(path, values)
    found = list(rows(path, r"f4|[US]\d+|b1", values.shape))
    np.testing.assert_array_equal(found, values)
    assert found[0].dtype == values.dtype


@pytest.mark.parametrize(
    "values, message",
    [
        (VALUES.astype(np.float64), r"Received: float64, shape \[6, 5, 2\], in C order"),
        (VALUES[:5], r"must hold values: shape \[6, any, 2\], in C order. .*shape \[5, 5, 2\]"),
        (VALUES[:, :0], r"shape \[6, 0, 2\]"),
        (VALUES[..., 0], r"shape \[6, 5\]"),
        (np.asfortranarray(VALUES), "Received: float32, .* in Fortran order"),
        (VALUES.astype(object), r"Received: object.*unpickling.*trust the file, save it again"),
        (np.zeros((6, 5, 2), "f4,O"), "unpickling"),
    ],
)
def test_another_type_shape_or_order(path, values, message):
    np.savez(path, values)
    with pytest.raises(RecordingsError, match=rf"toy\.npz: arr_0 .*{message}"):
        rows(path, "f4", (6, None, 2))


def test_no_such_array(path):
    np.savez(path, one=VALUES, two=VALUES)
    with pytest.raises(RecordingsError, match=r"toy.npz has no array arr_0. It has: one, two\.$"):
        rows(path)
    np.savez(path)
    with pytest.raises(RecordingsError, match="It has: none"):
        rows(path)


def refused(path):
    with pytest.raises(RecordingsError, match=r"toy\.npz: arr_0 cannot be read \(") as error:
        list(rows(path))
    return str(error.value)


@pytest.mark.parametrize("keep", [0, 10, 0.5, -10, None])
def test_a_file_that_is_no_zip_or_stops_early(path, keep):
    np.savez(path, VALUES)
    data = path.read_bytes()
    keep = int(keep * len(data)) if isinstance(keep, float) else keep
    path.write_bytes(b"not a zip" if keep is None else data[:keep])
    refused(path)
    with pytest.raises(RecordingsError, match=r"toy\.npz cannot be read \("):
        npz_rows.directory(path)


def test_a_flipped_bit(path, save):
    save(path, np.random.default_rng(0).random((6, 5, 2), np.float32))
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("arr_0.npy")
    whole = path.read_bytes()
    for part in (0.4, 0.9, 1):
        data = bytearray(whole)
        data[member.header_offset + round(part * member.compress_size)] ^= 1
        path.write_bytes(data)
        refused(path)


@pytest.mark.parametrize("shape", [(6, 5, 2), (4, 1024), (300, 4096)])
def test_the_checksum_is_compared(path, save, shape):
    """Before the last rows are given away."""
    save(path, np.zeros(shape, np.float32))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 16] ^= 1  # the CRC-32 in the zip's directory
    path.write_bytes(data)
    count = 0
    with pytest.raises(RecordingsError, match="CRC"):
        for _ in rows(path, "f4", shape):
            count += 1
    assert count < shape[0]


@pytest.mark.parametrize("version, readable", [((1, 0), True), ((2, 0), True), ((3, 0), False)])
def test_npy_versions(path, version, readable):
    write_member(path, npy(VALUES, version))
    if readable:
        np.testing.assert_array_equal(list(rows(path)), VALUES)
    else:
        assert "version" in refused(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not an npy file",
        lambda data: data[:60],
        lambda data: data[:-4],
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data.replace(b"'shape'", b"'shade'"),
        lambda data: data.replace(b"(6, 5, 2)", b"((((((((("),
        lambda data: data.replace(b"<f4", b"<q9"),
    ],
)
def test_members_that_are_no_arrays(path, damage):
    write_member(path, damage(npy(VALUES)))
    refused(path)


def test_directory(path, save):
    other = VALUES + 1
    save(path, other, VALUES)
    assert npz_rows.directory(path) == [
        [f"arr_{i}.npy", len(data), zlib.crc32(data)]
        for i, data in enumerate((npy(other), npy(VALUES)))
    ]


def test_what_a_header_claims_is_not_believed(path):
    """Neither the length of the header, nor that of a row, nor the number of rows."""
    start = np.lib.format.magic(2, 0) + (2**30).to_bytes(4, "little")
    write_member(path, start + b" " * 2**20)
    assert "an npy header of 1,073,741,824 bytes" in refused(path)
    for shape in ((1, 2**40), (2**40, 1)):
        header = io.BytesIO()
        values = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, values)
        write_member(path, header.getvalue())
        with pytest.raises(
            RecordingsError, match="toy.npz: arr_0 has .* rows of .* bytes. At most"
        ):
            rows(path, "f4", (None, None))
