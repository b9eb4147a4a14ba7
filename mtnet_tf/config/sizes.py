"""How large the networks of a configuration and their tensors are, before they are built."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtnet_tf.config.fields import Config


def numbers_of_weights(config: Config) -> dict[str, int]:
    """Returns the number of weights of each part's network: {field: number}.

    Those of kernels, and the embeddings of voices. Biases, normalisations, and the layers of one
    logit or of the letters are left out. Of the adversarial networks it is the largest one's.

    Args:
        config: its fields need not fit each other.
    """
    encoder, generator = config.image_encoder, config.audio_generator
    autoencoder, mapper = config.audio_autoencoder, config.cross_modal_mapper
    decoder, inverter = config.text_decoder, config.spectrogram_inverter
    length, phi = config.data.audio_length, mapper.units[-1]
    feature, voice = encoder.feature_units[-1], config.voice.embedding_units
    widths = [config.data.image_shape[-1], *encoder.widths]
    convolutions = sum(2 * encoder.kernel_size**2 * width**2 for width in encoder.widths)
    gated = 3 * generator.num_blocks * generator.kernel_size * generator.channels**2
    hidden = generator.hidden_units
    if generator.kind == "autoencoder_decoder":
        gated, hidden = 0, autoencoder.decoder_units()
    flattened = _map_sizes(config.log_mel.shape(), inverter.channels)[-1]
    return {
        "image_encoder": convolutions
        + _dense(widths)
        + _dense([widths[-1], *encoder.feature_units, config.data.num_classes]),
        "audio_autoencoder": _dense([length, *autoencoder.hidden_units, length]),
        "cross_modal_mapper": _dense([feature, *mapper.units]),
        "voice": config.data.num_voices * voice + _dense([phi + voice, 2 * phi]),
        "audio_generator": gated + _dense([phi, *hidden, length]),
        "text_decoder": decoder.units * (feature + 3 * (decoder.units + decoder.embedding_units)),
        "adversarial": max(_adversarial_networks(config)),
        "spectrogram_inverter": 3**2 * _dense([1, *inverter.channels])
        + _dense([flattened, *inverter.hidden_units, length]),
    }


def values_of_a_row(config: Config) -> dict[str, int]:
    """Returns how many values a row of a stage's batch has in its largest tensor: {stage: number}.

    Args:
        config: its fields need not fit each other.
    """
    length, units = config.data.audio_length, config.adversarial.embedding_units
    height, width, _ = config.data.image_shape
    inverted = _map_sizes(config.log_mel.shape(), config.spectrogram_inverter.channels)
    adversarial = []
    for shape, (*channels, last) in _adversarial_shapes(config):
        # A discriminator joins the embedding to its smallest map.
        adversarial += _map_sizes(shape, [*channels, last + units])
    return {
        "autoencoder": max(length, *config.audio_autoencoder.hidden_units),
        "joint": max(height * width * max(config.image_encoder.widths), length),
        "adversarial": max(adversarial),
        "inverter": max(*inverted, length),
    }


def _adversarial_networks(config: Config) -> list[int]:
    """Returns the number of weights of each network of DCMAVG and CMCGAN.

    The encoders, and the discriminators that project, are left out: the generators have more.
    """
    units, noise = config.adversarial.embedding_units, config.adversarial.noise_units
    generators, discriminators, of_pairs = [], [], 0
    for shape, channels in _adversarial_shapes(config):
        convolutions = 4**2 * _dense([shape[-1], *channels])
        smallest = _map_sizes(shape, channels)[-1]
        generators.append(convolutions + (units + noise) * smallest)
        discriminators.append(convolutions + (units + channels[-1]) * channels[-1])
        of_pairs += convolutions + units * smallest
    classifier = _dense([config.image_encoder.feature_units[-1], units, config.data.num_classes])
    return [*generators, *discriminators, of_pairs, classifier]


def _adversarial_shapes(config: Config) -> list[tuple[tuple[int, int, int], tuple[int, ...]]]:
    """Returns the shape of images and of spectrograms, each with the channels of its layers."""
    return [
        (config.data.image_shape, config.adversarial.image_channels),
        (config.log_mel.shape(), config.adversarial.sound_channels),
    ]


def _map_sizes(shape: tuple[int, int, int], channels: Sequence[int]) -> list[int]:
    """Returns the number of values of an input and of each feature map that strides of 2 make."""
    height, width, first = shape
    # Rounded up, as SAME padding does.
    return [
        -(-height // 2**k) * -(-width // 2**k) * number
        for k, number in enumerate([first, *channels])
    ]


def _dense(sizes: Sequence[int]) -> int:
    """Returns the number of weights of fully connected layers, or 1x1 kernels, of these sizes."""
    return sum(before * after for before, after in itertools.pairwise(sizes))
