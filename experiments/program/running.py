"""How a program starts and ends: its log, its errors, its exit status."""

import io
import logging
import os
import select
import signal
import sys
import types
from collections.abc import Callable

from absl import app
from absl import logging as absl_logging

from experiments.program import quiet_tensorflow
from mtnet_tf.errors import InputError
from mtnet_tf.runs.provenance import note_start

# This must stand before TensorFlow is imported, which uses oneDNN's kernels by itself only on CPUs
# with AVX-512 VNNI or later. They are twice as fast on older ones too, and have the gradients of
# dilated convolutions.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def run(main: Callable[[list[str]], int | None]) -> None:
    """Runs `main(argv)` as an absl program.

    An `InputError` is printed as one line, exit status 1. SIGINT and SIGTERM that a training
    answered with a checkpoint exit with 130 and 143. An unknown flag or argument exits with absl's
    own 1. Where the reader of the output has gone, as `head` does, it exits silently with 141.

    What the output cannot show, as in a file's name that is not UTF-8, is printed as an escape.

    What TensorFlow's C++ code logs is shown only where the environment variable
    TF_CPP_MIN_LOG_LEVEL says so: 0 shows everything.

    Args:
        main: the program. It is given the command line and returns the exit status, None for 0.
    """

    def checked_main(argv: list[str]):
        absl_logging.get_absl_handler().setFormatter(
            logging.Formatter("%(asctime)s  %(message)s", datefmt="%H:%M:%S")
        )
        # Hides what TFDS and Keras tell.
        absl_logging.set_verbosity(absl_logging.ERROR)
        for package in ("mtnet_tf", "data_builders"):
            logging.getLogger(package).setLevel(logging.INFO)
        if len(argv) > 1:
            raise app.UsageError(
                f"Arguments are given as --flag=value. Received: {' '.join(argv[1:])}"
            )
        note_start()
        interrupts = _count_interrupts()
        try:
            status = main(argv)
            sys.stdout.flush()
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return error.exit_status
        except BaseException as error:
            if isinstance(error, BrokenPipeError) and _drop_unread_output():
                return 128 + signal.SIGPIPE
            if not interrupts:
                raise
        else:
            if not interrupts:
                return status
        # Also where the interrupt came back as another exception, which TensorFlow makes of it, or
        # was swallowed, as Python does in a destructor. What is left to do is to exit, which a
        # second Ctrl-C cuts short.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        print("error: interrupted; run the same command again.", file=sys.stderr)
        return 130

    quiet_tensorflow.keep_import_quiet()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    app.run(checked_main)


def _drop_unread_output() -> bool:
    """Drops the rest of the standard output if nobody reads it, and returns whether that is so."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not any(event & (select.POLLERR | select.POLLHUP) for _, event in output.poll(0)):
        return False
    # Python writes out the rest when it ends, and would complain.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def _count_interrupts() -> list[int]:
    """Returns a list that grows with each SIGINT, which raises KeyboardInterrupt as usual."""
    received = []

    def handler(number: int, frame: types.FrameType | None):
        received.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, handler)
    return received
