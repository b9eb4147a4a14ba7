"""What every metric asks of the waveforms that it is given."""

from typing import Literal

import numpy as np

from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure

# A waveform lies in [-1, 1]. Beyond this, which only an exploded network can emit, the metrics
# would overflow.
MAX_MAGNITUDE = 1e6


def as_signal(samples: np.ndarray, name: str) -> np.ndarray:
    """Returns one waveform as float64.

    Args:
        samples: float [num_samples].
        name: what an error calls the signal.

    Returns:
        float64 [num_samples], which may hold NaN or infinity.

    Raises:
        ValueError: there are no samples, or they are not one-dimensional or not floats.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1 or not samples.size:
        raise ValueError(
            f"The {name} signal must have shape [num_samples], num_samples > 0. "
            f"Received: shape={samples.shape}."
        )
    _check_type(samples, f"The {name} signal")
    return samples.astype(np.float64)


def as_signals(samples: np.ndarray, name: str) -> np.ndarray:
    """Returns a stack of equally long waveforms as float64.

    Args:
        samples: float [n, num_samples].
        name: what an error calls the stack.

    Returns:
        float64 [n, num_samples], which may hold NaN or infinity.

    Raises:
        ValueError: the stack is not two-dimensional, holds empty waveforms, or is not of floats.
    """
    samples = np.asarray(samples)
    if samples.ndim != 2 or not samples.shape[1]:
        raise ValueError(
            f"{name} must have shape [n, num_samples], num_samples > 0. "
            f"Received: shape={samples.shape}."
        )
    _check_type(samples, name)
    return samples.astype(np.float64)


def as_pair(
    reference: np.ndarray, generated: np.ndarray, sample_rate: int
) -> tuple[np.ndarray, np.ndarray, Score | None]:
    """Returns both waveforms of a pair as float64, and the failure that they cause in every metric.

    Args:
        reference: float [num_samples].
        generated: float [num_samples].
        sample_rate: Hz, which is only checked.

    Returns:
        (reference, generated, failed): float64 [num_samples] each, and a `signal_failure` or None.

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
    failed = signal_failure(reference, REFERENCE) or signal_failure(generated, GENERATED)
    return reference, generated, failed


def _check_type(samples: np.ndarray, what: str):
    if samples.dtype.kind != "f":
        raise ValueError(f"{what} must be floats in [-1, 1]. Received: dtype={samples.dtype}.")


def check_sample_rate(sample_rate: int) -> None:
    """Raises ValueError unless the sample rate is a positive whole number of Hz."""
    if int(sample_rate) != sample_rate or sample_rate <= 0:
        raise ValueError(
            f"sample_rate must be a positive whole number of Hz. Received: {sample_rate!r}."
        )


def failure_reason(samples: np.ndarray, name: str) -> str:
    """Tells why no metric can use a signal: its samples must be finite and within MAX_MAGNITUDE.

    Args:
        samples: float64 [num_samples].
        name: what the reason calls the signal.

    Returns:
        The reason; "" where there is none.
    """
    count = np.count_nonzero(~(np.abs(samples) <= MAX_MAGNITUDE))
    if not count:
        return ""
    return f"{count} samples of the {name} signal are not finite or beyond {MAX_MAGNITUDE:g}"


def signal_failure(samples: np.ndarray, name: Literal["reference", "generated"]) -> Score | None:
    """Returns the failure that a signal causes in every metric, or None.

    Args:
        samples: float64 [num_samples].
        name: which signal of the pair it is.
    """
    reason = failure_reason(samples, name)
    return failure(reason, name) if reason else None
