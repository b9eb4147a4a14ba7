"""All metrics of many pairs, with everything that depends on a reference alone computed once."""

from collections.abc import Sequence

import numpy as np

from mtnet_tf.metrics.corr2d import correlate_directions
from mtnet_tf.metrics.score import GENERATED, METRICS, REFERENCE, Score
from mtnet_tf.metrics.signals import as_signals, check_sample_rate, signal_failure
from mtnet_tf.metrics.views import Views, score_views


def nearest_reference(correlations: np.ndarray) -> tuple[int | None, float]:
    """Returns which reference a sound is nearest to, and its Corr2D; None and NaN for silence.

    Args:
        correlations: float [R], a row of `Scorer.correlations`.
    """
    if np.all(np.isnan(correlations)):
        return None, float("nan")
    nearest = int(np.nanargmax(correlations))
    return nearest, float(correlations[nearest])


class Scorer:
    """Scores generated waveforms against a fixed set of reference recordings.

    Every number equals that of the metric's own function on the pair.
    """

    def __init__(
        self,
        references: np.ndarray,
        sample_rate: int = 22050,
        metrics: Sequence[str] = METRICS,
    ) -> None:
        """Prepares the references.

        Args:
            references: float [R, num_samples] in [-1, 1], the recordings padded to the data set's
                length.
            sample_rate: Hz.
            metrics: which of METRICS and DISTANCES are computed.

        Raises:
            ValueError: wrong shape or type, no reference, or an impossible sample rate.
        """
        check_sample_rate(sample_rate)
        self.metrics = tuple(metrics)
        self._sample_rate = sample_rate
        references = as_signals(references, "references")
        if not len(references):
            raise ValueError("references must hold at least one recording. Received: none.")
        self._num_samples = references.shape[1]
        self._failures = [signal_failure(samples, REFERENCE) for samples in references]
        self._views = [Views(samples, sample_rate) for samples in references]

    def correlations(self, generated: np.ndarray) -> np.ndarray:
        """Computes Corr2D of each generated signal with each reference.

        Args:
            generated: float [n, num_samples] in [-1, 1].

        Returns:
            float64 [n, R]; NaN in rows of generated signals, and columns of references, that are
            silent or not finite.

        Raises:
            ValueError: wrong shape or type.
        """
        generated = self._check_generated(generated)
        correlations = np.empty((len(generated), len(self._views)))
        for row, samples in enumerate(generated):
            views, _ = self._views_of(samples)
            correlations[row] = self._correlate_one(views)
        return correlations

    def score_and_correlate(
        self, generated: np.ndarray, reference_index: np.ndarray
    ) -> tuple[dict[str, list[Score]], np.ndarray]:
        """Scores n pairs, and correlates with every reference, from one set of spectrograms.

        Args:
            generated: float [n, num_samples] in [-1, 1].
            reference_index: int [n], the row of `references` that each belongs to.

        Returns:
            ({metric: n Scores}, what `correlations` returns).

        Raises:
            ValueError: wrong shapes or types, or an index out of range.
        """
        generated = self._check_generated(generated)
        reference_index = self._check_index(reference_index, len(generated))
        scores = {name: [] for name in self.metrics}
        correlations = np.empty((len(generated), len(self._views)))
        for row, (samples, index) in enumerate(zip(generated, reference_index)):
            views, failed = self._views_of(samples)
            for name, score in self._score_one(views, failed, int(index)).items():
                scores[name].append(score)
            correlations[row] = self._correlate_one(views)
        return scores, correlations

    def _check_generated(self, generated: np.ndarray):
        generated = as_signals(generated, "generated")
        if generated.shape[1] != self._num_samples:
            raise ValueError(
                f"generated must have shape [n, {self._num_samples}] like the references. "
                f"Received: shape={generated.shape}."
            )
        return generated

    def _views_of(self, samples: np.ndarray):
        """The views of a generated signal and None, or None and its failure."""
        failed = signal_failure(samples, GENERATED)
        return (None, failed) if failed else (Views(samples, self._sample_rate), None)

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

    def _score_one(self, views: Views | None, failed: Score | None, index: int):
        failed = self._failures[index] or failed
        if failed:
            return dict.fromkeys(self.metrics, failed)
        return score_views(self._views[index], views, self.metrics)

    def _correlate_one(self, views: Views | None):
        row = np.full(len(self._views), np.nan)
        if views is None:
            return row
        for index, reference in enumerate(self._views):
            if not self._failures[index]:
                row[index] = correlate_directions(reference.direction, views.direction).value
        return row
