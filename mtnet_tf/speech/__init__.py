"""Text to speech: engines that say a word, behind one interface."""

from mtnet_tf.speech.engine import NoSoundError, SpeechEngine, SpeechError
from mtnet_tf.speech.espeak_ng import EspeakNg
from mtnet_tf.speech.piper import Piper
from mtnet_tf.speech.words import WordSpeaker

__all__ = ["EspeakNg", "NoSoundError", "Piper", "SpeechEngine", "SpeechError", "WordSpeaker"]
