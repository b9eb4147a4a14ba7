"""Files that are never half-written, never trusted when they are read, and folders for one process.

A file is written under a temporary name and then renamed. A file is read up to a limit, without
unpickling, and whatever is wrong with it is one `FileError`.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import fcntl
import io
import json
import logging
import math
import os
import pathlib
import re
import shutil
import stat
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from mtnet_tf.errors import InputError

_logger = logging.getLogger(__name__)

_TEMPORARY = ".[0-9]*_*"  # the names that `replacing` gives
_LARGEST_TEXT = 16 * 2**20  # bytes; the project's own JSON has some thousands, its CSV a million
_LARGEST_NPZ = 4 * 2**30  # bytes of all arrays: 118,000 recordings of 18,140 samples
_LARGEST_HEADER = 10_000  # bytes; NumPy has this limit too, and looks at it after reading them
_LONGEST_REASON = 300


class FileError(InputError):
    """A file that cannot be written or read; the message says which, why, and what to do."""


class InUseError(InputError):
    """A folder that another process is using."""


@contextlib.contextmanager
def locked(folder: pathlib.Path | str, wait: bool) -> Iterator[bool]:
    """Holds a folder for one process, by a lock on the file `.lock` in it.

    The operating system lets go of the lock when the process ends, however it ends. Some file
    systems have no locks, such as buckets (gs://) and some network disks: there a warning is
    logged and the work goes on.

    Args:
        folder: made where it is missing.
        wait: whether to wait while another process holds the folder.

    Yields:
        Whether the folder is held: False on a file system without locks.

    Raises:
        InUseError: another process holds the folder, and `wait` is False.
        FileError: the folder cannot be written.
    """
    name = os.fspath(folder)
    with contextlib.ExitStack() as stack:
        if "://" in name:
            held = _without_locks(name, "it is not on a disk of this machine")
        else:
            with writing(name):
                pathlib.Path(name).mkdir(parents=True, exist_ok=True)
                # "a" leaves the contents alone, should `.lock` be a link to another file.
                file = stack.enter_context(open(pathlib.Path(name, ".lock"), "a"))
            held = _lock(file, name, wait)
        yield held


def _lock(file: Any, folder: str, wait: bool) -> bool:
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if not wait:
                raise InUseError(
                    f"Another process is using {folder}. Wait until it has ended, and run the same"
                    " command again."
                ) from error
            _logger.info("waiting: another process is using %s", folder)
            fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        return _without_locks(folder, error.strerror)
    return True


def _without_locks(folder: str, reason: str) -> bool:
    _logger.warning("%s cannot be locked (%s): see that no other process uses it.", folder, reason)
    return False


@contextlib.contextmanager
def writing(path: pathlib.Path | str) -> Iterator[None]:
    """A context in which a full disk or a missing permission becomes one FileError about `path`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = _file_system_reason(error)
        if reason is None:
            raise
        raise FileError(
            f"{path} cannot be written ({reason}). Make room or mend the permissions there, and run"
            " the same command again."
        ) from error


def check_writable(path: pathlib.Path | str) -> None:
    """Checks, before the work that makes it, that a file can be written; makes nothing.

    Args:
        path: the file; its folder may be missing.

    Raises:
        FileError: it is a folder, or the folder in which it would be made is none or may not be
            written.
    """
    path = pathlib.Path(path)
    with writing(path):
        there = next(place for place in path.absolute().parents if os.path.exists(place))
        if not os.path.isdir(there):
            raise FileError(f"{path} cannot be written: {there} is a file. Give a folder.")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with contextlib.suppress(FileNotFoundError):  # and no more: a name may be too long
            if stat.S_ISDIR(os.stat(path).st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


def _file_system_reason(error: BaseException) -> str | None:
    """Returns what the operating system or TensorFlow's file system said, in `error` or behind it.

    None if neither said anything.
    """
    tensorflow = sys.modules.get("tensorflow")  # where it is not imported, nothing is written by it
    while error is not None:
        if isinstance(error, OSError):
            return error.strerror or str(error)
        if tensorflow is not None and isinstance(error, tensorflow.errors.OpError):
            # "{{function_node ...}} <temporary file>; No space left on device [Op:SaveV2]"
            return error.message.partition(" [Op:")[0].rpartition("; ")[2]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


@contextlib.contextmanager
def replacing(path: pathlib.Path | str) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path`; on success it is renamed to `path`, else removed.

    Raises:
        FileError: the file cannot be written.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{os.getpid()}_{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: pathlib.Path | str) -> None:
    """Removes the temporary files and folders of killed processes.

    Args:
        folder: in which no other process may write meanwhile (`locked`).

    Raises:
        FileError: one of them cannot be removed.
    """
    for path in pathlib.Path(folder).glob(_TEMPORARY):
        with writing(path):
            remove(path)


def remove(path: pathlib.Path) -> None:
    """Removes a file, a folder with all that is in it, or nothing; of a link, the link alone.

    Raises:
        OSError: it cannot be removed.
    """
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def whole_files(folder: pathlib.Path | str, pattern: str = "*.json") -> list[pathlib.Path]:
    """Returns the files of a folder in the order of their names, without temporary and hidden ones.

    Args:
        folder: may be missing, and then has none.
        pattern: of their names, for `glob`, which would find the temporary ones too.
    """
    # In Python 3.11 `glob` raises where the path is too long to be one.
    found = pathlib.Path(folder).glob(pattern) if os.path.isdir(folder) else ()
    return sorted(path for path in found if not path.name.startswith("."))


def safe_name(text: str) -> str:
    """Returns text that may hold anything, such as a word, as a part of a file's name.

    What is no letter, digit, hyphen or underscore becomes an underscore.
    """
    return re.sub(r"[^\w-]", "_", text)


def write_text(path: pathlib.Path | str, text: str) -> None:
    """Writes a text file in UTF-8.

    Raises:
        FileError: the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: pathlib.Path | str, values: Any) -> None:
    """Writes JSON; NaN is written as null.

    Raises:
        FileError: the file cannot be written.
        ValueError: a number is infinite.
    """
    write_text(path, json.dumps(_without_nan(values), indent=2, allow_nan=False) + "\n")


def _without_nan(values: Any):
    if isinstance(values, dict):
        return {key: _without_nan(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_without_nan(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values


def write_npz(path: pathlib.Path | str, **arrays: np.ndarray) -> None:
    """Writes arrays (never objects) as an uncompressed npz.

    Raises:
        FileError: the file cannot be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_text(path: pathlib.Path | str) -> str:
    """Reads a text file in UTF-8, of at most 16 MiB.

    Raises:
        FileError: the file is missing, too large, or no text in UTF-8.
    """
    with _reading(path):
        with open(_regular(path), "rb") as file:
            data = file.read(_LARGEST_TEXT + 1)
        if len(data) > _LARGEST_TEXT:
            raise ValueError(f"it has more than {_LARGEST_TEXT:,} bytes")
        return data.decode("utf-8")


def read_json(path: pathlib.Path | str) -> dict[str, Any]:
    """Reads a JSON file that holds an object, of at most 16 MiB.

    Raises:
        FileError: the file is missing, too large, no JSON in UTF-8, holds NaN or an infinite
            number, or holds no object.
    """
    text = read_text(path)
    with _reading(path):
        values = json.loads(text, parse_constant=_refuse_constant)
        if not isinstance(values, dict):
            raise ValueError("it holds no JSON object {...}")
        return values


def read_csv(path: pathlib.Path | str) -> list[dict[str, str]]:
    """Reads a CSV file with a header, of at most 16 MiB.

    Returns:
        The rows, {column: text}.

    Raises:
        FileError: the file is missing, too large, no text in UTF-8, or a row has fewer or more
            values than the header.
    """
    text = read_text(path)
    with _reading(path):
        rows = list(csv.DictReader(io.StringIO(text), restkey="", restval=None))
        if any(None in row.values() or "" in row for row in rows):
            raise ValueError("its rows are not all of the same length")
        return rows


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
    with _reading(path), zipfile.ZipFile(_regular(path)) as archive:
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


@contextlib.contextmanager
def _reading(path: pathlib.Path | str) -> Iterator[None]:
    """A context in which whatever is wrong with a file becomes one FileError about it."""
    try:
        yield
    except FileNotFoundError as error:
        raise FileError(
            f"{path} is missing. Run the command again that writes it, or check the path."
        ) from error
    except Exception as error:  # zipfile, zlib, NumPy and json raise exceptions of many types
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = " ".join(reason.split())[:_LONGEST_REASON]
        raise FileError(
            f"{path} cannot be read ({reason}). Delete it and run the same command again."
        ) from error


def _regular(path: pathlib.Path | str) -> pathlib.Path:
    """Returns the path of a file or a folder; reading anything else (a pipe, a device) may wait."""
    path = pathlib.Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError("it is no ordinary file")
    return path


def _refuse_constant(name: str):
    raise ValueError(f"it holds {name}, which is no JSON")
