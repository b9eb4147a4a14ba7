"""STOI: short-time objective intelligibility (Taal et al. 2011), for words of any length.

ESTOI, its extended form (Jensen and Taal 2016), compares whole spectra and not band by band. The
computations are pystoi's, with two differences. pystoi correlates segments of 30 frames and has no
answer for a signal with fewer, which is most single words. Here a segment has min(30, frames)
frames, so that a longer signal's value is pystoi's and a shorter one's is its one segment's. And
pystoi gives a silent generated signal 0, which is more than some sounds have. Here it is a failure.
"""

import dataclasses

import numpy as np
import pystoi.utils
from pystoi.stoi import BETA, DYN_RANGE, FS, N_FRAME, NFFT, OBM, N

from mtnet_tf.metrics.resampling import resample_octave
from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure
from mtnet_tf.metrics.signals import as_pair

SAMPLE_RATE = FS  # 10 kHz
SEGMENT_FRAMES = N  # 30
MIN_FRAMES = 10
_HOP = N_FRAME // 2
_WINDOW = np.hanning(N_FRAME + 2)[1:-1]
_EPS = pystoi.utils.EPS


def stoi(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes STOI with segments of min(30, frames) frames.

    Args:
        reference: float [num_samples] in [-1, 1], the recording.
        generated: float [num_samples] in [-1, 1], as long as the reference.
        sample_rate: Hz; resampled to 10 kHz as pystoi does.

    Returns:
        A Score in [-1, 1], a mean of correlations; a failure where a signal is not finite or
        silent, or where the reference has fewer than 10 frames (of 25.6 ms, every 12.8 ms) within
        40 dB of its loudest.

    Raises:
        ValueError: wrong shapes or types, unequal lengths, or an impossible sample rate.
    """
    return _score_pair(reference, generated, sample_rate)[0]


def stoi_classic(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes STOI as pystoi does, with segments of 30 frames.

    Args:
        reference: as in `stoi`.
        generated: as in `stoi`.
        sample_rate: Hz.

    Returns:
        As `stoi`; a failure also where pystoi has no value: the reference has fewer than 30 frames.

    Raises:
        ValueError: as in `stoi`.
    """
    return _score_pair(reference, generated, sample_rate)[1]


def estoi(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Computes ESTOI with segments of min(30, frames) frames.

    Args:
        reference: as in `stoi`.
        generated: as in `stoi`.
        sample_rate: Hz.

    Returns:
        As `stoi`.

    Raises:
        ValueError: as in `stoi`.
    """
    return _score_pair(reference, generated, sample_rate)[2]


def _score_pair(reference: np.ndarray, generated: np.ndarray, sample_rate: int):
    reference, generated, failed = as_pair(reference, generated, sample_rate)
    if failed:
        return failed, failed, failed
    reference, generated = (
        resample_octave(x, sample_rate, SAMPLE_RATE) for x in (reference, generated)
    )
    return score_resampled(prepare(reference), generated)


@dataclasses.dataclass(frozen=True)
class PreparedReference:
    """What STOI needs of a reference.

    Attributes:
        active: bool [frames], which frames of the signal are within 40 dB of its loudest.
        bands: float64 [15, frames of what is left], third-octave band levels.
        silent: whether the signal is all zeros.
    """

    active: np.ndarray
    bands: np.ndarray
    silent: bool


def prepare(reference: np.ndarray) -> PreparedReference:
    """Computes everything that depends on the reference alone.

    Args:
        reference: float64 [num_samples] at 10 kHz, finite.

    Returns:
        What `score_resampled` needs of the reference.
    """
    frames = _frames(reference)
    energies = 20 * np.log10(np.linalg.norm(frames, axis=1) + _EPS)
    active = (np.max(energies, initial=-np.inf) - DYN_RANGE - energies) < 0
    return PreparedReference(active, _bands(frames[active]), not np.any(reference))


def score_resampled(
    reference: PreparedReference, generated: np.ndarray
) -> tuple[Score, Score, Score]:
    """Computes the forms of STOI of a prepared reference and a finite signal of its length.

    Args:
        reference: what `prepare` returned.
        generated: float64 [num_samples] at 10 kHz.

    Returns:
        (score, classic, extended): what `stoi`, `stoi_classic` and `estoi` return.
    """
    if reference.silent:
        return (failure("the reference signal is silent", REFERENCE),) * 3
    num_frames = reference.bands.shape[1]
    failures = [
        failure(
            f"STOI needs {needed} frames of active speech, the reference signal has {num_frames}",
            REFERENCE,
        )
        for needed in (MIN_FRAMES, SEGMENT_FRAMES)
    ]
    if num_frames < MIN_FRAMES:
        return *failures, failures[0]
    if np.any(generated):
        bands = _bands(_frames(generated)[reference.active])
        length = min(SEGMENT_FRAMES, num_frames)
        score = Score(_intelligibility(reference.bands, bands, length))
        extended = Score(_extended_intelligibility(reference.bands, bands, length))
    else:
        score = extended = failure("the generated signal is silent", GENERATED)
    return score, score if num_frames >= SEGMENT_FRAMES else failures[1], extended


def _frames(samples: np.ndarray):
    """Windowed frames [frames, 256]; like pystoi's, they leave out a last one that just fits."""
    if len(samples) <= N_FRAME:
        return np.zeros((0, N_FRAME))
    return np.lib.stride_tricks.sliding_window_view(samples[:-1], N_FRAME)[::_HOP] * _WINDOW


def _bands(active_frames: np.ndarray):
    """Levels of 15 third-octave bands [15, frames] of the frames joined to one signal again."""
    joined = np.zeros((len(active_frames) + 1, _HOP))
    joined[:-1] += active_frames[:, :_HOP]
    joined[1:] += active_frames[:, _HOP:]
    spectrum = np.fft.rfft(_frames(joined.ravel()), n=NFFT)
    return np.sqrt(np.matmul(OBM, np.square(np.abs(spectrum.T))))


def _intelligibility(reference: np.ndarray, generated: np.ndarray, segment_frames: int):
    """Mean correlation over segments and bands, the generated ones scaled and clipped."""
    x, y = (_segments(bands, segment_frames) for bands in (reference, generated))
    y = y * (_norm(x) / (_norm(y) + _EPS))
    y = np.minimum(y, x * (1 + 10 ** (-BETA / 20)))
    x, y = (v - np.mean(v, axis=2, keepdims=True) for v in (x, y))
    x, y = (v / (_norm(v) + _EPS) for v in (x, y))
    return float(np.sum(y * x) / (x.shape[0] * x.shape[1]))


def _extended_intelligibility(reference: np.ndarray, generated: np.ndarray, segment_frames: int):
    """Mean correlation of spectra over segments and frames, each band of a segment levelled."""
    x, y = (_segments(bands, segment_frames) for bands in (reference, generated))
    for axis in (2, 1):  # over time, then over the bands
        x, y = (v - np.mean(v, axis=axis, keepdims=True) for v in (x, y))
        x, y = (v / (np.linalg.norm(v, axis=axis, keepdims=True) + _EPS) for v in (x, y))
    return float(np.sum(x * y) / (x.shape[0] * segment_frames))


def _segments(bands: np.ndarray, length: int):
    """Cuts bands [15, frames] into all their segments [frames - length + 1, 15, length]."""
    views = np.lib.stride_tricks.sliding_window_view(bands, length, axis=1)
    return np.ascontiguousarray(views.transpose(1, 0, 2))


def _norm(segments: np.ndarray):
    return np.linalg.norm(segments, axis=2, keepdims=True)
