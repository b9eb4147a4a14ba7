"""The spectrogram that pictures show."""

from __future__ import annotations

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann


def spectrogram_db(waveform, sample_rate) -> np.ndarray:
    """Returns the power spectrogram in decibels: float64 [257 frequencies, frames], frames of 64 samples.

    Args:
        waveform: float [num_samples], 512 or more.
        sample_rate: Hz.
    """
    transform = ShortTimeFFT(hann(512, sym=False), hop=64, fs=sample_rate)
    return 10 * np.log10(np.maximum(transform.spectrogram(waveform.astype(np.float64)), 1e-10))
