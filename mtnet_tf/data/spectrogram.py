"""The spectrogram that pictures show."""

from __future__ import annotations

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann


def spectrogram_db(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Computes a power spectrogram from Hann windows of 512 samples, one every 64 samples.

    Args:
        waveform: float [num_samples], 512 or more.
        sample_rate: Hz.

    Returns:
        float64 [257 frequencies, frames] in decibels, -100 or more.
    """
    transform = ShortTimeFFT(hann(512, sym=False), hop=64, fs=sample_rate)
    return 10 * np.log10(np.maximum(transform.spectrogram(waveform.astype(np.float64)), 1e-10))
