"""Files that are never half-written: each is written under a temporary name and then renamed."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib

import numpy as np

from mtnet_tf.errors import InputError


@contextlib.contextmanager
def replacing(path):
    """Yields a temporary path beside `path`; on success it is renamed to `path`, on failure removed."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}_{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text: str) -> None:
    """Writes a text file under a temporary name, then renames it."""
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
