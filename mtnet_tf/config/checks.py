"""The rules between the fields of a configuration. What one field may be stands at the field."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

from mtnet_tf.config.ranges import ConfigError
from mtnet_tf.config.sizes import numbers_of_weights, values_of_a_row

if TYPE_CHECKING:
    from mtnet_tf.config.fields import Config

# 8 GB in float32, without the gradients and the optimiser's two copies; `paper` has 0.2e9.
MOST_WEIGHTS = 2_000_000_000
# 8 GB in float32, one tensor of one batch; `released` has 0.07e9.
MOST_VALUES = 2_000_000_000


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
        loss.generation_target == "true_word" or bool(loss.perceptual_weight),
        config,
        "loss.generation_target",
        'must be "true_word" where loss.perceptual_weight is null or 0: without it no softmax layer'
        " learns to name a word",
    )


def _check_representations(config: Config) -> None:
    autoencoder, mapper = config.audio_autoencoder, config.cross_modal_mapper
    _require(
        autoencoder.feature_layer <= len(autoencoder.hidden_units),
        config,
        "audio_autoencoder.feature_layer",
        f"must be a hidden layer from 1 to {len(autoencoder.hidden_units)}",
    )
    feature_size = autoencoder.feature_size()
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
            "must be 0: an adversarial stage keeps the weights of its best validation",
        )


def _check_sizes(config: Config) -> None:
    """Refuses networks that no machine could hold, before anything is built."""
    for name, count in numbers_of_weights(config).items():
        if count > MOST_WEIGHTS:
            raise ConfigError(
                f"{name} must have at most {MOST_WEIGHTS:,} weights. Received: sizes of layers that"
                f" give it {count:,}. Make its layers smaller."
            )
    for stage, of_one in values_of_a_row(config).items():
        most = MOST_VALUES // of_one
        _require(
            getattr(config.training, stage).batch_size <= most,
            config,
            f"training.{stage}.batch_size",
            f"must be at most {most:,} with images, sounds and layers as large as they are: a row"
            f" of a batch has up to {of_one:,} values in one tensor",
        )
