"""How far the softmax of a run may be believed: its temperature, and when the network is sure."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from mtnet_tf.files import read_json
from mtnet_tf.runs.layout import CALIBRATION
from mtnet_tf.runs.run_folder import RunFolder, RunFolderError


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What stands between logits and trust.

    Attributes:
        temperature: the logits are divided by it before the softmax.
        threshold: the probability, up to 1, from which on the network counts as sure.
    """

    temperature: float = 1.0
    threshold: float = 0.5


def read_calibration(run: RunFolder) -> Calibration:
    """Returns the calibration of a run; the default where it was never calibrated.

    Raises:
        FileError, RunFolderError: the file is broken.
    """
    path = run / CALIBRATION
    if not path.is_file():
        return Calibration()
    record = read_json(path)
    try:
        found = Calibration(
            **{field.name: _number(record[field.name]) for field in dataclasses.fields(Calibration)}
        )
        if not (0 < found.temperature < math.inf and 0 < found.threshold <= 1):
            raise ValueError("out of range")
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise RunFolderError(
            f"{path} has no temperature above 0 and threshold above 0 and up to 1. Run"
            " experiments.calibrate again."
        ) from error
    return found


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is no number")
    return float(value)
