"""Signals during a training: the step in progress is finished, a checkpoint is written."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


@contextlib.contextmanager
def collected_signals() -> Iterator[list[int]]:
    """Collects SIGINT and SIGTERM in a list instead of dying in a step; a second one kills."""
    received, before = [], {}

    def handler(number, frame):  # noqa: ANN001
        del frame
        received.append(number)
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        # Outside of the main thread Python takes no handler.
        with contextlib.suppress(ValueError):
            before[number] = signal.signal(number, handler)
    try:
        yield received
    finally:
        for number, old in before.items():
            signal.signal(number, old)
