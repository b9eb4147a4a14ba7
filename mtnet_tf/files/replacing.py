"""Nothing is half-written: a file or a folder has a temporary name until it is whole."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
from collections.abc import Iterator

from mtnet_tf.files.errors import writing

_TEMPORARY = ".[0-9]*_*"  # the names that `replacing` gives


@contextlib.contextmanager
def replacing(path: pathlib.Path | str) -> Iterator[pathlib.Path]:
    """Yields a temporary path beside `path`; on success it is renamed to `path`, else removed.

    It may become a file or a folder. An earlier folder is removed when the new one has its place.

    Raises:
        FileError: the file or folder cannot be written.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{os.getpid()}_{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            earlier = temporary.with_name(f"{temporary.name}_earlier")
            if temporary.is_dir() and path.is_dir():
                path.rename(earlier)
            os.replace(temporary, path)
            remove(earlier)
        finally:
            remove(temporary)


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
