"""Letters become sound, in a text-to-speech engine that is no network."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.speech import Piper, WordSpeaker, letters


@keras.saving.register_keras_serializable("mtnet_tf")
class SpokenLetters(keras.layers.Layer):
    """Says words in the voice of the references (`speech.Piper`). It has no weights.

    Input: int [batch, num_steps], rows of `speech.letters`. Output: float32 [batch, L_s].
    """

    def __init__(self, audio_length: int, **kwargs: Any) -> None:
        """Takes L_s in samples; `kwargs` are those of any Keras layer."""
        super().__init__(**kwargs)
        self.audio_length = audio_length
        self._speak = WordSpeaker(Piper, audio_length)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Says words."""
        say = functools.partial(_say, self._speak)
        waveform = tf.numpy_function(say, [inputs], tf.float32, stateful=False)
        return tf.ensure_shape(waveform, [None, self.audio_length])

    def load_voice(self) -> None:
        """Loads the voice, so that what is wrong with it is told before a graph needs it.

        Raises:
            SpeechError: it is not installed.
        """
        self._speak.load_engine()

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple:
        """Returns the shape of the waveforms."""
        return (input_shape[0], self.audio_length)

    def compute_output_spec(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Returns the shape and the type of the waveforms."""
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), "float32")

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments of the layer, for a stored model."""
        return {**super().get_config(), "audio_length": self.audio_length}


def _say(speak: WordSpeaker, rows: np.ndarray) -> np.ndarray:
    return speak(letters.decode(rows))
