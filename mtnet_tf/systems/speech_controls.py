"""What the texts of I2T2A are worth said otherwise than the references: controls of Table 4."""

from __future__ import annotations

from collections.abc import Callable

from mtnet_tf.speech import EspeakNg, Piper, SpeechEngine, WordSpeaker
from mtnet_tf.systems.controls import Context, Control, Speak


def _voice(name: str, label: str, make_engine: Callable[[], SpeechEngine]) -> Control:
    """Returns the control that says the texts in the voice of an engine."""

    def make(context: Context) -> Speak | None:
        predicted = context.predicted
        if predicted is None:  # nothing was written
            return None
        speak = WordSpeaker(make_engine, context.config.data.audio_length)
        return lambda pairs: speak(predicted[image_id] for image_id in pairs.image_ids)

    return Control(name, label, make, make_engine)


def _at_its_own_speed() -> SpeechEngine:
    """The voice of the references, a fifth faster than they are spoken."""
    return Piper(length_scale=1.0)


def _espeak_ng() -> SpeechEngine:
    return EspeakNg()


SPEECH_CONTROLS = (
    _voice("i2t2a_own_speed", "I2T2A, the voice at its own speed", _at_its_own_speed),
    _voice("i2t2a_espeak_ng", "I2T2A, the voice of eSpeak NG", _espeak_ng),
)
