"""Log-mel spectrograms: an independent oracle, and the way back."""

import dataclasses

import librosa
import numpy as np
import pytest

from mtnet_tf.config import Config, LogMelConfig
from mtnet_tf.data.log_mel import LogMel


def config(length=18140, **values):
    base = Config()
    data = dataclasses.replace(base.data, audio_length=length)
    return dataclasses.replace(base, data=data, log_mel=LogMelConfig(**values))


def word(length=18140):
    """A voiced sound that glides and fades, with the formants of a vowel."""
    time = np.arange(length) / 22050
    pitch = 2 * np.pi * np.cumsum(120 + 40 * time) / 22050
    harmonics = sum(np.sin(k * pitch) / k**1.2 for k in range(1, 25))
    loudness = np.sin(np.pi * np.minimum(time / 0.7, 1))
    sound = harmonics * loudness
    return (0.8 * sound / np.abs(sound).max()).astype(np.float32)


def test_spectrogram_is_that_of_each_frame():
    """One frame at a time, with the discrete Fourier transform of NumPy."""
    log_mel = LogMel(config(num_mels=32, num_frames=20, fft_length=2048))
    sound = word()
    found = log_mel.spectrograms(sound[None])
    assert found.shape == (1, 32, 20, 1)
    assert found.dtype == np.float32
    hop = 907  # ceil(18140 / 20)
    padded = np.pad(sound, [((2048 - hop) // 2, 5000)])
    window = np.hanning(2049)[:-1]
    filters = librosa.filters.mel(sr=22050, n_fft=2048, n_mels=32, norm=None)
    for frame in range(20):
        part = padded[frame * hop :][:2048] * window
        magnitude = np.abs(np.fft.rfft(part)) * 2 / window.sum()
        decibels = np.clip(20 * np.log10(np.maximum(filters @ magnitude, 1e-10)), -80, 0)
        np.testing.assert_allclose(found[0, :, frame, 0], 1 + decibels / 40, atol=1e-4)


@pytest.mark.parametrize("length", [18140, 24020, 29356])
def test_a_full_scale_sine_is_at_the_top_and_silence_at_the_bottom(length):
    log_mel = LogMel(config(length))
    sine = np.sin(2 * np.pi * 1000 * np.arange(length) / 22050)
    loud, silent = log_mel.spectrograms(np.stack([sine, 0 * sine]))
    assert loud.max() == pytest.approx(1, abs=0.02)
    assert (silent == -1).all()
    # In the middle of the sound the same mel is the loudest in every frame.
    assert len(set(loud[:, 5:-5, 0].argmax(0))) == 1


def test_the_inverse_sounds_like_the_word():
    """Phases are guessed, so the spectrograms are compared, and not the samples."""
    log_mel = LogMel(config())
    sound = word()
    spectrogram = log_mel.spectrograms(sound[None])
    back = log_mel.waveforms(spectrogram)
    assert back.shape == (1, 18140) and back.dtype == np.float32
    assert np.abs(back).max() <= 1
    again = log_mel.spectrograms(back)
    heard = spectrogram > -0.2  # above -48 dB
    assert np.abs(again - spectrogram)[heard].mean() < 0.06  # 2.4 dB
    ratio = np.sqrt(np.mean(back**2) / np.mean(sound**2))
    assert ratio == pytest.approx(1, abs=0.15)
    np.testing.assert_array_equal(back, log_mel.waveforms(spectrogram))


def test_silence_comes_back_as_silence():
    log_mel = LogMel(config(num_mels=32, num_frames=20))
    assert np.abs(log_mel.waveforms(np.full([1, 32, 20, 1], -1.0))).max() < 1e-6
