"""What a metric answers: a number, or a failure with its reason and the signal to blame."""

import dataclasses
import importlib.util
import math
from typing import Literal

# The metrics, and what a failure of the generated signal counts as in the mean over all pairs: the
# least that the metric can be, so that silence cannot win. Corr2D and all forms of STOI are
# correlations, whose least is -1: white noise has a Corr2D below 0. Of MOS-LQO it is the worst
# opinion on the scale.
FLOORS = {
    "corr2d": -1.0,
    "pesq": -0.5,
    "stoi": -1.0,
    "corr2d_compressed": -1.0,
    "pesq_lqo": 1.0,
    "pesq_lqo_wb": 1.0,
    "stoi_classic": -1.0,
    "estoi": -1.0,
}
METRICS = tuple(FLOORS)

# These cost as much as all others, have no value for most words, or are in no table: a study leaves
# them out.
EXTRAS = ("pesq_lqo_wb", "stoi_classic", "estoi")


# Of `world`, where the package pyworld is installed. They are distances: lower is better, and there
# is no worst one to count a failure as.
DISTANCES = ("mcd", "f0_error")


def chosen_metrics(extras: bool) -> tuple[str, ...]:
    """Returns the names of the metrics, with or without the extras and what pyworld adds."""
    if not extras:
        return tuple(name for name in METRICS if name not in EXTRAS)
    return METRICS + (DISTANCES if importlib.util.find_spec("pyworld") else ())


REFERENCE: Literal["reference"] = "reference"
GENERATED: Literal["generated"] = "generated"


@dataclasses.dataclass(frozen=True)
class Score:
    """The result of one metric on one pair of waveforms.

    Attributes:
        value: the score; NaN when and only when the metric failed.
        reason: why it failed; "" where it did not.
        culprit: "reference" when the reference alone is the reason (such a pair is left out of
            every mean and counted), "generated" when the generated signal is (such a pair counts as
            the metric's floor in the floor mean); "" where there is a score.

    Raises:
        ValueError: value, reason and culprit contradict each other.
    """

    value: float
    reason: str = ""
    culprit: str = ""

    def __post_init__(self) -> None:
        failed = math.isnan(self.value)
        if failed != bool(self.reason) or failed != (self.culprit in (REFERENCE, GENERATED)):
            raise ValueError(
                "A Score is either a number without reason and culprit, or NaN with a reason and "
                "the culprit 'reference' or 'generated'. "
                f"Received: {self.value!r}, {self.reason!r}, {self.culprit!r}."
            )


def failure(reason: str, culprit: Literal["reference", "generated"]) -> Score:
    """Returns a Score without a value."""
    return Score(math.nan, reason, culprit)
