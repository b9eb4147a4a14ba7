"""Files that are never half-written: each is written under a temporary name and then renamed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import math
import os
import pathlib
import sys
from collections.abc import Iterator

import numpy as np

from mtnet_tf.errors import InputError

_logger = logging.getLogger(__name__)
_TEMPORARY = (".[0-9]*_*", ".*.tmp")  # the names that `replacing` and `audio.write_audio` give


class FileError(InputError):
    """A file that cannot be written; the message says which, why, and what to do."""


@contextlib.contextmanager
def writing(path):
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
            f"{path} cannot be written ({reason}). Make room or mend the permissions there, and run the same command "
            "again."
        ) from error


def _file_system_reason(error) -> str | None:
    """Returns what the operating system or TensorFlow's file system said, in `error` or behind it; None if neither."""
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
def replacing(path):
    """Yields a temporary path beside `path`; on success it is renamed to `path`, on failure removed.

    Raises FileError if it cannot be written.
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


class LockedError(InputError):
    """A folder that another process is using."""


@contextlib.contextmanager
def locked(folder: pathlib.Path | str, *, wait: bool = False) -> Iterator[None]:
    """Holds a folder for one process, and removes what killed processes left half-written in it.

    On a file system without locks a warning is logged, and nothing is held.

    Args:
        folder: made if missing.
        wait: waits for another process that has it.

    Raises:
        LockedError: another process has it, and `wait` is false.
        FileError: the folder cannot be written.
    """
    folder = pathlib.Path(folder)
    with contextlib.ExitStack() as stack:
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(open(folder / ".lock", "w", encoding="utf-8"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise LockedError(
                f"Another process is using {folder}. Wait for it, or name another folder."
            ) from error
        except OSError as error:
            _logger.warning(
                "%s cannot be locked (%s): see that no other process uses it.",
                folder,
                error.strerror,
            )
        remove_leftovers(folder)
        yield


def remove_leftovers(folder) -> None:
    """Removes the temporary files of killed processes from `folder`, in which no other process may write meanwhile."""
    for pattern in _TEMPORARY:
        for path in pathlib.Path(folder).glob(pattern):
            with writing(path):
                path.unlink(missing_ok=True)


def write_text(path, text: str) -> None:
    """Writes a text file under a temporary name, then renames it. Raises FileError if it cannot be written."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, values) -> None:
    """Writes JSON; NaN is written as null. Raises ValueError for an infinite number."""
    write_text(path, json.dumps(_without_nan(values), indent=2, allow_nan=False) + "\n")


def _without_nan(values):
    if isinstance(values, dict):
        return {key: _without_nan(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_without_nan(value) for value in values]
    return None if isinstance(values, float) and math.isnan(values) else values


def write_npz(path, **arrays) -> None:
    """Writes arrays (never objects) as an uncompressed npz."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)


def read_npz(path) -> dict:
    """Reads an npz file whole, never unpickling. Raises InputError for a broken file."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except Exception as error:
        raise InputError(
            f"{path} cannot be read ({error}). Delete it and run the same command again."
        ) from error
