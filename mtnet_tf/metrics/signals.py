"""What every metric asks of the waveforms it is given."""

from typing import Literal

import numpy as np

from mtnet_tf.metrics.score import GENERATED, REFERENCE, Score, failure

MAX_MAGNITUDE = 1e6  # a waveform lies in [-1, 1]


def as_signal(samples: np.ndarray, name: str) -> np.ndarray:
    """Returns one waveform as float64.

    Args:
        samples: Float [num_samples].
        name: What an error message calls the signal.

    Returns:
        float64 [num_samples]. It may hold NaN or infinity.

    Raises:
        ValueError: The samples are not one-dimensional, there are none, or they are not floats.
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
        samples: Float [n, num_samples].
        name: What an error message calls the stack.

    Returns:
        float64 [n, num_samples]. It may hold NaN or infinity.

    Raises:
        ValueError: The samples are not two-dimensional, the waveforms are empty, or the samples
            are not floats.
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
) -> tuple[np.ndarray, np.ndarray]:
    """Returns both waveforms of a pair as float64.

    Args:
        reference: Float [num_samples].
        generated: Float [num_samples].
        sample_rate: Samples per second, in Hz.

    Returns:
        The reference and the generated signal, both float64 [num_samples].

    Raises:
        ValueError: `as_signal` refuses a signal, the lengths differ, or the sample rate is not a
            positive whole number.
    """
    check_sample_rate(sample_rate)
    reference, generated = as_signal(reference, REFERENCE), as_signal(generated, GENERATED)
    if len(reference) != len(generated):
        raise ValueError(
            "Reference and generated signal must be equally long: pad both to the data set's audio "
            f"length. Received: {len(reference)} and {len(generated)} samples."
        )
    return reference, generated


def _check_type(samples: np.ndarray, name: str):
    if samples.dtype.kind != "f":
        raise ValueError(f"{name} must be floats in [-1, 1]. Received: dtype={samples.dtype}.")


def check_sample_rate(sample_rate: float) -> None:
    """Checks that a sample rate is a positive whole number.

    Args:
        sample_rate: Samples per second, in Hz.

    Raises:
        ValueError: It is not.
    """
    if int(sample_rate) != sample_rate or sample_rate <= 0:
        raise ValueError(
            f"sample_rate must be a positive whole number of Hz. Received: {sample_rate!r}."
        )


def failure_reason(samples: np.ndarray, name: str) -> str:
    """Says why every metric fails on a signal.

    Samples must be finite and within MAX_MAGNITUDE. Larger ones come only from a network whose
    training diverged, and they would overflow within the metrics.

    Args:
        samples: float64 [num_samples].
        name: What the reason calls the signal.

    Returns:
        The reason, or "" where the samples are good.
    """
    num_bad = np.count_nonzero(~(np.abs(samples) <= MAX_MAGNITUDE))
    if not num_bad:
        return ""
    return f"{num_bad} samples of the {name} signal are not finite or beyond {MAX_MAGNITUDE:g}"


def signal_failure(samples: np.ndarray, name: Literal["reference", "generated"]) -> Score | None:
    """Returns the failure that a signal causes in every metric.

    Args:
        samples: float64 [num_samples].
        name: REFERENCE or GENERATED, the signal's part in the pair.

    Returns:
        A Score without a value, or None where the samples are good.
    """
    reason = failure_reason(samples, name)
    return failure(reason, name) if reason else None
