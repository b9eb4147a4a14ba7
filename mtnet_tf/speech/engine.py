"""What a text-to-speech engine is."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from mtnet_tf.errors import InputError


class SpeechError(InputError, ValueError):
    """Speech that cannot be made; the message says why and what to do."""


class NoSoundError(SpeechError):
    """A text that an engine makes no sound of, though it works."""


class SpeechEngine(Protocol):
    """Says texts in one voice.

    Attributes:
        speaker: a short name of the voice, as a recording's file name has it.
    """

    speaker: str

    def speak(self, text: str) -> np.ndarray:
        """Returns the sound of a text, float32 [n] in [-1, 1] at 22 050 Hz, as the engine makes it.

        Raises:
            NoSoundError: the engine makes no sound of it.
            SpeechError: the engine fails.
        """

    def record(self) -> dict[str, Any]:
        """Returns what made the sound: engine, voice, licence, versions, settings; JSON types."""
