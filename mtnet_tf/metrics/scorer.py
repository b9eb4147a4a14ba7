"""All metrics of many pairs, with everything that depends on a reference alone computed once."""

import dataclasses
import hashlib

import numpy as np

from mtnet_tf.metrics.corr2d import correlate_directions
from mtnet_tf.metrics.score import GENERATED, METRICS, REFERENCE
from mtnet_tf.metrics.signals import as_signals, check_sample_rate, fault
from mtnet_tf.metrics.views import Views, score_views

_MAX_KNOWN = 1024


class Scorer:
    """Scores generated waveforms against a fixed set of reference recordings.

    Every number equals that of the metric's own function on the pair. A generated waveform that
    comes again (a control that plays recordings) is not computed again.

    Args:
      references: float [R, num_samples] in [-1, 1], the recordings padded to the data set's length.
      sample_rate: Hz.

    Raises:
      ValueError: wrong shape or type, no reference, or an impossible sample rate.
    """

    def __init__(self, references, sample_rate=22050):
        check_sample_rate(sample_rate)
        self._sample_rate = sample_rate
        references = as_signals(references, "references")
        if not len(references):
            raise ValueError("references must hold at least one recording. Received: none.")
        self._num_samples = references.shape[1]
        self._faults = [fault(samples, REFERENCE) for samples in references]
        self._views = [Views(samples, sample_rate) for samples in references]
        self._known = {}

    def score(self, generated, reference_index):
        """Scores n pairs by all metrics.

        Args:
          generated: float [n, num_samples] in [-1, 1].
          reference_index: int [n], the row of `references` that each belongs to.

        Returns:
          Dict of a list of n Scores for each name in METRICS.

        Raises:
          ValueError: wrong shapes or types, or an index out of range.
        """
        return self._run(generated, reference_index, correlate=False)[0]

    def correlations(self, generated):
        """Corr2D of each generated signal with each reference.

        Args:
          generated: float [n, num_samples] in [-1, 1].

        Returns:
          float64 [n, R]; NaN in rows of generated signals, and columns of references, that are
          silent or not finite.

        Raises:
          ValueError: wrong shape or type.
        """
        return self._run(generated, None, correlate=True)[1]

    def score_and_correlate(self, generated, reference_index):
        """The results of `score` and of `correlations`, from one set of spectrograms."""
        return self._run(generated, reference_index, correlate=True)

    def _run(self, generated, reference_index, correlate):
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
            bad = fault(samples, GENERATED)
            views = None if bad else Views(samples, self._sample_rate)
            if reference_index is not None:
                index = int(reference_index[row])
                if index not in known.scores:
                    known.scores[index] = self._score_one(views, bad, index)
                for name in METRICS:
                    scores[name].append(known.scores[index][name])
            if correlate:
                if known.correlations is None:
                    known.correlations = self._correlate_one(views)
                correlations[row] = known.correlations
        return scores, correlations

    def _check_index(self, reference_index, count):
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

    def _score_one(self, views, bad, index):
        bad = self._faults[index] or bad
        if bad:
            return dict.fromkeys(METRICS, bad)
        return score_views(self._views[index], views)

    def _correlate_one(self, views):
        row = np.full(len(self._views), np.nan)
        if views is None:
            return row
        for index, reference in enumerate(self._views):
            if not self._faults[index]:
                row[index] = correlate_directions(reference.direction, views.direction).value
        return row

    def _recall(self, samples):
        """What is known of this very waveform: results alone, its forms would fill the memory."""
        key = hashlib.blake2b(samples.tobytes(), digest_size=16).digest()
        if key not in self._known:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[key] = _Known()
        return self._known[key]


@dataclasses.dataclass
class _Known:
    """Results of one generated waveform: scores by reference index, and its row of correlations."""

    scores: dict = dataclasses.field(default_factory=dict)
    correlations: np.ndarray | None = None
