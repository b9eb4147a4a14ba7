"""I2T2A (Table 4): image -> text, letter by letter -> speech of a text-to-speech engine."""

from __future__ import annotations

import keras

from mtnet_tf.config import Config
from mtnet_tf.layers.letter_decoder import LetterDecoder
from mtnet_tf.layers.spoken_letters import SpokenLetters
from mtnet_tf.models.image_encoder import build_image_encoder, with_mirror_average
from mtnet_tf.speech import letters as letters_lib

DECODER, SPEECH = "letter_decoder", "speech"


def build_i2t2a(config: Config) -> keras.Model:
    """Builds `image -> text and waveform`. Only the way to the text has weights.

    Input, a dict: `image` uint8-valued [batch, *config.data.image_shape].

    Outputs, a dict: `image_feature`; `letters`, int32 [batch, text_decoder.num_steps], rows of
    `speech.letters`; `waveform`, float32 [batch, L_s] in [-1, 1], in the voice of the references.
    """
    decoder = config.text_decoder
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    image_feature = with_mirror_average(build_image_encoder(config), config)(image)
    logits = LetterDecoder(
        letters_lib.NUM_SYMBOLS,
        decoder.num_steps,
        decoder.embedding_units,
        decoder.units,
        name=DECODER,
    )(image_feature)
    letters = keras.ops.argmax(logits, axis=-1)
    waveform = SpokenLetters(config.data.audio_length, name=SPEECH)(letters)
    outputs = {"image_feature": image_feature, "letters": letters, "waveform": waveform}
    return keras.Model({"image": image}, outputs, name="i2t2a")
