"""The rows of an array in an npz file, read a few at a time: `np.load` would hold the whole array."""

import contextlib
import math
import re
import tokenize
import zipfile
import zlib

import numpy as np

from data_builders.recordings import RecordingsError

_BLOCK_BYTES = 2**20
# What zipfile, zlib and NumPy raise for a file that is damaged or is something else.
_READ_ERRORS = (
    *(OSError, EOFError, RuntimeError, SyntaxError, TypeError, ValueError),
    *(tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)


class NpzRows:
    """One array of an npz file.

    Attributes:
      shape: of the array.
      dtype: of the array.
    """

    def __init__(self, path, name, dtype, what, *shapes):
        """Checks type and shape; reads no row.

        Args:
          path: `epath.Path` of the npz file.
          name: the array's, e.g. "arr_0".
          dtype: pattern that NumPy's string of the type, without the byte order, must match: "u1".
          what: what the array must hold, for the message.
          *shapes: the shapes that it may have; None is any length but 0.

        Raises:
          RecordingsError: if the file cannot be read, has no such array, or one of another type,
            shape or order. Objects are refused, never unpickled.
        """
        self._path, self._name = path, name
        with self._opened() as (_, header):
            self.shape, fortran_order, self.dtype = header
        fits = re.fullmatch(dtype, self.dtype.str[1:]) and any(map(self._has_shape, shapes))
        if fits and not fortran_order:
            return
        wanted = " or ".join(str(list(shape)).replace("None", "any") for shape in shapes)
        message = (
            f"{self} must hold {what}: shape {wanted}, in C order. Received: {self.dtype}, shape"
            f" {list(self.shape)}, in {'Fortran' if fortran_order else 'C'} order."
        )
        if self.dtype.hasobject:
            message += (
                " Objects are not read, because unpickling can run any code: where you trust the"
                " file, save it again with np.savez, the arrays under the same names."
            )
        raise RecordingsError(message)

    def __str__(self):
        return f"{self._path}: {self._name}"

    def __iter__(self):
        """Yields the rows in order, as read-only arrays; raises RecordingsError where the file is damaged."""
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        step = max(1, _BLOCK_BYTES // row_bytes)
        with self._opened() as (stream, _):
            for first in range(0, self.shape[0], step):
                count = min(step, self.shape[0] - first)
                with _refusing(self):
                    block = np.frombuffer(stream.read(count * row_bytes), self.dtype)
                    block = block.reshape(count, *self.shape[1:])
                    # zipfile compares the CRC-32 at the end of a member, so that is read too.
                    if first + count == self.shape[0] and stream.read(1):
                        raise ValueError("there are bytes after the last row")
                yield from block

    def _has_shape(self, wanted):
        return len(wanted) == len(self.shape) and all(
            n > 0 if want is None else n == want for n, want in zip(self.shape, wanted, strict=True)
        )

    @contextlib.contextmanager
    def _opened(self):
        """(stream at the first row, (shape, Fortran order, dtype))."""
        member = f"{self._name}.npy"
        with contextlib.ExitStack() as stack:
            with _refusing(self):
                file = stack.enter_context(self._path.open("rb"))
                archive = stack.enter_context(zipfile.ZipFile(file))
            if member not in archive.namelist():
                there = ", ".join(name.removesuffix(".npy") for name in archive.namelist())
                raise RecordingsError(
                    f"{self._path} has no array {self._name}. It has: {there or 'none'}."
                )
            with _refusing(self):
                stream = stack.enter_context(archive.open(member))
                header = _read_header(stream)
            yield stream, header


def directory(path):
    """What an npz file's zip directory says of its arrays, which tells files apart without reading them.

    Args:
      path: `epath.Path` of the file.

    Returns:
      sorted list of [member's name, bytes (uncompressed), CRC-32]: the same whether or not the
      arrays are compressed.

    Raises:
      RecordingsError: if the file cannot be read.
    """
    with _refusing(path), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        return sorted([m.filename, m.file_size, m.CRC] for m in archive.infolist())


@contextlib.contextmanager
def _refusing(what):
    try:
        yield
    except _READ_ERRORS as error:
        raise RecordingsError(
            f"{what} cannot be read ({type(error).__name__}: {error}). The file must be an npz"
            " file as NumPy writes it; copy it again."
        ) from error


def _read_header(stream):
    """(shape, Fortran order, dtype) of the npy file that a stream begins with."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        return np.lib.format.read_array_header_1_0(stream)
    if version == (2, 0):
        return np.lib.format.read_array_header_2_0(stream)
    raise ValueError(f"npy format version {version}, known are (1, 0) and (2, 0)")
