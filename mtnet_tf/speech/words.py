"""Texts said as the recordings of a data set are: trimmed, levelled, and of one length."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

import numpy as np

from mtnet_tf.data import audio
from mtnet_tf.speech.engine import NoSoundError, SpeechEngine

_logger = logging.getLogger(__name__)


class WordSpeaker:
    """Says texts. Each text is spoken once, however often it is asked for.

    A text that the engine makes no sound of, or that is empty, is silence. One that is too long
    loses its end; a warning says so.
    """

    def __init__(self, make_engine: Callable[[], SpeechEngine], audio_length: int) -> None:
        """Makes no engine yet: a network that is built and never speaks needs none.

        Args:
            make_engine: makes the engine, before the first text.
            audio_length: L_s, in samples at 22 050 Hz.
        """
        self._make_engine, self._length = make_engine, audio_length
        self._engine: SpeechEngine | None = None
        self._said: dict[str, np.ndarray] = {}

    def __call__(self, texts: Iterable[str]) -> np.ndarray:
        """Returns the sounds of texts, float32 [texts, L_s] in [-1, 1].

        Raises:
            SpeechError: the engine is not installed, or fails.
        """
        self.load_engine()
        waveforms = []
        for text in texts:
            if text not in self._said:
                self._said[text] = self._say(text)
            waveforms.append(self._said[text])
        return np.stack(waveforms) if waveforms else np.zeros([0, self._length], np.float32)

    def load_engine(self) -> None:
        """Makes the engine, where there is none yet.

        Raises:
            SpeechError: the engine is not installed.
        """
        if self._engine is None:
            self._engine = self._make_engine()

    def _say(self, text: str) -> np.ndarray:
        try:
            samples = self._engine.speak(text) if text else np.zeros(1, np.float32)
            samples = audio.trim_silence(samples, audio.TOP_DB, audio.MARGIN_SECS)
        except (NoSoundError, audio.AudioError):
            return np.zeros(self._length, np.float32)
        samples = audio.peak_normalize(samples, audio.PEAK)
        if len(samples) > self._length:
            _logger.warning(
                "%r lasts %d samples, and %d are kept.", text, len(samples), self._length
            )
        return audio.pad(samples[: self._length], self._length)
