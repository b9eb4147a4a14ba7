"""Text, JSON and CSV: written whole, read up to a limit."""

from __future__ import annotations

import csv
import io
import json
import math
import pathlib
from typing import Any

from mtnet_tf.files.errors import reading, regular
from mtnet_tf.files.replacing import replacing

# Bytes. Most of the project's own files have some thousands; that of a result has 500 a recording.
_LARGEST_TEXT = 64 * 2**20


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


def read_text(path: pathlib.Path | str) -> str:
    """Reads a text file in UTF-8, of at most 64 MiB.

    Raises:
        FileError: the file is missing, too large, or no text in UTF-8.
    """
    with reading(path):
        with open(regular(path), "rb") as file:
            data = file.read(_LARGEST_TEXT + 1)
        if len(data) > _LARGEST_TEXT:
            raise ValueError(f"it has more than {_LARGEST_TEXT:,} bytes")
        return data.decode("utf-8")


def read_json(path: pathlib.Path | str) -> dict[str, Any]:
    """Reads a JSON file that holds an object, of at most 64 MiB.

    Raises:
        FileError: the file is missing, too large, no JSON in UTF-8, holds NaN or an infinite
            number, or holds no object.
    """
    text = read_text(path)
    with reading(path):
        values = parse_json(text)
        if not isinstance(values, dict):
            raise ValueError("it holds no JSON object {...}")
        return values


def parse_json(text: str) -> Any:
    """Returns the values of a JSON text. Raises ValueError for NaN and infinite numbers too."""
    return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


def _refuse_constant(name: str):
    raise ValueError(f"it holds {name}, which is no JSON")


def _finite(number: str):
    """Returns the number, which Python would read as infinite where it is too large."""
    if not math.isfinite(float(number)):
        raise ValueError(f"it holds {number}, which is too large a number")
    return float(number)


def read_csv(path: pathlib.Path | str) -> list[dict[str, str]]:
    """Reads a CSV file with a header, of at most 64 MiB.

    Returns:
        The rows, {column: text}.

    Raises:
        FileError: the file is missing, too large, no text in UTF-8, or a row has fewer or more
            values than the header.
    """
    text = read_text(path)
    with reading(path):
        rows = list(csv.DictReader(io.StringIO(text), restkey="", restval=None))
        if any(None in row.values() or "" in row for row in rows):
            raise ValueError("its rows are not all of the same length")
        return rows
