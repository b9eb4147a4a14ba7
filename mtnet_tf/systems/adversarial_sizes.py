"""What DCMAVG and CMCGAN, the adversarial systems of Table 4, ask of a configuration."""

from __future__ import annotations

from mtnet_tf.config import Config, ConfigError


def check_sizes(config: Config) -> None:
    """Raises ConfigError where the sizes of spectrograms, images and networks do not fit."""
    log_mel, data, adversarial = config.log_mel, config.data, config.adversarial
    if data.num_classes < 2:
        rule = "must be 2 or more: a mismatched pair needs another word"
        raise ConfigError.of_field("data.num_classes", rule, data.num_classes)
    sides = {
        "sound_channels": {
            "log_mel.num_mels": log_mel.num_mels,
            "log_mel.num_frames": log_mel.num_frames,
        },
        "image_channels": {
            "data.image_shape's height": data.image_shape[0],
            "data.image_shape's width": data.image_shape[1],
        },
    }
    for channels, sizes in sides.items():
        stride = 2 ** len(getattr(adversarial, channels))
        rule = f"must be a multiple of {stride}: each layer of adversarial.{channels} halves it"
        for name, size in sizes.items():
            if size % stride:
                raise ConfigError.of_field(name, rule, size)
    between = data.audio_length / log_mel.num_frames
    if log_mel.fft_length < 2 * between:
        rule = f"must be twice the {between:.0f} samples between frames, or more"
        raise ConfigError.of_field("log_mel.fft_length", rule, log_mel.fft_length)
