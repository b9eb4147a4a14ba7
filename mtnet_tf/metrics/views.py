"""One waveform in all the forms that the metrics look at."""

import functools
from collections.abc import Sequence

import numpy as np

from mtnet_tf.metrics import corr2d, pesq, stoi, world
from mtnet_tf.metrics.auditory_spectrogram import SAMPLE_RATE as SPECTROGRAM_RATE
from mtnet_tf.metrics.auditory_spectrogram import spectrogram_16k
from mtnet_tf.metrics.resampling import resample_octave, resample_polyphase
from mtnet_tf.metrics.score import DISTANCES, METRICS, Score


class Views:
    """The forms of one waveform, each computed when first asked for."""

    def __init__(self, samples: np.ndarray, sample_rate: int) -> None:
        """Computes nothing yet.

        Args:
            samples: float64 [num_samples], finite.
            sample_rate: Hz.
        """
        self._samples = samples
        self._sample_rate = sample_rate

    @functools.cached_property
    def narrow_band(self) -> np.ndarray:
        """The waveform at 8 kHz, float64, for PESQ."""
        rate = pesq.SAMPLE_RATES[pesq.NARROW_BAND]
        return resample_polyphase(self._samples, self._sample_rate, rate)

    @functools.cached_property
    def wide_band(self) -> np.ndarray:
        """The waveform at 16 kHz, float64, for PESQ, the spectrogram and WORLD."""
        return resample_polyphase(self._samples, self._sample_rate, SPECTROGRAM_RATE)

    @property
    def for_stoi(self) -> np.ndarray:
        """The waveform at 10 kHz, float64; each waveform needs it once, so it is not kept."""
        return resample_octave(self._samples, self._sample_rate, stoi.SAMPLE_RATE)

    @functools.cached_property
    def stoi_reference(self) -> stoi.PreparedReference:
        """What STOI needs of a reference."""
        return stoi.prepare(self.for_stoi)

    @functools.cached_property
    def analysis(self) -> world.Analysis | None:
        """What the vocoder WORLD says of the waveform; None for silence."""
        return world.analyse(self.wide_band)

    @property
    def direction(self) -> np.ndarray | None:
        """The auditory spectrogram as Corr2D compares it; None for silence."""
        return self._directions[0]

    @property
    def compressed_direction(self) -> np.ndarray | None:
        """The same of the spectrogram to the power 0.3."""
        return self._directions[1]

    @functools.cached_property
    def _directions(self):
        spectrogram = spectrogram_16k(self.wide_band)
        return tuple(corr2d.direction(spectrogram, power) for power in (None, corr2d.COMPRESSION))


def score_views(
    reference: Views, generated: Views, metrics: Sequence[str] = METRICS
) -> dict[str, Score]:
    """Scores one pair.

    Args:
        reference: the forms of the recording.
        generated: the forms of the generated waveform, as long as the recording.
        metrics: which of METRICS and DISTANCES are wanted.

    Returns:
        {metric: Score} of those.
    """
    narrow = pesq.score_resampled(reference.narrow_band, generated.narrow_band, pesq.NARROW_BAND)
    any_length, classic, extended = stoi.score_resampled(
        reference.stoi_reference, generated.for_stoi
    )
    scores = {
        "corr2d": corr2d.correlate_directions(reference.direction, generated.direction),
        "pesq": pesq.raw_from_lqo(narrow),
        "stoi": any_length,
        "corr2d_compressed": corr2d.correlate_directions(
            reference.compressed_direction, generated.compressed_direction
        ),
        "pesq_lqo": narrow,
        "stoi_classic": classic,
        "estoi": extended,
    }
    # Half of the time of all metrics is spent in here.
    if "pesq_lqo_wb" in metrics:
        scores["pesq_lqo_wb"] = pesq.score_resampled(
            reference.wide_band, generated.wide_band, pesq.WIDE_BAND
        )
    if set(DISTANCES) & set(metrics):
        scores |= world.score_analyses(reference.analysis, generated.analysis)
    return {name: scores[name] for name in metrics}
