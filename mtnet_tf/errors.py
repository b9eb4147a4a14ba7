"""The errors that a user is meant to read."""

import signal


class InputError(Exception):
    """Something given to the project cannot be used. The message says what, where, and what to do.

    The programs print the message alone. Any other exception is a bug and keeps its traceback.

    Attributes:
        exit_status: What a program that ends with this error exits with.
    """

    exit_status = 1


class Interrupted(InputError):
    """A signal came during a training, which wrote a checkpoint and stopped.

    Args:
        signal_number: SIGINT or SIGTERM.
    """

    def __init__(self, signal_number: int) -> None:
        name = signal.Signals(signal_number).name
        super().__init__(
            f"stopped by {name}; a checkpoint was written, the same command continues the run."
        )
        self.exit_status = 128 + signal_number


def first_line(error: BaseException) -> str:
    """Returns the first line of an error's message, or the name of its class if it has no message.

    TensorFlow puts a graph node before the message and an operation after it; they are left out.

    Args:
        error: Any exception.
    """
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.rpartition("}} ")[2].partition(" [Op:")[0]
