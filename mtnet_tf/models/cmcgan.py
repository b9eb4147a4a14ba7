"""CMCGAN (Table 4): image -> embedding -> log-mel spectrogram -> waveform, by shared networks."""

from __future__ import annotations

import keras

from mtnet_tf.config import Config
from mtnet_tf.models.adversarial import build_encoder, spoken


def build_cmcgan(config: Config) -> keras.Model:
    """Builds the one way of the four that Table 4 asks for, from image to sound.

    Input, a dict: `image` uint8-valued [batch, *config.data.image_shape].

    Outputs, a dict: `embedding`, float32 [batch, embedding_units]; `spectrogram` and `waveform` as
    `adversarial.spoken` returns them.
    """
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    pixels = keras.layers.Rescaling(1 / 127.5, offset=-1.0, name="pixels")(image)
    embedding = build_encoder(config, "image")(pixels)
    outputs = {"embedding": embedding, **spoken(embedding, config)}
    return keras.Model({"image": image}, outputs, name="cmcgan")
