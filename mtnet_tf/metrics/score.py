"""What a metric answers: a number, or NaN with the reason and the signal that caused it."""

import dataclasses
import math
from typing import Literal

METRICS = (
    "corr2d",
    "pesq",
    "stoi",
    "corr2d_compressed",
    "pesq_lqo",
    "pesq_lqo_wb",
    "stoi_classic",
)

# What a failure of a generated signal counts as in the mean over all pairs: the least value that
# the metric can have, so that silence cannot win. Corr2D is a correlation, and that of white noise
# is below 0, so its floor is -1. The floor of MOS-LQO is the worst opinion on the scale.
FLOORS = {
    "corr2d": -1.0,
    "pesq": -0.5,
    "stoi": 0.0,
    "corr2d_compressed": -1.0,
    "pesq_lqo": 1.0,
    "pesq_lqo_wb": 1.0,
    "stoi_classic": 0.0,
}

REFERENCE = "reference"
GENERATED = "generated"


@dataclasses.dataclass(frozen=True)
class Score:
    """The result of one metric on one pair of waveforms.

    Attributes:
        value: The score. It is NaN if and only if the metric failed on the pair.
        reason: Why the metric failed; "" where there is a score.
        culprit: The signal that caused the failure; "" where there is a score. A failure that the
            reference alone causes ("reference") is left out of every mean and counted. A failure of
            the generated signal ("generated") counts as the metric's floor in the floor mean.

    Raises:
        ValueError: Value, reason and culprit contradict each other.
    """

    value: float
    reason: str = ""
    culprit: Literal["", "reference", "generated"] = ""

    def __post_init__(self) -> None:
        failed = math.isnan(self.value)
        if failed != bool(self.reason) or failed != (self.culprit in (REFERENCE, GENERATED)):
            raise ValueError(
                "A Score is either a number without reason and culprit, or NaN with a reason and "
                "the culprit 'reference' or 'generated'. "
                f"Received: {self.value!r}, {self.reason!r}, {self.culprit!r}."
            )


def failure(reason: str, culprit: Literal["reference", "generated"]) -> Score:
    """Returns a Score without a value.

    Args:
        reason: Why the metric failed, not empty.
        culprit: The signal that caused the failure.

    Returns:
        A Score whose value is NaN.
    """
    return Score(math.nan, reason, culprit)
