"""Two metrics of speech synthesis, by the vocoder WORLD (Morise et al. 2016; extra `world`).

The mel-cepstral distance says how far the timbre is off, and the error of F0 how far the pitch is.
Both compare only the time from the first to the last frame in which the reference is within 40 dB
of its loudest: outside it a cepstrum is that of noise.
"""

from __future__ import annotations

import dataclasses

import librosa
import numpy as np

from mtnet_tf.metrics.resampling import resample_polyphase
from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure
from mtnet_tf.metrics.signals import as_pair

SAMPLE_RATE = 16000
FRAME_SECS = 0.005
NUM_COEFFICIENTS = 24
_RANGE_DB = 40.0
# Fewer frames with a pitch in both say nothing: 25 ms.
_MIN_VOICED_FRAMES = 5
_APERIODIC = 0.999
_DECIBELS = 10 / np.log(10)


@dataclasses.dataclass(frozen=True)
class Analysis:
    """What WORLD says of a waveform, a row each 5 ms.

    Attributes:
        mel_cepstrum: float64 [frames, 25]; column 0 is the level.
        f0: float64 [frames] in Hz; 0 where there is no pitch.
        loud: bool [frames], within 40 dB of the loudest frame.
    """

    mel_cepstrum: np.ndarray
    f0: np.ndarray
    loud: np.ndarray


def analyse(samples: np.ndarray) -> Analysis | None:
    """Returns the analysis of a waveform; None for silence.

    Args:
        samples: float64 [num_samples] at 16 kHz.
    """
    import pyworld  # an extra

    if not np.abs(samples).max() > 0:
        return None
    samples = np.ascontiguousarray(samples, np.float64)
    milliseconds = 1000 * FRAME_SECS
    coarse, times = pyworld.dio(samples, SAMPLE_RATE, frame_period=milliseconds)
    f0 = pyworld.stonemask(samples, coarse, times, SAMPLE_RATE)
    envelope = pyworld.cheaptrick(samples, f0, times, SAMPLE_RATE)
    # DIO hears a pitch in noise too. D4C's aperiodicity is 1 in frames that have none.
    aperiodicity = pyworld.d4c(samples, f0, times, SAMPLE_RATE)
    f0 = np.where(aperiodicity[:, 0] < _APERIODIC, f0, 0.0)
    mel_cepstrum = pyworld.code_spectral_envelope(envelope, SAMPLE_RATE, NUM_COEFFICIENTS + 1)
    hop = round(FRAME_SECS * SAMPLE_RATE)
    level = librosa.feature.rms(y=samples, frame_length=2 * hop, hop_length=hop)[0]
    return Analysis(mel_cepstrum, f0, level >= level.max() * 10 ** (-_RANGE_DB / 20))


def mcd(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes the mel-cepstral distance (Kubichek 1993) along the best alignment in time (DTW).

    MCD = (10 / ln 10) sqrt(sum_{k=1}^{24} (c_k - c'_k)^2), averaged over the alignment: the
    root-mean-square difference of two envelopes in dB. WORLD's c_k are those of the log power in
    an orthonormal basis. Where they are of the log magnitude, as SPTK's, the root has a factor 2.

    Args:
        reference: float [num_samples] in [-1, 1], the recording.
        generated: float [num_samples] in [-1, 1], as long as the reference.
        sample_rate: Hz; resampled to 16 kHz.

    Returns:
        A Score in dB, at least 0: lower is better. A failure where a signal is silent or not
        finite.

    Raises:
        ValueError: wrong shapes or types, unequal lengths, or an impossible sample rate.
        ImportError: the package `pyworld` is missing.
    """
    return _score_pair(reference, generated, sample_rate)["mcd"]


def f0_error(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes the root-mean-square error of F0, over the frames that have a pitch in both.

    Args:
        reference: as in `mcd`.
        generated: as in `mcd`.
        sample_rate: Hz.

    Returns:
        A Score in cents, hundredths of a semitone, at least 0: lower is better. A failure as in
        `mcd`, or where fewer than 5 frames (of 5 ms) have a pitch in both.

    Raises:
        ValueError, ImportError: as in `mcd`.
    """
    return _score_pair(reference, generated, sample_rate)["f0_error"]


def _score_pair(reference: np.ndarray, generated: np.ndarray, sample_rate: int) -> dict[str, Score]:
    reference, generated, failed = as_pair(reference, generated, sample_rate)
    if failed:
        return {"mcd": failed, "f0_error": failed}
    analyses = [
        analyse(resample_polyphase(samples, sample_rate, SAMPLE_RATE))
        for samples in (reference, generated)
    ]
    return score_analyses(*analyses)


def score_analyses(reference: Analysis | None, generated: Analysis | None) -> dict[str, Score]:
    """Returns {"mcd": Score, "f0_error": Score} of two analyses of equally long waveforms.

    Args:
        reference: of the recording; None for silence.
        generated: of the generated waveform; None for silence.
    """
    for analysis, name in ((reference, REFERENCE), (generated, GENERATED)):
        if analysis is None:
            failed = failure(f"the {name} signal is silent", name)
            return {"mcd": failed, "f0_error": failed}
    loud = np.flatnonzero(reference.loud)
    part = slice(loud[0], loud[-1] + 1)
    return {
        "mcd": _distance(reference.mel_cepstrum[part, 1:], generated.mel_cepstrum[part, 1:]),
        "f0_error": _pitch_error(reference.f0[part], generated.f0[part]),
    }


def _distance(reference: np.ndarray, generated: np.ndarray) -> Score:
    squares = ((reference[:, None] - generated[None]) ** 2).sum(-1)
    decibels = _DECIBELS * np.sqrt(squares)
    _, path = librosa.sequence.dtw(C=decibels)
    return Score(float(decibels[path[:, 0], path[:, 1]].mean()))


def _pitch_error(reference: np.ndarray, generated: np.ndarray) -> Score:
    if np.count_nonzero(reference) < _MIN_VOICED_FRAMES:
        return failure("the reference signal has hardly any pitch", REFERENCE)
    voiced = (reference > 0) & (generated > 0)
    if np.count_nonzero(voiced) < _MIN_VOICED_FRAMES:
        return failure("the generated signal has hardly any pitch where it should", GENERATED)
    cents = 1200 * np.log2(generated[voiced] / reference[voiced])
    return Score(float(np.sqrt(np.mean(cents**2))))
