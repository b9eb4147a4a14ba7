"""TensorFlow's SavedModel: a folder that TensorFlow Serving and TensorFlow's C++ and Java read."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.exporting.network import Exported
from mtnet_tf.files import write_text

SUFFIX = ""  # a folder
QUANTIZATIONS = ()
_METADATA = "assets.extra/metadata.json"


def write(exported: Exported, path: pathlib.Path) -> None:
    """Writes a folder with the signature "serving_default", and the metadata as an extra asset.

    Args:
        exported: the network.
        path: the folder; must not be there.
    """
    archive = keras.export.ExportArchive()
    archive.track(exported.network)
    archive.add_endpoint(
        "describe", exported.describe.python_function, exported.describe.input_signature
    )
    archive.write_out(str(path), verbose=False)
    write_text(path / _METADATA, exported.metadata)


def load(path: pathlib.Path) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """Returns {input: array [n, ...]} -> {output: float32 [n, ...]}."""
    describe = tf.saved_model.load(str(path)).signatures["serving_default"]

    def call(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        outputs = describe(**{name: tf.constant(values) for name, values in inputs.items()})
        return {name: value.numpy() for name, value in outputs.items()}

    return call


def is_written(path: pathlib.Path) -> bool:
    """Returns whether a path is a SavedModel, and not another folder of the user's."""
    return (path / "saved_model.pb").is_file()
