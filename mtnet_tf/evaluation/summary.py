"""The scores of one pair, and the statistics of many: what a summary says of a candidate."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from mtnet_tf.metrics.score import FLOORS

# Of two words blended 8 : 2 the louder one has a Corr2D of some .93, of 6 : 4 some .64.
_CLEAN = 0.9


@dataclasses.dataclass(frozen=True)
class Row:
    """The scores of one pair.

    Attributes:
        image_id: the id of the image.
        word: the word of the image.
        recording_id: the id of the pair's recording, which is the reference.
        voice: whose recording that is.
        scores: {metric: score}; NaN where the metric failed.
        failures: {metric: reason}, for the metrics that failed.
        failed_references: the metrics that failed because of the reference.
        nearest_corr2d: the highest Corr2D with any recording; NaN where there is none.
        retrieved_word: the word of that recording; "" where there is none.
        retrieved_voice: the voice of that recording; "" where there is none.
        softmax_word: what the softmax head takes the image for, or the text that is spoken; ""
            where there is neither.
    """

    image_id: str
    word: str
    recording_id: str
    voice: str
    scores: dict[str, float]
    failures: dict[str, str]
    failed_references: tuple[str, ...]
    nearest_corr2d: float
    retrieved_word: str = ""
    retrieved_voice: str = ""
    softmax_word: str = ""

    @property
    def retrieved(self) -> bool:
        """Whether the nearest recording is of the pair's own word."""
        return self.retrieved_word == self.word

    @property
    def blended(self) -> bool:
        """Whether the waveform is near to no recording: silence, noise, or two words at once."""
        # The condition is negated so that NaN, which silence has, is blended too.
        return not self.nearest_corr2d >= _CLEAN


def summarize(rows: list[Row], num_voices: int = 1, *, predicts_words: bool = False) -> dict:
    """Returns the statistics of a summary.

    Args:
        rows: the scores of the pairs, at least one.
        num_voices: of the recordings that what was generated is compared with.
        predicts_words: whether the candidate has a softmax head, or spells. The rows alone cannot
            tell: a network that writes nothing has no text in any of them.

    Returns:
        "metrics", over all rows; "retrieval_accuracy", the share of rows whose nearest recording is
        of their own word; "retrieved", the metrics over those rows; "classifier_accuracy", the
        share of rows whose word is predicted right, and "classified", the metrics over those, both
        None where no words are predicted; "blended", the share of rows whose Corr2D with the
        nearest recording is below 0.9; "per_word"; and, where there are several voices,
        "voice_accuracy", the share of rows whose nearest recording is by their own voice, and
        "per_voice", in which each voice has its own. Else both are None.

        Each metric has its "mean" and standard deviation "sd" over the scored pairs; how many were
        scored, failed, and failed because of their reference; and "floor_mean", in which failures
        count as the metric's floor, so that silence cannot win; NaN for failures of a distance. A
        pair that failed because of its reference is in neither mean.
    """
    names = list(rows[0].scores)
    retrieved = [row for row in rows if row.retrieved]
    classified = [row for row in rows if row.softmax_word == row.word]
    has_voices = num_voices > 1
    return {
        "metrics": _statistics(rows, names),
        "retrieval_accuracy": len(retrieved) / len(rows),
        "retrieved": {"num_pairs": len(retrieved), "metrics": _statistics(retrieved, names)},
        "classifier_accuracy": len(classified) / len(rows) if predicts_words else None,
        "classified": {"num_pairs": len(classified), "metrics": _statistics(classified, names)}
        if predicts_words
        else None,
        "blended": sum(row.blended for row in rows) / len(rows),
        "per_word": _grouped(rows, lambda row: row.word, names),
        "voice_accuracy": sum(row.retrieved_voice == row.voice for row in rows) / len(rows)
        if has_voices
        else None,
        "per_voice": _per_voice(rows, names) if has_voices else None,
    }


def _per_voice(rows: list[Row], names: list[str]) -> dict[str, dict]:
    """Returns what `_grouped` does of each voice, and its "voice_accuracy"."""
    groups = _grouped(rows, lambda row: row.voice, names)
    own = [row.voice for row in rows if row.retrieved_voice == row.voice]
    return {
        voice: {**group, "voice_accuracy": own.count(voice) / group["num_pairs"]}
        for voice, group in groups.items()
    }


def _grouped(rows: list[Row], group_of: Callable[[Row], str], names: list[str]) -> dict[str, dict]:
    """Returns {group: its number of pairs, retrieval accuracy, floor means and spreads}."""
    groups = {}
    for row in rows:
        groups.setdefault(group_of(row), []).append(row)
    found = {}
    for group, members in sorted(groups.items()):
        statistics = _statistics(members, names)
        found[group] = {
            "num_pairs": len(members),
            "retrieval_accuracy": sum(row.retrieved for row in members) / len(members),
            "metrics": {name: values["floor_mean"] for name, values in statistics.items()},
            "sd": {name: values["sd"] for name, values in statistics.items()},
        }
    return found


def _statistics(rows: list[Row], names: list[str]) -> dict:
    statistics = {}
    for name in names:
        of_reference = sum(name in row.failed_references for row in rows)
        scored = np.array([row.scores[name] for row in rows if not math.isnan(row.scores[name])])
        failed = len(rows) - of_reference - len(scored)
        reasons = {}
        for row in rows:
            if name in row.failures:
                reasons[row.failures[name]] = reasons.get(row.failures[name], 0) + 1
        counted = len(scored) + failed
        # A distance has no floor: without failures it needs none.
        floor = FLOORS.get(name, None if failed else 0.0)
        statistics[name] = {
            "mean": float(scored.mean()) if len(scored) else math.nan,
            "sd": float(scored.std()) if len(scored) else math.nan,
            "num_scored": len(scored),
            "num_failed": failed,
            "num_failed_references": of_reference,
            "floor_mean": float((scored.sum() + failed * floor) / counted)
            if counted and floor is not None
            else math.nan,
            "failures": dict(sorted(reasons.items())),
        }
    return statistics
