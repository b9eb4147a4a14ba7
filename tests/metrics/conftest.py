"""Sounds made on the spot that the metrics take for speech."""

import numpy as np
import pytest

SAMPLE_RATE = 22050


def _voice(num_samples, seed, padded_to=None):
    """Harmonics of a gliding pitch and some breath, in three syllables, peak 0.5, then silence."""
    generator = np.random.default_rng(seed)
    t = np.arange(num_samples) / SAMPLE_RATE
    phase = (
        2
        * np.pi
        * np.cumsum(110 + 15 * seed + 25 * np.sin(2 * np.pi * 1.7 * t + seed))
        / SAMPLE_RATE
    )
    tilt = generator.uniform(0.6, 1.4)
    voiced = sum(np.sin(k * phase + seed * k) / k**tilt for k in range(1, 30))
    syllables = np.abs(np.sin(3 * np.pi * np.arange(num_samples) / num_samples)) ** (1 + seed % 3)
    sound = syllables * (voiced + 0.2 * generator.standard_normal(num_samples))
    sound *= 0.5 / np.abs(sound).max()
    return np.pad(sound, (0, (padded_to or num_samples) - num_samples)).astype(np.float32)


@pytest.fixture(scope="session")
def voice():
    """Function (num_samples, seed, padded_to=None) -> float32 waveform at 22 050 Hz."""
    return _voice
