"""Writes a network in a format, and keeps the file only if it says what Keras says."""

from __future__ import annotations

import importlib
import os
import pathlib
from types import ModuleType
from typing import Any

import numpy as np

from mtnet_tf import exporting
from mtnet_tf.config import ConfigError
from mtnet_tf.errors import InputError, install
from mtnet_tf.exporting import saved_model
from mtnet_tf.exporting.network import Exported
from mtnet_tf.files import replacing

FORMATS: dict[str, ModuleType] = {
    name: importlib.import_module(f"mtnet_tf.exporting.{module}")
    for name, module in exporting.MODULES.items()
}
# The largest difference of a sample or a probability from Keras' own.
_TOLERANCES = {None: 1e-4, "float16": 0.02, "int8": 0.2}


class ExportError(InputError):
    """A network that cannot be exported; the message says why and what to do."""


def export(
    exported: Exported, path: pathlib.Path | str, format_name: str, quantize: str | None = None
) -> dict[str, Any]:
    """Writes a network, compares it with Keras on some images, and returns how far it is off.

    Args:
        exported: the network.
        path: the file, or the folder of a SavedModel; the format's suffix is added where it has
            another one or none.
        format_name: a key of `FORMATS`.
        quantize: None, or one of `exporting.QUANTIZATIONS`.

    Returns:
        {"path": where it was written, "num_bytes": its size, "largest_difference": {output: of all
        values}}.

    Raises:
        ConfigError: the format has no such quantisation.
        ExportError: the path names no file, something else is there, a package is missing, or the
            file says something else than Keras. What was there before is then as it was.
        FileError: it cannot be written.
    """
    form = FORMATS[format_name]
    if quantize and quantize not in form.QUANTIZATIONS:
        raise ConfigError(f"{format_name} has no {quantize} form here. Leave --quantize out.")
    path = pathlib.Path(path)
    if not path.name:
        raise ExportError(f"{str(path)!r} is a folder. Give --output a name in it.")
    if path.suffix != form.SUFFIX:
        path = path.with_name(path.name + form.SUFFIX)
    if form is saved_model and os.path.exists(path) and not saved_model.is_written(path):
        raise ExportError(
            f"{path} is there and is no {format_name}. Give --output a name of its own."
        )
    with replacing(path) as temporary:
        try:
            form.write(exported, temporary, **({"quantize": quantize} if quantize else {}))
            differences = _differences(exported, form, temporary)
        except ImportError as error:
            raise ExportError(
                f"{format_name} needs a package that is not installed ({error})."
                f" {install('export')}"
            ) from error
        _check(differences, format_name, quantize)
    return {"path": str(path), "num_bytes": _num_bytes(path), "largest_difference": differences}


def _differences(exported: Exported, form: ModuleType, path: pathlib.Path) -> dict[str, float]:
    inputs = exported.trial_inputs()
    expected, found = exported.expected(inputs), form.load(path)(inputs)
    return {name: float(np.abs(values - found[name]).max()) for name, values in expected.items()}


def _check(differences: dict[str, float], format_name: str, quantize: str | None) -> None:
    worst = np.max(list(differences.values()))
    # Negated, so that NaN is refused too.
    if not worst <= _TOLERANCES[quantize]:
        raise ExportError(
            f"The {format_name} form is off by {worst:.3g} from Keras, where"
            f" {_TOLERANCES[quantize]:g} is allowed; it was not kept. Use"
            f" {'a form without quantisation, or ' if quantize else ''}another format."
        )


def _num_bytes(path: pathlib.Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(part.stat().st_size for part in path.rglob("*") if part.is_file())
