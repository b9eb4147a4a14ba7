"""What each field of a configuration may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtnet_tf.errors import InputError

if TYPE_CHECKING:
    from mtnet_tf.config.fields import Config


class ConfigError(InputError, ValueError):
    """A configuration that cannot be used; the message says which field and why."""


def check(config: Config) -> None:
    def require(condition, field_name, rule):
        if not condition:
            value = config
            for part in field_name.split("."):
                value = getattr(value, part)
            raise ConfigError(f"{field_name} {rule}. Received: {field_name}={value!r}.")

    def one_of(field_name, *choices):
        value = config
        for part in field_name.split("."):
            value = getattr(value, part)
        require(value in choices, field_name, f"must be one of {', '.join(choices)}")

    encoder, autoencoder = config.image_encoder, config.audio_autoencoder
    one_of("image_encoder.activation", "relu", "tanh")
    one_of("audio_generator.kind", "gated_residual", "autoencoder_decoder")
    one_of("initialization.kernel", "truncated_normal_fan_in", "truncated_normal")
    one_of("loss.perceptual", "mean_cross_entropy", "sum_cross_entropy")
    one_of("loss.representation", "cosine", "normalized_squared_error")
    one_of("loss.generation", "smooth_l1", "mean_smooth_l1", "normalized_squared_error")
    one_of("loss.reconstruction", "half_mean_squared_error", "sum_squared_error")
    require(encoder.widths, "image_encoder.widths", "must name at least one block")
    require(encoder.kernel_size % 2 == 1, "image_encoder.kernel_size", "must be odd")
    require(
        config.audio_generator.kernel_size % 2 == 1, "audio_generator.kernel_size", "must be odd"
    )
    require(
        all(1 <= k <= len(encoder.widths) for k in encoder.pool_after),
        "image_encoder.pool_after",
        f"must name blocks from 1 to {len(encoder.widths)}",
    )
    require(encoder.feature_units, "image_encoder.feature_units", "must name at least one layer")
    require(
        config.cross_modal_mapper.units, "cross_modal_mapper.units", "must name at least one layer"
    )
    require(
        1 <= autoencoder.feature_layer <= len(autoencoder.hidden_units),
        "audio_autoencoder.feature_layer",
        f"must be a hidden layer from 1 to {len(autoencoder.hidden_units)}",
    )
    feature_size = autoencoder.hidden_units[autoencoder.feature_layer - 1]
    require(
        config.cross_modal_mapper.units[-1] == feature_size,
        "cross_modal_mapper.units",
        f"must end with the size of the audio feature, {feature_size} (Eq. 7 compares the two)",
    )
    require(
        0 <= config.data.validation_fraction < 1, "data.validation_fraction", "must be in [0, 1)"
    )
    require(config.data.audio_length > 0, "data.audio_length", "must be positive")
    channels = config.audio_generator.channels
    require(
        channels > 0 and config.cross_modal_mapper.units[-1] % channels == 0,
        "audio_generator.channels",
        f"must divide the cross-modal representation, {config.cross_modal_mapper.units[-1]}",
    )
    one_of("training.autoencoder_epoch", "recordings", "pairs")
    one_of("training.precision", "float32", "mixed_bfloat16", "mixed_float16", "auto")
    for stage in ("autoencoder", "joint"):
        one_of(f"training.{stage}.optimizer.name", "rmsprop", "adam")
        one_of(f"training.{stage}.optimizer.schedule", "constant", "cosine")
        one_of(f"training.{stage}.sampling", "permutation", "contiguous_slices")
        require(
            getattr(config.training, stage).batch_size > 0,
            f"training.{stage}.batch_size",
            "must be positive",
        )
        require(
            getattr(config.training, stage).epochs > 0,
            f"training.{stage}.epochs",
            "must be positive",
        )
