"""The way through rows batch by batch."""

from __future__ import annotations

from collections.abc import Iterator


def slices(count: int, size: int) -> Iterator[slice]:
    """Yields slices of `size` rows that cover `count` rows in order; the last may be shorter.

    Args:
        count: of rows; none are yielded for 0.
        size: rows of a slice, at least 1.
    """
    for first in range(0, count, size):
        yield slice(first, min(first + size, count))
