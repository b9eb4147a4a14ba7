"""Corr2D (Eq. 12): how alike two sounds are as auditory spectrograms."""

import numpy as np

from mtnet_tf.metrics.auditory_spectrogram import auditory_spectrogram
from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure
from mtnet_tf.metrics.signals import as_pair, fault

COMPRESSION = 0.3  # Lip2AudSpec's exponent


def corr2d(reference, generated, sample_rate=22050):
    """Pearson correlation of two auditory spectrograms over all time-frequency bins (Eq. 12).

    Args:
      reference, generated: float [num_samples] in [-1, 1], equally long.
      sample_rate: Hz.

    Returns:
      Score in [-1, 1]; NaN where a signal is not finite or its spectrogram constant (silence).

    Raises:
      ValueError: wrong shapes or types, unequal lengths, or an impossible sample rate.
    """
    return _correlate_pair(reference, generated, sample_rate, None)


def corr2d_compressed(reference, generated, sample_rate=22050):
    """`corr2d` of the spectrograms to the power 0.3, Lip2AudSpec's compressed domain: more lenient.

    Arguments, result and errors as those of `corr2d`.
    """
    return _correlate_pair(reference, generated, sample_rate, COMPRESSION)


def _correlate_pair(reference, generated, sample_rate, power):
    reference, generated = as_pair(reference, generated, sample_rate)
    bad = fault(reference, REFERENCE) or fault(generated, GENERATED)
    if bad:
        return bad
    return correlate_directions(
        *(direction(auditory_spectrogram(x, sample_rate), power) for x in (reference, generated))
    )


def direction(spectrogram, power=None):
    """The spectrogram (to a power) as a centred vector of length one: correlation is a dot product.

    Args:
      spectrogram: float64 [frames, channels], >= 0.
      power: exponent; None for the spectrogram as it is.

    Returns:
      float64 [frames * channels], or None where it is constant and so has no direction.
    """
    vector = spectrogram.ravel()
    peak = vector.max()
    if not peak > 0:
        return None
    vector = vector / peak  # no underflow in the squares of a very quiet signal
    if power is not None:
        vector = vector**power
    vector = vector - vector.mean()
    norm = np.linalg.norm(vector)
    if norm <= 1e-12 * np.sqrt(vector.size):
        return None
    return vector / norm


def correlate_directions(reference, generated):
    """The Score of two `direction`s, None standing for a constant spectrogram."""
    for vector, name in ((reference, REFERENCE), (generated, GENERATED)):
        if vector is None:
            return failure(f"the {name} signal's auditory spectrogram is constant (silence)", name)
    return Score(float(np.clip(np.dot(reference, generated), -1.0, 1.0)))
