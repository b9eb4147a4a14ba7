"""Arrays as npz: written whole; read up to a limit, never unpickled."""

from __future__ import annotations

import io
import math
import pathlib
import zipfile
from collections.abc import Iterable, Mapping
from typing import BinaryIO

import numpy as np

from mtnet_tf.files.errors import reading, regular
from mtnet_tf.files.replacing import replacing

_LARGEST_NPZ = 4 * 2**30  # bytes of all arrays: 118,000 recordings of 18,140 samples
_LARGEST_HEADER = 10_000  # bytes; NumPy has this limit too, and looks at it after reading them


def write_npz(path: pathlib.Path | str, **arrays: np.ndarray) -> None:
    """Writes arrays (never objects) as an uncompressed npz.

    Raises:
        FileError: the file cannot be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_npz(
    path: pathlib.Path | str, wanted: Mapping[str, tuple[str, int]] | None = None
) -> dict[str, np.ndarray]:
    """Reads arrays of an npz file, of at most 4 GiB together, never unpickling.

    Args:
        path: the file.
        wanted: {name: (kinds, number of dimensions)} of the arrays to read, where the kinds are
            letters of `np.dtype.kind`: {"word": ("U", 1), "waveform": ("i", 2)}. Every array of the
            file by default, whatever it is.

    Returns:
        {name: array}.

    Raises:
        FileError: the file is missing, damaged or too large, an array is missing, of another kind
            or number of dimensions, or holds objects.
    """
    with reading(path), zipfile.ZipFile(regular(path)) as archive:
        members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        names = members if wanted is None else wanted
        _check_members(members, names)
        return {
            name: _read_array(archive, members[name], name, wanted and wanted[name])
            for name in names
        }


def _check_members(members: Mapping[str, zipfile.ZipInfo], names: Iterable[str]) -> None:
    for name in names:
        if name not in members:
            raise ValueError(f"it has no array {name!r}")
    size = sum(members[name].file_size for name in names)
    if size > _LARGEST_NPZ:
        raise ValueError(f"its arrays claim {size:,} bytes, more than {_LARGEST_NPZ:,}")


def _read_array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str, wanted: tuple[str, int] | None
):
    # The header is read first: an array that claims more than there is would be allocated whole.
    with archive.open(member) as file:
        shape, _, dtype = read_npy_header(file)
        if math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"its array {name!r} does not have the size that its header says")
    if wanted is not None:
        kinds, num_dimensions = wanted
        if dtype.kind not in kinds or len(shape) != num_dimensions:
            raise ValueError(f"its array {name!r} is {dtype} {list(shape)}, not what belongs there")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def read_npy_header(stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Reads the header of an npy file, of at most 10,000 bytes.

    Args:
        stream: at the start of the file; afterwards at its first value.

    Returns:
        The shape, whether the values are in Fortran order, and their type.

    Raises:
        ValueError: it is no header of an npy file, or a longer one. NumPy raises others too.
    """
    readers = {
        (1, 0): (2, np.lib.format.read_array_header_1_0),
        (2, 0): (4, np.lib.format.read_array_header_2_0),
    }
    version = np.lib.format.read_magic(stream)
    if version not in readers:
        raise ValueError(f"npy format version {version}, known are (1, 0) and (2, 0)")
    size_bytes, reader = readers[version]
    size = stream.read(size_bytes)
    if (length := int.from_bytes(size, "little")) > _LARGEST_HEADER:
        raise ValueError(f"an npy header of {length:,} bytes")
    return reader(io.BytesIO(size + stream.read(length)))
