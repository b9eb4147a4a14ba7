"""MT-Net: audio description from image by a modal translation network (TensorFlow 2 / Keras).

Importing the package alone is quick: it imports neither TensorFlow nor Keras nor NumPy. Each
public name imports its module when it is first used. Once this package and Keras are imported, in
whichever order, `keras.models.load_model` reads the network of a run folder.
"""

import importlib
from typing import TYPE_CHECKING, Any

import wrapt

if TYPE_CHECKING:
    from mtnet_tf.config import Config as Config
    from mtnet_tf.config import override as override
    from mtnet_tf.config import preset as preset
    from mtnet_tf.data.images import read_image as read_image
    from mtnet_tf.describe import Describer as Describer
    from mtnet_tf.evaluation.run import evaluate_run as evaluate_run
    from mtnet_tf.runs.data_set import load_data as load_data
    from mtnet_tf.runs.run_folder import RunFolder as RunFolder
    from mtnet_tf.systems import System as System
    from mtnet_tf.systems import configure as configure
    from mtnet_tf.systems import register as register
    from mtnet_tf.systems.train import train as train

__version__ = "0.1.0"

# The public names and the modules that define them. The imports above tell type checkers the same.
_PUBLIC = {
    "Config": "mtnet_tf.config",
    "Describer": "mtnet_tf.describe",
    "RunFolder": "mtnet_tf.runs.run_folder",
    "System": "mtnet_tf.systems",
    "configure": "mtnet_tf.systems",
    "evaluate_run": "mtnet_tf.evaluation.run",
    "load_data": "mtnet_tf.runs.data_set",
    "override": "mtnet_tf.config",
    "preset": "mtnet_tf.config",
    "read_image": "mtnet_tf.data.images",
    "register": "mtnet_tf.systems",
    "train": "mtnet_tf.systems.train",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})


# At once if Keras is imported already.
@wrapt.when_imported("keras")
def _register_layers(_: Any):
    """Imports the layers, which registers them under the names that a stored model has."""
    importlib.import_module("mtnet_tf.layers")
