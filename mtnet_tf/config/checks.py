"""The rules between the fields of a configuration. What one field may be stands at the field."""

from __future__ import annotations

import itertools
import math
import operator
from typing import TYPE_CHECKING

from mtnet_tf.config.ranges import ConfigError

if TYPE_CHECKING:
    from mtnet_tf.config.fields import Config

# 8 GB in float32, without the gradients and the optimiser's two copies; `paper` has 0.2e9.
MOST_WEIGHTS = 2_000_000_000
# 8 GB in float32, one feature map of one batch; `released` has 0.07e9.
MOST_FEATURES = 2_000_000_000


def check(config: Config) -> None:
    """Raises ConfigError for fields that do not fit each other."""
    _check_image(config)
    _check_blocks(config)
    _check_losses(config)
    _check_representations(config)
    _check_averages(config)
    _check_sizes(config)


def _require(condition: bool, config: Config, name: str, rule: str) -> None:
    if not condition:
        value = config
        for part in name.split("."):
            value = getattr(value, part)
        raise ConfigError.of_field(name, rule, value)


def _check_image(config: Config) -> None:
    data, encoder = config.data, config.image_encoder
    height, width, channels = data.image_shape
    smaller = min(height, width)
    _require(
        channels != 1 or data.digit_size is None or data.digit_size <= smaller,
        config,
        "data.digit_size",
        f"must be at most {smaller}, the smaller side of data.image_shape, or null where the"
        " images are no digits",
    )
    _require(
        all(block <= len(encoder.widths) for block in encoder.pool_after),
        config,
        "image_encoder.pool_after",
        f"must name blocks from 1 to {len(encoder.widths)}",
    )
    _require(
        len(set(encoder.pool_after)) == len(encoder.pool_after),
        config,
        "image_encoder.pool_after",
        "must name each block once",
    )
    # Each pooling halves the sides, rounded down.
    _require(
        smaller >= 2 ** len(encoder.pool_after),
        config,
        "image_encoder.pool_after",
        f"must leave at least one pixel of the image's smaller side of {smaller}, which each block"
        " in it halves",
    )


def _check_blocks(config: Config) -> None:
    encoder, blocks = config.image_encoder, len(config.image_encoder.widths)
    _require(
        len(encoder.dilation_rates) in (1, blocks),
        config,
        "image_encoder.dilation_rates",
        f"must have one number, or one of each of the {blocks} blocks",
    )


def _check_losses(config: Config) -> None:
    loss = config.loss
    _require(
        loss.audio_feature_weight is None or loss.representation_weight is not None,
        config,
        "loss.audio_feature_weight",
        "must be null where loss.representation_weight is: without it there is no audio feature",
    )
    _require(
        loss.generation_target == "true_word" or loss.perceptual_weight is not None,
        config,
        "loss.generation_target",
        'must be "true_word" where loss.perceptual_weight is null: without it there is no softmax'
        " layer",
    )


def _check_representations(config: Config) -> None:
    autoencoder, mapper = config.audio_autoencoder, config.cross_modal_mapper
    _require(
        autoencoder.feature_layer <= len(autoencoder.hidden_units),
        config,
        "audio_autoencoder.feature_layer",
        f"must be a hidden layer from 1 to {len(autoencoder.hidden_units)}",
    )
    feature_size = autoencoder.hidden_units[autoencoder.feature_layer - 1]
    _require(
        mapper.units[-1] == feature_size,
        config,
        "cross_modal_mapper.units",
        f"must end with the size of the audio feature, {feature_size} (Eq. 7 compares the two)",
    )
    _require(
        mapper.units[-1] % config.audio_generator.channels == 0,
        config,
        "audio_generator.channels",
        f"must divide the cross-modal representation, {mapper.units[-1]}",
    )


def _check_averages(config: Config) -> None:
    for name in ("adversarial.optimizer", "discriminator_optimizer"):
        _require(
            operator.attrgetter(name)(config.training).average_decay == 0,
            config,
            f"training.{name}.average_decay",
            "must be 0: an adversarial stage keeps the weights of its best look",
        )


def _check_sizes(config: Config) -> None:
    """Refuses networks that no machine could hold, before anything is built."""
    for name, count in _numbers_of_weights(config).items():
        if count > MOST_WEIGHTS:
            raise ConfigError(
                f"{name} must have at most {MOST_WEIGHTS:,} weights. Received: sizes of layers that"
                f" give it {count:,}. Make its layers or data.audio_length smaller."
            )
    pixels = math.prod(config.data.image_shape[:2])
    of_one = max(pixels * max(config.image_encoder.widths), config.data.audio_length)
    most = MOST_FEATURES // of_one
    _require(
        config.training.joint.batch_size <= most,
        config,
        "training.joint.batch_size",
        f"must be at most {most:,} with data.image_shape, data.audio_length and"
        f" image_encoder.widths as they are: a row of a batch has up to {of_one:,} values in one"
        " tensor",
    )


def _numbers_of_weights(config: Config) -> dict[str, int]:
    """Returns the number of weights of each sub-network's kernels: {field: number}."""
    encoder, generator = config.image_encoder, config.audio_generator
    autoencoder, mapper = config.audio_autoencoder, config.cross_modal_mapper
    length, phi = config.data.audio_length, mapper.units[-1]
    widths = [config.data.image_shape[-1], *encoder.widths]
    convolutions = sum(2 * encoder.kernel_size**2 * width**2 for width in encoder.widths)
    gated = 3 * generator.num_blocks * generator.kernel_size * generator.channels**2
    hidden = generator.hidden_units
    if generator.kind == "autoencoder_decoder":
        gated, hidden = 0, autoencoder.hidden_units[autoencoder.feature_layer :]
    return {
        "image_encoder": convolutions
        + _dense(widths)
        + _dense([widths[-1], *encoder.feature_units]),
        "audio_autoencoder": _dense([length, *autoencoder.hidden_units, length]),
        "cross_modal_mapper": _dense([encoder.feature_units[-1], *mapper.units]),
        "voice": config.data.num_voices * config.voice.embedding_units
        + _dense([phi + config.voice.embedding_units, 2 * phi]),
        "audio_generator": gated + _dense([phi, *hidden, length]),
    }


def _dense(sizes: list[int]) -> int:
    """Returns the number of weights of fully connected layers, or 1x1 kernels, of these sizes."""
    return sum(before * after for before, after in itertools.pairwise(sizes))
