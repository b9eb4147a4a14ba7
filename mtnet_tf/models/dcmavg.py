"""DCMAVG (Table 4): image -> embedding -> log-mel spectrogram -> waveform."""

from __future__ import annotations

import keras

from mtnet_tf.config import Config
from mtnet_tf.models.adversarial import build_encoder, spoken
from mtnet_tf.models.image_encoder import build_image_encoder, with_mirror_average
from mtnet_tf.models.initialization import weight_initializers


def build_image_classifier(config: Config) -> keras.Model:
    """Builds `image -> {"embedding", "logits"}`: the image encoder of MT-Net and two FC layers.

    Input, a dict: `image` uint8-valued [batch, *config.data.image_shape]. Outputs: `embedding`,
    float32 [batch, embedding_units] in [-1, 1]; `logits`, float32 [batch, num_classes].
    """
    init = weight_initializers(config.initialization)
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    feature = with_mirror_average(build_image_encoder(config), config)(image)
    units = config.adversarial.embedding_units
    embedding = keras.layers.Dense(units, activation="tanh", name="embedding", **init)(feature)
    logits = keras.layers.Dense(config.data.num_classes, name="classifier", **init)(embedding)
    outputs = {"embedding": embedding, "logits": logits}
    return keras.Model({"image": image}, outputs, name="image_classifier")


def build_sound_classifier(config: Config) -> keras.Model:
    """Builds `spectrogram -> {"embedding", "logits"}`, for the half that makes images of sounds.

    Input: float32 [batch, mels, frames, 1] in [-1, 1]. Outputs: as of `build_image_classifier`.
    """
    init = weight_initializers(config.initialization)
    encoder = build_encoder(config, "spectrogram")
    logits = keras.layers.Dense(config.data.num_classes, name="classifier", **init)(encoder.output)
    outputs = {"embedding": encoder.output, "logits": logits}
    return keras.Model(encoder.input, outputs, name="sound_classifier")


def build_dcmavg(config: Config) -> keras.Model:
    """Builds the parts of DCMAVG that speak, one after the other.

    Input, a dict: `image` uint8-valued [batch, *config.data.image_shape].

    Outputs, a dict: `logits`, float32 [batch, num_classes]; `embedding`; `spectrogram`, float32
    [batch, mels, frames, 1] in [-1, 1], for the latent z of zeros, its mean; `waveform`, float32
    [batch, L_s] in [-1, 1].
    """
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    outputs = build_image_classifier(config)({"image": image})
    outputs = {**outputs, **spoken(outputs["embedding"], config)}
    return keras.Model({"image": image}, outputs, name="dcmavg")
