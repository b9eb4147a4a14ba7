"""All metrics of many pairs, with everything that depends on a reference alone computed once."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from mtnet_tf.metrics.corr2d import correlate_directions
from mtnet_tf.metrics.score import GENERATED, METRICS, REFERENCE, Score
from mtnet_tf.metrics.signals import as_signals, check_sample_rate, signal_failure
from mtnet_tf.metrics.views import Views, score_views

_MAX_KNOWN = 1024


class Scorer:
    """Scores generated waveforms against a fixed set of reference recordings.

    Every number equals that of the metric's own function on the pair. A generated waveform that
    comes again is not computed again: a control that plays recordings repeats them.

    Args:
        references: Float [R, num_samples] in [-1, 1], the recordings, padded to the data set's
            length.
        sample_rate: Samples per second, in Hz.

    Raises:
        ValueError: The shape or type is wrong, there is no reference, or the sample rate is not a
            positive whole number.
    """

    def __init__(self, references: np.ndarray, sample_rate: int = 22050) -> None:
        check_sample_rate(sample_rate)
        self._sample_rate = sample_rate
        references = as_signals(references, "references")
        if not len(references):
            raise ValueError("references must hold at least one recording. Received: none.")
        self._num_samples = references.shape[1]
        self._failures = [signal_failure(samples, REFERENCE) for samples in references]
        self._views = [Views(samples, sample_rate) for samples in references]
        self._known = {}

    def score(self, generated: np.ndarray, reference_index: np.ndarray) -> dict[str, list[Score]]:
        """Scores n pairs by all metrics.

        Args:
            generated: Float [n, num_samples] in [-1, 1].
            reference_index: Int [n] in [0, R), the row of each signal's reference in `references`.

        Returns:
            {metric: n Scores} for each name in METRICS.

        Raises:
            ValueError: A shape or type is wrong, or an index is out of range.
        """
        return self._run(generated, reference_index, correlate=False)[0]

    def correlations(self, generated: np.ndarray) -> np.ndarray:
        """Computes Corr2D of each generated signal with each reference.

        Args:
            generated: Float [n, num_samples] in [-1, 1].

        Returns:
            float64 [n, R] in [-1, 1]. The row of a generated signal and the column of a reference
            that are silent or not finite are NaN.

        Raises:
            ValueError: The shape or type is wrong.
        """
        return self._run(generated, None, correlate=True)[1]

    def score_and_correlate(
        self, generated: np.ndarray, reference_index: np.ndarray
    ) -> tuple[dict[str, list[Score]], np.ndarray]:
        """Does what `score` and `correlations` do, with one set of spectrograms.

        Args:
            generated: Float [n, num_samples] in [-1, 1].
            reference_index: Int [n] in [0, R), the row of each signal's reference in `references`.

        Returns:
            The results of `score` and of `correlations`.

        Raises:
            ValueError: A shape or type is wrong, or an index is out of range.
        """
        return self._run(generated, reference_index, correlate=True)

    def _run(self, generated: np.ndarray, reference_index: np.ndarray | None, correlate: bool):
        generated = as_signals(generated, "generated")
        if generated.shape[1] != self._num_samples:
            raise ValueError(
                f"generated must have shape [n, {self._num_samples}] like the references. "
                f"Received: shape={generated.shape}."
            )
        scores = {name: [] for name in METRICS}
        correlations = np.empty((len(generated), len(self._views)))
        if reference_index is not None:
            reference_index = self._check_index(reference_index, len(generated))
        for row, samples in enumerate(generated):
            known = self._recall(samples)
            failure = signal_failure(samples, GENERATED)
            views = None if failure else Views(samples, self._sample_rate)
            if reference_index is not None:
                index = int(reference_index[row])
                if index not in known.scores:
                    known.scores[index] = self._score_one(views, failure, index)
                for name in METRICS:
                    scores[name].append(known.scores[index][name])
            if correlate:
                if known.correlations is None:
                    known.correlations = self._correlate_one(views)
                correlations[row] = known.correlations
        return scores, correlations

    def _check_index(self, reference_index: np.ndarray, count: int):
        reference_index = np.asarray(reference_index)
        limit = len(self._views)
        if (
            reference_index.shape != (count,)
            or (count and reference_index.dtype.kind not in "iu")
            or not all(0 <= index < limit for index in reference_index)
        ):
            raise ValueError(
                f"reference_index must be {count} whole numbers from 0 to {limit - 1}, one "
                f"for each generated signal. Received: {reference_index!r}."
            )
        return reference_index

    def _score_one(self, views: Views | None, failure: Score | None, index: int):
        failure = self._failures[index] or failure
        if failure:
            return dict.fromkeys(METRICS, failure)
        return score_views(self._views[index], views)

    def _correlate_one(self, views: Views | None):
        row = np.full(len(self._views), np.nan)
        if views is None:
            return row
        for index, reference in enumerate(self._views):
            if not self._failures[index]:
                row[index] = correlate_directions(reference.direction, views.direction).value
        return row

    def _recall(self, samples: np.ndarray):
        """The known results of a waveform. Its Views are not kept: they would fill the memory."""
        key = hashlib.blake2b(samples.tobytes(), digest_size=16).digest()
        if key not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[key] = _Known()
        return self._known[key]


@dataclasses.dataclass
class _Known:
    """The results of one generated waveform.

    Attributes:
        scores: {reference index: {metric: Score}}.
        correlations: float64 [R], Corr2D with each reference; None before it is asked for.
    """

    scores: dict = dataclasses.field(default_factory=dict)
    correlations: np.ndarray | None = None
