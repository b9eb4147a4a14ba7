"""Building a data set: one process at a time, one clear error, and nothing left half-written."""

import builtins
import contextlib
import os
import re
from collections.abc import Iterator

import tensorflow_datasets as tfds
from etils import epath

from data_builders.errors import DataSetError
from mtnet_tf import files
from mtnet_tf.errors import InputError, causes, first_line

# What Beam makes of a worker's error, in its last line:
# "package.ErrorClass: message [while running 'step']".
_OF_A_WORKER = re.compile(r"^([\w.]+): (.*?)(?: \[while running '.*)?$", re.MULTILINE)


def open_source(name: str, data_dir: os.PathLike | str | None) -> tfds.core.DatasetBuilder:
    """Returns the builder of one of TFDS's own data sets, prepared or not.

    Args:
        name: of the data set, e.g. "mnist".
        data_dir: where TFDS keeps it; None for `~/tensorflow_datasets`.

    Raises:
        DataSetError: it is prepared, and what it says of itself is damaged.
    """
    folder = os.path.join(data_dir or tfds.core.constants.DATA_DIR, name)
    try:
        return tfds.builder(name, data_dir=data_dir)
    except Exception as error:
        # Protobuf's, JSON's or the file system's, where there is a folder; else it is no damage.
        if not os.path.isdir(folder):
            raise
        raise DataSetError(
            f"TFDS's {name!r} in {folder} is damaged ({first_line(error)}). Delete that folder, so"
            " that it is prepared again, or copy it again."
        ) from error


@contextlib.contextmanager
def sole_builder(folder: epath.Path) -> Iterator[None]:
    """Holds the folder of a data set's versions for one process; another build of it waits.

    What killed builds left in it is removed. On a file system without locks (a bucket, some network
    disks) nothing is held, and nothing removed.

    Args:
        folder: made where it is missing.

    Raises:
        files.FileError: the folder cannot be written, or what is left in it cannot be removed.
    """
    with files.locked(folder, wait=True) as held:
        if held:
            # TFDS's name for what it is writing.
            for path in folder.glob("incomplete.*"):
                with files.writing(path):
                    path.rmtree()
        yield


@contextlib.contextmanager
def one_error(builder: tfds.core.DatasetBuilder) -> Iterator[None]:
    """A context in which what stops a build becomes one InputError, whatever is wrapped around it.

    Raises:
        InputError: the one behind the error, such as an unreadable image's.
        DataSetError: a file system failed. What fails in reading is an InputError already
            (`ImageSource.images`), so this is of writing.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = _what_failed(error)
        if reason is None:
            raise
        if isinstance(reason, InputError):
            raise reason from error
        raise DataSetError(
            f"{builder.info.full_name} cannot be written to {builder.data_path}"
            f" ({first_line(reason)}). Check the space and the permissions there, and run the same"
            " command again."
        ) from error


def _what_failed(error: BaseException):
    """The first InputError or file system's error of an exception and those behind it; or None."""
    import tensorflow as tf

    for cause in causes(error):
        if isinstance(cause, (InputError, OSError, tf.errors.OpError)):
            return cause
    return _of_a_worker(str(cause))


def _of_a_worker(text: str):
    """Returns the error that a text names, in which Beam hands on one of another process."""
    name, message = (_OF_A_WORKER.findall(text) or [("", "")])[-1]
    if name.startswith(("data_builders.", "mtnet_tf.")):
        return InputError(message)
    built_in = getattr(builtins, name, None)  # a function's too, as in "id: 3 is no class"
    is_os_error = isinstance(built_in, type) and issubclass(built_in, OSError)
    if name.startswith("tensorflow.") or is_os_error:
        return OSError(message)
    return None
