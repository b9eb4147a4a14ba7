"""What the texts of I2T2A are worth said otherwise than the references: controls of Table 4."""

from __future__ import annotations

import logging
from collections.abc import Callable

from mtnet_tf.speech import EspeakNg, Piper, SpeechEngine, SpeechError, WordSpeaker
from mtnet_tf.systems.controls import Context, Control, Speak

_logger = logging.getLogger(__name__)


def _said_by(make_engine: Callable[[], SpeechEngine], context: Context) -> Speak | None:
    """Returns what says the texts; None where nothing was written, or the engine is missing."""
    predicted = context.predicted
    if predicted is None:
        return None
    try:
        engine = make_engine()
    except SpeechError as error:
        _logger.warning("A voice of I2T2A is left out: %s", error)
        return None
    speak = WordSpeaker(lambda: engine, context.config.data.audio_length)
    return lambda pairs: speak(predicted[image_id] for image_id in pairs.image_ids)


def _at_its_own_speed(context: Context) -> Speak | None:
    """The voice of the references, a fifth faster than they are spoken."""
    return _said_by(lambda: Piper(length_scale=1.0), context)


def _by_espeak_ng(context: Context) -> Speak | None:
    return _said_by(EspeakNg, context)


SPEECH_CONTROLS = (
    Control("i2t2a_own_speed", "I2T2A, the voice at its own speed", _at_its_own_speed),
    Control("i2t2a_espeak_ng", "I2T2A, the voice of eSpeak NG", _by_espeak_ng),
)
