"""Log-mel spectrograms of one channel, and the way back to a waveform."""

from __future__ import annotations

import librosa
import numpy as np
from scipy.signal.windows import hann

from mtnet_tf.config import Config

_GRIFFIN_LIM_ITERATIONS = 60


class LogMel:
    """Waveforms of L_s samples <-> log-mel spectrograms of a fixed shape.

    A frame is a Hann window of `fft_length` samples; the frames stand evenly over the waveform. The
    magnitude of a full-scale sine is 1, which is 0 dB. Decibels from the floor to 0 are stretched
    to -1 to 1, and what is outside of them is clipped.
    """

    def __init__(self, config: Config) -> None:
        """Computes the window and the mel filters.

        Args:
            config: has `log_mel`, L_s and the sample rate.
        """
        log_mel, data = config.log_mel, config.data
        self._length, self._floor = data.audio_length, log_mel.floor_decibels
        self._fft, self._hop = log_mel.fft_length, -(-data.audio_length // log_mel.num_frames)
        # The windows reach out on both sides alike.
        self._left = (self._fft - self._hop) // 2
        self._padded = self._fft + (log_mel.num_frames - 1) * self._hop
        window = hann(self._fft, sym=False)
        self._window = window * 2 / window.sum()
        self._filters = librosa.filters.mel(
            sr=data.sample_rate, n_fft=self._fft, n_mels=log_mel.num_mels, norm=None
        )
        self._inverse = np.linalg.pinv(self._filters)

    def spectrograms(self, waveforms: np.ndarray) -> np.ndarray:
        """Returns float32 [n, mels, frames, 1] in [-1, 1].

        Args:
            waveforms: float [n, L_s] in [-1, 1].
        """
        right = self._padded - self._left - self._length
        padded = np.pad(waveforms, [(0, 0), (self._left, right)])
        mels = self._filters @ np.abs(self._stft(padded))
        decibels = 20 * np.log10(np.maximum(mels, 1e-10))
        scaled = 1 - 2 * np.clip(decibels, self._floor, 0) / self._floor
        return scaled[..., None].astype(np.float32)

    def waveforms(self, spectrograms: np.ndarray) -> np.ndarray:
        """Returns float32 [n, L_s] in [-1, 1]: waveforms of such spectrograms, by Griffin-Lim.

        Args:
            spectrograms: float [n, mels, frames, 1] in [-1, 1].
        """
        decibels = self._floor * (1 - spectrograms[..., 0].astype(np.float64)) / 2
        # The floor is silence. At its own level all mels together would hiss.
        mels = np.where(decibels > self._floor, 10 ** (decibels / 20), 0)
        # Not by non-negative least squares: SciPy's solver behind librosa's can crash.
        magnitudes = np.maximum(self._inverse @ mels, 0)
        sounds = librosa.griffinlim(
            magnitudes,
            n_iter=_GRIFFIN_LIM_ITERATIONS,
            hop_length=self._hop,
            win_length=self._fft,
            n_fft=self._fft,
            window=self._window,
            center=False,
            length=self._padded,
            random_state=0,
        )
        return np.clip(sounds[:, self._left :][:, : self._length], -1, 1).astype(np.float32)

    def _stft(self, padded: np.ndarray) -> np.ndarray:
        return librosa.stft(
            padded.astype(np.float64),
            n_fft=self._fft,
            hop_length=self._hop,
            window=self._window,
            center=False,
        )
