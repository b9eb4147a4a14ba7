"""Corr2D (Eq. 12): how alike two sounds are as auditory spectrograms."""

import numpy as np

from mtnet_tf.metrics.auditory_spectrogram import auditory_spectrogram
from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure
from mtnet_tf.metrics.signals import as_pair, signal_failure

COMPRESSION = 0.3  # Lip2AudSpec's exponent


def corr2d(reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050) -> Score:
    """Correlates two auditory spectrograms over all time-frequency bins (Pearson, Eq. 12).

    Args:
        reference: Float [num_samples] in [-1, 1].
        generated: Float [num_samples] in [-1, 1], as long as the reference.
        sample_rate: Samples per second, in Hz.

    Returns:
        Score in [-1, 1]. A failure where a signal is not finite or its spectrogram is constant
        (silence).

    Raises:
        ValueError: A shape or type is wrong, the lengths differ, or the sample rate is not a
            positive whole number.
    """
    return _correlate_pair(reference, generated, sample_rate, None)


def corr2d_compressed(
    reference: np.ndarray, generated: np.ndarray, sample_rate: int = 22050
) -> Score:
    """Computes `corr2d` of the spectrograms to the power 0.3, as Lip2AudSpec compresses them.

    It is more lenient than `corr2d`.

    Args:
        reference: Float [num_samples] in [-1, 1].
        generated: Float [num_samples] in [-1, 1], as long as the reference.
        sample_rate: Samples per second, in Hz.

    Returns:
        Score in [-1, 1]. It fails where `corr2d` does.

    Raises:
        ValueError: As in `corr2d`.
    """
    return _correlate_pair(reference, generated, sample_rate, COMPRESSION)


def _correlate_pair(
    reference: np.ndarray, generated: np.ndarray, sample_rate: int, power: float | None
):
    reference, generated = as_pair(reference, generated, sample_rate)
    failed = signal_failure(reference, REFERENCE) or signal_failure(generated, GENERATED)
    if failed:
        return failed
    return correlate_directions(
        *(direction(auditory_spectrogram(x, sample_rate), power) for x in (reference, generated))
    )


def direction(spectrogram: np.ndarray, power: float | None = None) -> np.ndarray | None:
    """Turns a spectrogram into a vector whose dot products are correlations.

    The vector is centred and has length one.

    Args:
        spectrogram: float64 [frames, channels], at least 0.
        power: The exponent that the spectrogram is raised to; None leaves it as it is.

    Returns:
        float64 [frames * channels], or None where the spectrogram is constant and so has no
        direction.
    """
    vector = spectrogram.ravel()
    peak = vector.max()
    if not peak > 0:
        return None
    # Otherwise the squares of a very quiet signal underflow.
    vector = vector / peak
    if power is not None:
        vector = vector**power
    vector = vector - vector.mean()
    norm = np.linalg.norm(vector)
    if norm <= 1e-12 * np.sqrt(vector.size):
        return None
    return vector / norm


def correlate_directions(reference: np.ndarray | None, generated: np.ndarray | None) -> Score:
    """Correlates two spectrograms by their `direction`s.

    Args:
        reference: float64 [frames * channels], or None for a constant spectrogram.
        generated: As `reference`.

    Returns:
        Score in [-1, 1]. A failure where a spectrogram is constant.
    """
    for vector, name in ((reference, REFERENCE), (generated, GENERATED)):
        if vector is None:
            return failure(f"the {name} signal's auditory spectrogram is constant (silence)", name)
    return Score(float(np.clip(np.dot(reference, generated), -1.0, 1.0)))
