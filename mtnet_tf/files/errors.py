"""What is wrong with a file becomes one error that names it."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import stat
import sys
from collections.abc import Iterator

from mtnet_tf.errors import InputError, causes

_LONGEST_REASON = 300


class FileError(InputError):
    """A file that cannot be written or read; the message says which, why, and what to do."""


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
    for cause in causes(error):
        if isinstance(cause, OSError):
            return cause.strerror or str(cause)
        if tensorflow is not None and isinstance(cause, tensorflow.errors.OpError):
            # "{{function_node ...}} <temporary file>; No space left on device [Op:SaveV2]"
            return cause.message.partition(" [Op:")[0].rpartition("; ")[2]
    return None


@contextlib.contextmanager
def reading(path: pathlib.Path | str) -> Iterator[None]:
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
            f"{path} cannot be read ({reason}). Put it back from a copy, or delete it and run the"
            " command again that writes it."
        ) from error


def regular(path: pathlib.Path | str) -> pathlib.Path:
    """Returns the path of a file or a folder; reading anything else (a pipe, a device) may wait."""
    path = pathlib.Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ValueError("it is no ordinary file")
    return path
