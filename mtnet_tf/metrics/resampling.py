"""The two resamplers that the metrics' figures depend on, with their filters designed once.

Both give the very bits of the library function they stand for; those design their filter anew in
each call, which takes longer than filtering one word.
"""

import functools
import math
from collections.abc import Callable

import numpy as np
import scipy.signal


def resample_polyphase(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Does `scipy.signal.resample_poly(samples, to_rate, from_rate)`: for spectrograms and PESQ.

    Args:
        samples: float64 [num_samples].
        from_rate: a whole number of Hz.
        to_rate: a whole number of Hz.

    Returns:
        float64 [ceil(num_samples * to_rate / from_rate)].
    """
    up, down = _ratio(from_rate, to_rate)
    return _resample(samples, up, down, _polyphase_window)


def resample_octave(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Does `pystoi.utils.resample_oct(samples, to_rate, from_rate)`: for STOI.

    Args:
        samples: float64 [num_samples].
        from_rate: a whole number of Hz.
        to_rate: a whole number of Hz.

    Returns:
        float64 [ceil(num_samples * to_rate / from_rate)].
    """
    up, down = _ratio(from_rate, to_rate)
    return _resample(samples, up, down, _octave_window)


def _resample(samples: np.ndarray, up: int, down: int, window: Callable[[int, int], np.ndarray]):
    if up == down:
        return samples
    return scipy.signal.resample_poly(samples, up, down, window=window(up, down))


def _ratio(from_rate: int, to_rate: int):
    divisor = math.gcd(int(from_rate), int(to_rate))
    return int(to_rate) // divisor, int(from_rate) // divisor


@functools.lru_cache(maxsize=16)
def _polyphase_window(up: int, down: int):
    """What resample_poly takes: Kaiser (beta 5), ten periods of the slower rate on each side."""
    slower = max(up, down)
    return scipy.signal.firwin(20 * slower + 1, 1.0 / slower, window=("kaiser", 5.0))


@functools.lru_cache(maxsize=16)
def _octave_window(up: int, down: int):
    """The low-pass filter of GNU Octave's `resample`, as pystoi ports it: 60 dB, Kaiser."""
    cutoff = 1.0 / (2 * max(up, down))
    rejection_db = 60.0
    half_length = np.ceil((rejection_db - 8) / (28.714 * (cutoff / 10)))
    t = np.arange(-half_length, half_length + 1)
    ideal = 2 * float(up) * cutoff * np.sinc(2 * cutoff * t)
    window = np.kaiser(2 * half_length + 1, 0.1102 * (rejection_db - 8.7)) * ideal
    return window / np.sum(window)
