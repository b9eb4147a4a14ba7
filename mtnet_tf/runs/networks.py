"""Trained networks on the disk: written whole, read as weights alone.

`keras.models.load_model` builds the network that a file describes, and with some versions of Keras
a file can name any Python function there. Here a network is built from the run's configuration,
and the file gives numbers only.
"""

from __future__ import annotations

import contextlib
import io
import math
import pathlib
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

import h5py
import numpy as np

from mtnet_tf.errors import first_line
from mtnet_tf.files import replacing
from mtnet_tf.runs.run_folder import MENDING_OF_TRAINED, RunFolderError

if TYPE_CHECKING:
    import keras

_WEIGHTS = "model.weights.h5"  # of a .keras file


def save_network(network: keras.Model, path: pathlib.Path | str) -> None:
    """Writes a network as a `.keras` file. Raises FileError if it cannot be written."""
    with replacing(path) as temporary:
        network.save(temporary)


@contextlib.contextmanager
def _reading(path: pathlib.Path | str) -> Iterator[None]:
    """A context in which whatever is wrong with a network's file becomes one RunFolderError."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise RunFolderError(
            f"{path.parent} has no {path.name}: the run has not finished. Continue it with the"
            " command it was begun with."
        )
    try:
        yield
    except Exception as error:
        # Keras, h5py and zipfile have no common error for a file that is not what it should be.
        raise RunFolderError(
            f"{path} cannot be read ({first_line(error)}). {MENDING_OF_TRAINED}"
        ) from error


def load_weights(network: keras.Model, path: pathlib.Path | str) -> None:
    """Gives a network the weights of a file that `save_network` wrote.

    Raises:
        RunFolderError: the file is missing or damaged, or holds another network.
    """
    with _reading(path):
        network.load_weights(path)


def halve(path: pathlib.Path | str, output: pathlib.Path | str) -> None:
    """Writes a `.keras` file anew, with its weights in float16: half the bytes, the same network.

    Keras turns them into the types of the network that they are read into.

    Args:
        path: a file that `save_network` wrote.
        output: the file to write.

    Raises:
        RunFolderError: `path` is missing or damaged.
        FileError: `output` cannot be written.
    """
    with _reading(path):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        members[_WEIGHTS] = _halved(members[_WEIGHTS])
    with replacing(output) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in members.items():
            # Without the time of writing: halved again, it has the same bytes and fingerprint.
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


def _halved(weights: bytes) -> bytes:
    """Returns the content of an HDF5 file, its arrays in float16 and compressed."""
    content = io.BytesIO()
    with h5py.File(io.BytesIO(weights)) as source, h5py.File(content, "w") as target:

        def copy(name: str, item: h5py.Dataset | h5py.Group) -> None:
            if isinstance(item, h5py.Group):
                copied = target.create_group(name)
            else:
                # The bytes of equal place compress better side by side.
                options = {"compression": "gzip", "shuffle": True} if item.shape else {}
                values = item[()]
                if np.issubdtype(values.dtype, np.floating):
                    values = values.astype(np.float16)
                copied = target.create_dataset(name, data=values, **options)
            copied.attrs.update(item.attrs)

        source.visititems(copy)
    return content.getvalue()


def num_parameters(network: keras.Model) -> int:
    """Returns the number of trainable parameters."""
    return sum(math.prod(variable.shape) for variable in network.trainable_variables)


def describe_sizes(network: keras.Model) -> str:
    """Returns the numbers of trainable parameters, a line a part, and of the network itself."""
    parts = [layer for layer in network.layers if layer.trainable_variables]
    return "\n".join(
        f"{part.name:20} {num_parameters(part):>13,} trainable parameters"
        for part in (*parts, network)
    )
