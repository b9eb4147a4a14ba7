"""Waveform tools: resample, trim, level and pad mono audio.

Audio is float32 [num_samples] in [-1, 1], mono. Every refusal of a signal is an `AudioError`
whose message says what was wrong and what to do.
"""

import numpy as np

from mtnet_tf.errors import InputError

SAMPLE_RATE = 22050
"""Sample rate in Hz of everything inside the project (the paper's, section 4.1)."""

TOP_DB = 45.0
"""Silence is what lies this far below the loudest 10 ms of a word, in dB. At 45 the final /s/ of
quiet recordings is kept (at 40 up to half of a "six" on a telephone-band recording goes)."""
MARGIN_SECS = 0.01
"""What is kept before and after a word, in seconds."""
PEAK = 0.9
"""Largest absolute sample of a word; below 1, where a tanh output never arrives."""

# Memory and time follow the rate: it is compared with these limits before a signal is resampled.
MIN_SAMPLE_RATE = 4_000
"""In Hz; the telephone's is 8,000."""
MAX_SAMPLE_RATE = 384_000
"""In Hz; the highest rate of sound cards."""

INT16_MAX = 32767
"""What a full-scale sample is in the files and the data sets."""


class AudioError(InputError, ValueError):
    """A file or signal that cannot be used as audio; the message says why and what to do."""


def resample(samples: np.ndarray, from_rate: int, to_rate: int = SAMPLE_RATE) -> np.ndarray:
    """Resamples with librosa, by soxr at quality HQ: linear phase, aliases below -100 dB.

    Args:
        samples: float [num_samples].
        from_rate: rate of `samples` in Hz.
        to_rate: rate wanted in Hz.

    Returns:
        float32 [about num_samples * to_rate / from_rate]; the samples themselves for equal rates.

    Raises:
        AudioError: a rate is not in [`MIN_SAMPLE_RATE`, `MAX_SAMPLE_RATE`], or `samples` is not a
            non-empty vector.
    """
    samples = as_vector(samples)
    for rate in (from_rate, to_rate):
        check_rate(rate, "Resampling")
    if from_rate == to_rate:
        return samples
    import librosa  # here and not above: its import takes seconds, and few callers change the rate

    return librosa.resample(samples, orig_sr=from_rate, target_sr=to_rate, res_type="soxr_hq")


def trim_silence(samples: np.ndarray, top_db: float, margin_secs: float) -> np.ndarray:
    """Cuts the silence before and after a word; what lies between is left alone.

    The level is the RMS of 10 ms frames every 2.5 ms. Kept is everything from the first to the last
    frame that is at most `top_db` below the loudest one, with a margin on both sides.

    Args:
        samples: float [num_samples] at SAMPLE_RATE.
        top_db: threshold in dB below the loudest frame, positive.
        margin_secs: what is kept beyond the first and last loud frame, in seconds.

    Returns:
        float32 [at most num_samples].

    Raises:
        AudioError: every sample is zero, or `samples` is not a non-empty vector.
    """
    samples = as_vector(samples)
    frame, hop = max(1, round(0.01 * SAMPLE_RATE)), max(1, round(0.0025 * SAMPLE_RATE))
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    starts = np.arange(0, max(len(samples) - frame, 0) + hop, hop)
    ends = np.minimum(starts + frame, len(samples))
    starts = np.maximum(ends - frame, 0)
    power = (energy[ends] - energy[starts]) / (ends - starts)
    if not power.max() > 0:
        raise AudioError("The clip is silent: every sample is zero. Record it again.")
    loud = np.flatnonzero(power >= power.max() * 10 ** (-top_db / 10))
    margin = round(margin_secs * SAMPLE_RATE)
    first = max(starts[loud[0]] - margin, 0)
    return samples[first : ends[loud[-1]] + margin]


def peak_normalize(samples: np.ndarray, peak: float) -> np.ndarray:
    """Scales a waveform so that its largest absolute value is `peak`.

    Args:
        samples: float [num_samples].
        peak: level wanted, in (0, 1].

    Returns:
        float32 [num_samples].

    Raises:
        AudioError: every sample is zero, `samples` is not a non-empty vector, or `peak` is outside
            (0, 1].
    """
    samples = as_vector(samples)
    if not 0 < peak <= 1:
        raise AudioError(f"peak must be in (0, 1]. Received: {peak}.")
    largest = np.abs(samples).max()
    if largest == 0:
        raise AudioError("The clip is silent: every sample is zero. Record it again.")
    return (samples * (peak / np.float64(largest))).astype(np.float32)


def pad(samples: np.ndarray, num_samples: int) -> np.ndarray:
    """Appends zeros up to `num_samples` (the paper's L_s); never truncates.

    Args:
        samples: [n] of any dtype, n <= num_samples.
        num_samples: length wanted.

    Returns:
        [num_samples], same dtype.

    Raises:
        AudioError: `samples` is longer than `num_samples`.
    """
    samples = np.asarray(samples)
    if len(samples) > num_samples:
        raise AudioError(
            f"The audio has {len(samples)} samples and must fit in {num_samples}. It is not"
            " truncated: use a shorter recording or a larger audio length."
        )
    return np.pad(samples, (0, num_samples - len(samples)))


def to_int16(samples: np.ndarray) -> np.ndarray:
    """Returns int16 [...] of float [...] in [-1, 1]: x * 32767, rounded; clipped beyond that.

    Raises:
        AudioError: a sample is NaN or infinite.
    """
    samples = np.asarray(samples, np.float64)
    if not np.isfinite(samples).all():
        raise AudioError("The audio holds NaN or infinite samples and cannot be stored as int16.")
    return np.rint(np.clip(samples, -1, 1) * INT16_MAX).astype(np.int16)


def from_int16(samples: np.ndarray) -> np.ndarray:
    """Returns float32 [...] in [-1, 1] of int16 [...]: x / 32767, the inverse of `to_int16`."""
    return np.maximum(np.asarray(samples, np.float32) / np.float32(INT16_MAX), np.float32(-1))


def as_vector(samples: np.ndarray) -> np.ndarray:
    """Returns samples as float32 [num_samples].

    Raises:
        AudioError: they are not a non-empty vector.
    """
    samples = np.asarray(samples, np.float32)
    if samples.ndim != 1 or not samples.size:
        raise AudioError(f"Audio must be a non-empty vector. Received: shape={samples.shape}.")
    return samples


def check_rate(rate: float, what: object) -> None:
    """Checks a sample rate.

    Args:
        rate: in Hz.
        what: has the rate; begins the message.

    Raises:
        AudioError: the rate is not in [`MIN_SAMPLE_RATE`, `MAX_SAMPLE_RATE`].
    """
    if not MIN_SAMPLE_RATE <= rate <= MAX_SAMPLE_RATE:
        raise AudioError(
            f"{what}: a sample rate must lie between {MIN_SAMPLE_RATE:,} and"
            f" {MAX_SAMPLE_RATE:,} Hz. Received: {rate:,} Hz."
        )
