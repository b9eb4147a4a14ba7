"""What a metric answers: a number, or NaN with the reason and who is to blame."""

import dataclasses
import math

METRICS = (
    "corr2d",
    "pesq",
    "stoi",
    "corr2d_compressed",
    "pesq_lqo",
    "pesq_lqo_wb",
    "stoi_classic",
)

# What a generated signal that cannot be scored counts as in the mean over all pairs: the least that
# the metric can be, so that silence cannot win. White noise has a Corr2D below 0: -1, a correlation's
# own least. MOS-LQO: the worst opinion on the scale.
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
      value: the score; NaN when and only when the pair could not be scored.
      reason: why there is no score; "" where there is one.
      culprit: "reference" when the reference alone makes the pair unscorable (such a pair is left
        out of every mean and counted), "generated" when the generated signal does (such a pair
        counts as the metric's floor in the floor mean); "" where there is a score.

    Raises:
      ValueError: when value, reason and culprit contradict each other.
    """

    value: float
    reason: str = ""
    culprit: str = ""

    def __post_init__(self):
        failed = math.isnan(self.value)
        if failed != bool(self.reason) or failed != (self.culprit in (REFERENCE, GENERATED)):
            raise ValueError(
                "A Score is either a number without reason and culprit, or NaN with a reason and "
                "the culprit 'reference' or 'generated'. "
                f"Received: {self.value!r}, {self.reason!r}, {self.culprit!r}."
            )


def failure(reason, culprit):
    """A Score without a value."""
    return Score(math.nan, reason, culprit)
