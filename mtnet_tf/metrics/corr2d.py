"""Corr2D (Eq. 12): how alike two sounds are as auditory spectrograms."""

import numpy as np

from mtnet_tf.metrics.auditory_spectrogram import auditory_spectrogram
from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure
from mtnet_tf.metrics.signals import as_pair

# Lip2AudSpec's exponent.
COMPRESSION = 0.3


def corr2d(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Correlates two auditory spectrograms (Pearson) over all time-frequency bins (Eq. 12).

    Args:
        reference: float [num_samples] in [-1, 1], the recording.
        generated: float [num_samples] in [-1, 1], as long as the reference.
        sample_rate: Hz.

    Returns:
        A Score in [-1, 1]; a failure where a signal is not finite or its spectrogram is constant
        (silence).

    Raises:
        ValueError: wrong shapes or types, unequal lengths, or an impossible sample rate.
    """
    return _correlate_pair(reference, generated, sample_rate, None)


def corr2d_compressed(
    reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050
) -> Score:
    """Correlates the spectrograms to the power 0.3, Lip2AudSpec's compressed domain: more lenient.

    Args:
        reference: as in `corr2d`.
        generated: as in `corr2d`.
        sample_rate: Hz.

    Returns:
        What `corr2d` returns.

    Raises:
        ValueError: as in `corr2d`.
    """
    return _correlate_pair(reference, generated, sample_rate, COMPRESSION)


def _correlate_pair(
    reference: np.ndarray, generated: np.ndarray, sample_rate: int, power: float | None
):
    reference, generated, failed = as_pair(reference, generated, sample_rate)
    if failed:
        return failed
    return correlate_directions(
        *(direction(auditory_spectrogram(x, sample_rate), power) for x in (reference, generated))
    )


def direction(spectrogram: np.ndarray, power: float | None = None) -> np.ndarray | None:
    """Returns the spectrogram as a centred vector of length one: correlation is a dot product.

    Args:
        spectrogram: float64 [frames, channels], >= 0.
        power: exponent of the spectrogram; None for the spectrogram as it is.

    Returns:
        float64 [frames * channels], or None where it is constant and so has no direction.
    """
    vector = spectrogram.ravel()
    peak = vector.max()
    if not peak > 0:
        return None
    # The squares of a very quiet signal would underflow.
    vector = vector / peak
    if power is not None:
        vector = vector**power
    vector = vector - vector.mean()
    norm = np.linalg.norm(vector)
    if norm <= 1e-12 * np.sqrt(vector.size):
        return None
    return vector / norm


def correlate_directions(reference: np.ndarray | None, generated: np.ndarray | None) -> Score:
    """Returns the Score of two `direction`s.

    Args:
        reference: float64 [frames * channels], or None for a constant spectrogram.
        generated: the same of the generated signal.
    """
    for vector, name in ((reference, REFERENCE), (generated, GENERATED)):
        if vector is None:
            return failure(f"the {name} signal's auditory spectrogram is constant (silence)", name)
    return Score(float(np.clip(np.dot(reference, generated), -1.0, 1.0)))
