"""How far the softmax of a run may be believed: its temperature, and when the network is sure."""

from __future__ import annotations

import dataclasses
import math

from mtnet_tf.files import read_json
from mtnet_tf.runs.run_folder import RunFolder, RunFolderError

CALIBRATION = "calibration.json"  # of a run folder


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What stands between logits and trust.

    Attributes:
        temperature: the logits are divided by it before the softmax.
        threshold: the probability from which on the network counts as sure.
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
    values = [record.get(field.name) for field in dataclasses.fields(Calibration)]
    if not all(isinstance(v, (int, float)) and math.isfinite(v) and v > 0 for v in values):
        raise RunFolderError(
            f"{path} has no temperature and threshold above 0. Run experiments.calibrate again."
        )
    return Calibration(*map(float, values))
