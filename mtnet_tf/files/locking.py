"""A folder is for one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from mtnet_tf.errors import InputError
from mtnet_tf.files.errors import writing

_logger = logging.getLogger(__name__)


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
