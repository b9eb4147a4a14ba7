"""The errors that a user is meant to read."""

from __future__ import annotations

import signal
from collections.abc import Iterator


class InputError(Exception):
    """Something given to the project cannot be used. The message says what, where, and what to do.

    The programs print the message alone and exit with `exit_status`. Any other exception is a bug
    and keeps its traceback.
    """

    exit_status = 1


class Interrupted(InputError):
    """SIGINT or SIGTERM came during a training, which wrote a checkpoint and stopped."""

    def __init__(self, signal_number: int) -> None:
        """Names the signal; the exit status is 128 and its number, as shells have it."""
        name = signal.Signals(signal_number).name
        super().__init__(
            f"stopped by {name}; a checkpoint was written, the same command continues the run."
        )
        self.exit_status = 128 + signal_number


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message.

    TensorFlow puts the graph node before it and the operation after it; both are left out.
    """
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line.rpartition("}} ")[2].partition(" [Op:")[0]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an exception and those behind it, as a traceback shows them, the last one first."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def install(extra: str) -> str:
    """Returns how an extra of the package is installed, as the end of a message.

    Args:
        extra: its name in setup.py.
    """
    return f"Install the extra, in the checkout: pip install -e '.[{extra}]' -c constraints.txt."
