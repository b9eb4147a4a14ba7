"""The networks of the adversarial systems (Table 4): stacks of strided convolutions, as DCGAN's.

Each is built for spectrograms or for images. Both lie in [-1, 1] here. The convolutions have the
precision of the training; normalisations, dense layers and logits are float32.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Literal, get_args

import keras
from keras import layers

from mtnet_tf.config import Config
from mtnet_tf.layers.bfloat16 import Conv2D, Conv2DTranspose
from mtnet_tf.layers.fused_batch_norm import FusedBatchNormalization
from mtnet_tf.models.initialization import weight_initializers
from mtnet_tf.models.spectrogram_inverter import build_spectrogram_inverter

Modality = Literal["image", "spectrogram"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)

_KERNEL, _LEAK = 4, 0.2


def shape_of(config: Config, modality: Modality) -> tuple[int, int, int]:
    """Returns (height, width, channels) of a sample: (mels, frames, 1) of a spectrogram.

    Args:
        config: of the run.
        modality: of the sample.
    """
    return config.data.image_shape if modality == "image" else config.log_mel.shape()


def smallest_map(config: Config, modality: Modality) -> tuple[int, int]:
    """Returns height and width of the feature map after all strides.

    Args:
        config: of the run.
        modality: of what the convolutions look at, or make.
    """
    height, width, _ = shape_of(config, modality)
    stride = 2 ** len(_channels(config, modality))
    return height // stride, width // stride


def build_generator(config: Config, modality: Modality) -> keras.Model:
    """Builds `{"embedding", "noise"} -> modality`: an FC layer, then transposed convolutions.

    Inputs: `embedding`, float32 [batch, embedding_units]; `noise`, z, float32 [batch, noise_units].
    Output: float32 [batch, *shape_of(config, modality)] in [-1, 1]. Batch normalisation and ReLU
    follow each layer but the last, which has tanh.

    Args:
        config: of the run.
        modality: of what is made.
    """
    adversarial, (height, width) = config.adversarial, smallest_map(config, modality)
    init, precision = weight_initializers(config.initialization), config.training.precision
    inputs = {
        "embedding": keras.Input((adversarial.embedding_units,), name="embedding"),
        "noise": keras.Input((adversarial.noise_units,), name="noise"),
    }
    x = layers.Concatenate(name="joined")(list(inputs.values()))
    *others, first = _channels(config, modality)
    x = layers.Dense(height * width * first, name="fc", **init)(x)
    x = layers.Reshape((height, width, first), name="reshape")(x)
    for k, channels in enumerate([*reversed(others), shape_of(config, modality)[-1]], 1):
        x = _batch_norm(config, f"bn{k}")(x)
        x = layers.ReLU(dtype=precision, name=f"relu{k}")(x)
        x = Conv2DTranspose(
            channels, _KERNEL, strides=2, dtype=precision, name=f"deconv{k}", **init
        )(x)
    made = layers.Activation("tanh", dtype="float32", name=modality)(x)
    return keras.Model(inputs, made, name=f"{modality}_generator")


def build_encoder(config: Config, modality: Modality) -> keras.Model:
    """Builds `modality -> embedding`: strided convolutions and an FC layer with tanh.

    Input: float32 [batch, *shape_of(config, modality)] in [-1, 1]. Output: float32 [batch,
    embedding_units].

    Args:
        config: of the run.
        modality: of what is embedded.
    """
    inputs = keras.Input(shape_of(config, modality), name=modality)
    x = layers.Flatten(dtype="float32", name="flatten")(_convolutions(inputs, config, modality))
    embedding = layers.Dense(
        config.adversarial.embedding_units,
        activation="tanh",
        name="embedding",
        **weight_initializers(config.initialization),
    )(x)
    return keras.Model(inputs, embedding, name=f"{modality}_encoder")


def spoken(embedding: keras.KerasTensor, config: Config) -> dict[str, keras.KerasTensor]:
    """Applies the generator of spectrograms to z = 0, the latent's mean, and then the inverter.

    Args:
        embedding: of an image, float32 [batch, embedding_units].
        config: of the run.

    Returns:
        {"spectrogram": float32 [batch, mels, frames, 1], "waveform": float32 [batch, L_s]}, both in
        [-1, 1].
    """
    zeros = keras.ops.zeros_like(embedding[:, :1])
    noise = keras.ops.repeat(zeros, config.adversarial.noise_units, axis=-1)
    generator = build_generator(config, "spectrogram")
    spectrogram = generator({"embedding": embedding, "noise": noise})
    return {
        "spectrogram": spectrogram,
        "waveform": build_spectrogram_inverter(config)(spectrogram),
    }


def build_discriminator(config: Config, modality: Modality) -> keras.Model:
    """Builds `{modality, "embedding"} -> logit`: whether it is true and belongs to the embedding.

    Inputs: float32 [batch, *shape_of(config, modality)] in [-1, 1]; `embedding`, float32 [batch,
    embedding_units]. Output: float32 [batch].

    With `adversarial.conditioning` "concatenation" the embedding is repeated over the smallest
    feature map and joined to it by a 1x1 convolution, as in GAN-CLS. With "projection" the logit is
    what the feature map says alone, plus the inner product of its projection and the embedding
    (Miyato and Koyama, ICLR 2018, Eq. 4), over the square root of the number of units.

    Args:
        config: of the run.
        modality: of what is judged.
    """
    size, init = smallest_map(config, modality), weight_initializers(config.initialization)
    units, conditioning = config.adversarial.embedding_units, config.adversarial.conditioning
    sample = keras.Input(shape_of(config, modality), name=modality)
    embedding = keras.Input((units,), name="embedding")
    x = _convolutions(sample, config, modality, config.adversarial.loss)
    if conditioning == "projection":
        projection = layers.Conv2D(units, size, use_bias=False, name="projection", **init)
        projected = layers.Reshape((units,))(_normalized(projection, config)(x))
        projected = layers.Rescaling(units**-0.5, dtype="float32")(projected)
    else:
        repeated = layers.RepeatVector(math.prod(size), name="repeat")(embedding)
        repeated = layers.Reshape((*size, units), name="tile")(repeated)
        x = layers.Concatenate(dtype="float32", name="joined")([x, repeated])
        # Without it the logit is a sum of what each input says alone, and no pair can be wrong.
        both = layers.Conv2D(_channels(config, modality)[-1], 1, name="both", **init)
        x = layers.LeakyReLU(_LEAK, name="both_leaky_relu")(_normalized(both, config)(x))
    logit = _normalized(layers.Conv2D(1, size, name="logit", **init), config)(x)
    logit = layers.Reshape((1,), dtype="float32", name="alone")(logit)
    if conditioning == "projection":
        logit = layers.Add(name="matched")([logit, layers.Dot(axes=-1)([projected, embedding])])
    inputs = {modality: sample, "embedding": embedding}
    logit = layers.Reshape((), name="flat")(logit)
    return keras.Model(inputs, logit, name=f"{modality}_discriminator")


def build_pair_discriminator(config: Config) -> keras.Model:
    """Builds `{"image", "spectrogram"} -> logit`: whether both are true and of one word (CMCGAN).

    Inputs: float32 [batch, *shape_of(...)] in [-1, 1]. Output: float32 [batch].
    """
    inputs = {
        modality: keras.Input(shape_of(config, modality), name=modality) for modality in MODALITIES
    }
    units, init = config.adversarial.embedding_units, weight_initializers(config.initialization)
    features = []
    for modality, x in inputs.items():
        x = _convolutions(x, config, modality, config.adversarial.loss, prefix=f"{modality}_")
        x = layers.Flatten(dtype="float32", name=f"{modality}_flatten")(x)
        dense = layers.Dense(units, name=f"{modality}_fc", **init)
        features.append(layers.LeakyReLU(_LEAK)(_normalized(dense, config)(x)))
    # What belongs together is a matter of both at once: their products, and not their sum alone.
    x = layers.Concatenate(name="joined")([*features, layers.Multiply(name="product")(features)])
    logit = layers.Dense(1, name="logit", **init)
    x = layers.Reshape((), name="flat")(_normalized(logit, config)(x))
    return keras.Model(inputs, x, name="pair_discriminator")


def _channels(config: Config, modality: Modality) -> tuple[int, ...]:
    adversarial = config.adversarial
    return adversarial.image_channels if modality == "image" else adversarial.sound_channels


def _batch_norm(config: Config, name: str) -> keras.layers.Layer:
    return FusedBatchNormalization(name=name, **dataclasses.asdict(config.batch_norm))


def _normalized(layer: keras.layers.Layer, config: Config) -> keras.layers.Layer:
    """Returns a layer of a discriminator; the hinge loss comes with spectral normalisation."""
    return layers.SpectralNormalization(layer) if config.adversarial.loss == "hinge" else layer


def _convolutions(
    x: keras.KerasTensor,
    config: Config,
    modality: Modality,
    judged_by: str = "gan_cls",
    prefix: str = "",
) -> keras.KerasTensor:
    """Applies convolutions of stride 2 with LeakyReLU, and batch normalisation but on the first.

    In a discriminator that is judged by the hinge loss, spectral normalisation takes the place of
    batch normalisation.
    """
    init, precision = weight_initializers(config.initialization), config.training.precision
    for k, channels in enumerate(_channels(config, modality), 1):
        conv = Conv2D(
            channels,
            _KERNEL,
            strides=2,
            padding="same",
            dtype=precision,
            name=f"{prefix}conv{k}",
            **init,
        )
        x = (layers.SpectralNormalization(conv) if judged_by == "hinge" else conv)(x)
        if k > 1 and judged_by == "gan_cls":
            x = _batch_norm(config, f"{prefix}bn{k}")(x)
        x = layers.LeakyReLU(_LEAK, dtype=precision, name=f"{prefix}leaky_relu{k}")(x)
    return x
