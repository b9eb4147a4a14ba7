"""What every maker shares: a folder that appears only when it is complete, and its record."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil

from data_builders.recordings import MAKER_RECORD
from mtnet_tf.errors import InputError


class MakeError(InputError, ValueError):
    """Recordings that cannot be made as asked; the message says what to do."""


@contextlib.contextmanager
def new_folder(output_dir):
    """Yields a folder that becomes `output_dir` when the block ends, and vanishes on an error."""
    output_dir = pathlib.Path(os.path.abspath(output_dir))
    if output_dir.exists() and not (output_dir.is_dir() and not any(output_dir.iterdir())):
        raise MakeError(
            f"{output_dir} exists and is not an empty folder. Name a new folder, or delete it."
        )
    staging = output_dir.with_name(f".{output_dir.name}.{os.getpid()}.incomplete")
    try:
        staging.mkdir(parents=True)
        yield staging
        os.replace(staging, output_dir)
    except OSError as error:
        raise MakeError(
            f"{output_dir} cannot be written ({error.strerror or error}). Check the path, its"
            " permissions and the space left."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def write_record(folder, record):
    """Writes `recordings.json`: the record and the SHA-256 of each file. Returns all of it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    record = {
        **record,
        "recordings": {path.relative_to(folder).as_posix(): sha256(path) for path in files},
    }
    (folder / MAKER_RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def sha256(path):
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
