"""What every maker shares: a folder that appears only when it is complete, and its record."""

import contextlib
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterator

from data_builders.errors import RecordingsError
from data_builders.recordings import MAKER_RECORD
from mtnet_tf import files


def check_new(output_dir: os.PathLike | str) -> None:
    """Refuses a folder that is in use, before anything is made for it.

    Raises:
        RecordingsError: `output_dir` is in use, or is where a file system is mounted.
        files.FileError: it cannot be read.
    """
    output_dir = pathlib.Path(os.path.realpath(output_dir))
    with files.writing(output_dir):
        if output_dir.exists() and not (output_dir.is_dir() and not any(output_dir.iterdir())):
            raise RecordingsError(
                f"{output_dir} exists and is not an empty folder. Name a new folder, or delete it."
            )
        if os.path.ismount(output_dir):
            raise RecordingsError(
                f"{output_dir} is a mount point, which a complete folder cannot replace. Name a new"
                " folder in it."
            )


@contextlib.contextmanager
def new_folder(output_dir: os.PathLike | str) -> Iterator[pathlib.Path]:
    """Yields a folder that becomes `output_dir` when the block ends, and vanishes on an error.

    What a killed process left of the same folder is removed.

    Raises:
        RecordingsError: as `check_new`.
        files.InUseError: another process is making the folder.
        files.FileError: it cannot be written.
    """
    output_dir = pathlib.Path(os.path.realpath(output_dir))
    staging = output_dir.with_name(f".{output_dir.name}.incomplete")
    check_new(output_dir)
    with files.writing(output_dir), files.locked(staging, wait=False):
        folder = staging / output_dir.name
        try:
            files.remove(folder)
            folder.mkdir()
            yield folder
            os.replace(folder, output_dir)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def write_record(folder: pathlib.Path, record: dict) -> dict:
    """Writes `recordings.json`: the record and the SHA-256 of each file.

    Args:
        folder: the folder of the recordings.
        record: how they were made.

    Returns:
        The record and `recordings`, {file: hex digest}.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    record = {
        **record,
        "recordings": {path.relative_to(folder).as_posix(): _sha256(path) for path in paths},
    }
    files.write_json(folder / MAKER_RECORD, record)
    return record


def _sha256(path: pathlib.Path) -> str:
    """Returns the hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
