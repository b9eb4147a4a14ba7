"""What every metric asks of the waveforms it is given."""

import numpy as np

from mtnet_tf.metrics.score import GENERATED, REFERENCE, failure

MAX_MAGNITUDE = 1e6  # a waveform lies in [-1, 1]


def as_signal(samples, name):
    """One waveform as float64.

    Args:
      samples: float [num_samples].
      name: how an error calls it.

    Returns:
      float64 [num_samples]; may hold NaN or infinity.

    Raises:
      ValueError: not one-dimensional, empty, or not floats.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1 or not samples.size:
        raise ValueError(
            f"The {name} signal must have shape [num_samples], num_samples > 0. "
            f"Received: shape={samples.shape}."
        )
    _check_type(samples, f"The {name} signal")
    return samples.astype(np.float64)


def as_signals(samples, name):
    """A stack of equally long waveforms as float64 [n, num_samples]; errors as in `as_signal`."""
    samples = np.asarray(samples)
    if samples.ndim != 2 or not samples.shape[1]:
        raise ValueError(
            f"{name} must have shape [n, num_samples], num_samples > 0. "
            f"Received: shape={samples.shape}."
        )
    _check_type(samples, name)
    return samples.astype(np.float64)


def as_pair(reference, generated, sample_rate):
    """Both waveforms of a pair as float64.

    Raises:
      ValueError: a shape or type that `as_signal` refuses, unequal lengths, or a sample rate that
        is no positive whole number.
    """
    check_sample_rate(sample_rate)
    reference, generated = as_signal(reference, REFERENCE), as_signal(generated, GENERATED)
    if len(reference) != len(generated):
        raise ValueError(
            "Reference and generated signal must be equally long: pad both to the data set's audio "
            f"length. Received: {len(reference)} and {len(generated)} samples."
        )
    return reference, generated


def _check_type(samples, what):
    if samples.dtype.kind != "f":
        raise ValueError(f"{what} must be floats in [-1, 1]. Received: dtype={samples.dtype}.")


def check_sample_rate(sample_rate):
    """Raises ValueError unless the sample rate is a positive whole number of Hz."""
    if int(sample_rate) != sample_rate or sample_rate <= 0:
        raise ValueError(
            f"sample_rate must be a positive whole number of Hz. Received: {sample_rate!r}."
        )


def complaint(samples, name):
    """What is wrong with a float64 signal's samples; "" where nothing is.

    They must be finite and within MAX_MAGNITUDE: what only an exploded network can emit would
    overflow within the metrics.
    """
    num_bad = np.count_nonzero(~(np.abs(samples) <= MAX_MAGNITUDE))
    if not num_bad:
        return ""
    return f"{num_bad} samples of the {name} signal are not finite or beyond {MAX_MAGNITUDE:g}"


def fault(samples, name):
    """The failure that a signal causes in every metric, or None; name: REFERENCE or GENERATED."""
    wrong = complaint(samples, name)
    return failure(wrong, name) if wrong else None
