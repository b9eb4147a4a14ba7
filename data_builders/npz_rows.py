"""The rows of an array in an npz file, read a few at a time.

`np.load` would hold the whole array or, to map it, need all of it unpacked on the disk.
"""

import contextlib
import math
import re
import tokenize
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from etils import epath

from data_builders.errors import RecordingsError
from mtnet_tf.files import read_npy_header

_BLOCK_BYTES = 2**20
# What a header may claim: a row, which is held whole, and the number of rows, of each of which some
# bytes are. Those of CIFAR-100 have 117 kB and are 50,000.
_MAX_ROW_BYTES = 2**24
_MAX_ROWS = 10_000_000
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

    def __init__(
        self, path: epath.Path, name: str, dtype: str, what: str, *shapes: tuple[int | None, ...]
    ) -> None:
        """Checks type and shape; reads no row.

        Args:
            path: the npz file.
            name: the array's, e.g. "arr_0".
            dtype: pattern that NumPy's string of the type, without the byte order, must match, e.g.
                "u1".
            what: what the array must hold, for the message.
            *shapes: the shapes that it may have; None is any length but 0.

        Raises:
            RecordingsError: the file cannot be read, has no such array, or one of another type,
                shape or order, or a huge one. Objects are refused, never unpickled.
        """
        self._path, self._name = path, name
        with self._opened() as (_, header):
            self.shape, fortran_order, self.dtype = header
        fits = re.fullmatch(dtype, self.dtype.str[1:]) and any(map(self._has_shape, shapes))
        if fits and not fortran_order:
            self._check_size()
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

    def __str__(self) -> str:
        return f"{self._path}: {self._name}"

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields the rows in order, read-only. Raises RecordingsError where the file is damaged."""
        row_bytes = self._row_bytes()
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

    def _row_bytes(self):
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    def _check_size(self):
        if self._row_bytes() > _MAX_ROW_BYTES or self.shape[0] > _MAX_ROWS:
            raise RecordingsError(
                f"{self} has {self.shape[0]:,} rows of {self._row_bytes():,} bytes. At most"
                f" {_MAX_ROWS:,} of {_MAX_ROW_BYTES:,} are read: these are not the authors' data."
            )

    def _has_shape(self, wanted: tuple[int | None, ...]):
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
                there = [name.removesuffix(".npy") for name in archive.namelist()[:20]]
                raise RecordingsError(
                    f"{self._path} has no array {self._name}. It has: {', '.join(there) or 'none'}."
                )
            with _refusing(self):
                stream = stack.enter_context(archive.open(member))
                header = read_npy_header(stream)
            yield stream, header


def directory(path: epath.Path) -> list[list]:
    """Returns what an npz file's zip directory says of its arrays.

    It tells files apart without reading them.

    Args:
        path: the file.

    Returns:
        Sorted list of [member's name, bytes (uncompressed), CRC-32]: the same whether or not the
        arrays are compressed.

    Raises:
        RecordingsError: the file cannot be read.
    """
    with _refusing(path), path.open("rb") as file, zipfile.ZipFile(file) as archive:
        return sorted([m.filename, m.file_size, m.CRC] for m in archive.infolist())


@contextlib.contextmanager
def _refusing(what: object):
    try:
        yield
    except _READ_ERRORS as error:
        raise RecordingsError(
            f"{what} cannot be read ({type(error).__name__}: {error}). The file must be an npz"
            " file as NumPy writes it; copy it again."
        ) from error
