"""The named configurations: the paper, its published scripts, and four for two CPU cores."""

from __future__ import annotations

import dataclasses

from mtnet_tf.config.fields import Config, DataConfig
from mtnet_tf.config.networks import (
    AudioAutoencoderConfig,
    AudioGeneratorConfig,
    BatchNormConfig,
    CrossModalMapperConfig,
    ImageEncoderConfig,
    InitializationConfig,
)
from mtnet_tf.config.ranges import ConfigError
from mtnet_tf.config.training import (
    AugmentationConfig,
    LossConfig,
    OptimizerConfig,
    StageConfig,
    TrainingConfig,
)


def _paper() -> Config:
    """The text of the paper: the defaults of all fields."""
    return Config()


def _released() -> Config:
    """The authors' published CIFAR-100 scripts (2022), layer by layer.

    They hold nothing out, and so does this.
    """
    adam = OptimizerConfig(
        name="adam",
        learning_rate=1e-4,
        schedule="constant",
        warmup_steps=0,
        epsilon=1e-8,
    )
    return Config(
        preset="released",
        data=DataConfig(
            image_shape=(32, 32, 3),
            num_classes=100,
            digit_size=None,
            audio_length=29356,
            validation_fraction=0.0,
        ),
        image_encoder=ImageEncoderConfig(
            standardize=False,
            widths=(64, 128, 256, 512, 1024),
            activation="tanh",
            residual_batch_norm=True,
            feature_units=(1024, 512),
            dropout_rate=0.4,
        ),
        audio_autoencoder=AudioAutoencoderConfig(
            hidden_units=(4096, 2048, 1024, 1024, 2048, 4096), feature_layer=4, batch_norm=True
        ),
        cross_modal_mapper=CrossModalMapperConfig(dropout_rate=0.4),
        audio_generator=AudioGeneratorConfig(num_blocks=2, dropout_rate=0.4),
        initialization=InitializationConfig(kernel="truncated_normal", kernel_scale=0.1, bias=0.01),
        batch_norm=BatchNormConfig(momentum=0.5),
        loss=LossConfig(
            perceptual="sum_cross_entropy",
            representation="normalized_squared_error",
            generation="normalized_squared_error",
            reconstruction="sum_squared_error",
            perceptual_weight=0.5,
            representation_weight=0.1,
            generation_weight=0.1,
            decay_weight=0.0,
            reconstruction_decay_weight=0.0,
        ),
        training=TrainingConfig(
            autoencoder=StageConfig(batch_size=100, epochs=500, optimizer=adam),
            autoencoder_epoch="pairs",
            joint=StageConfig(
                batch_size=64, epochs=50, optimizer=adam, sampling="contiguous_slices"
            ),
        ),
    )


def _small() -> Config:
    """The paper's design for two CPU cores: narrower, pooled, normalised in the residual branch."""
    paper = _paper()
    optimizer = OptimizerConfig(learning_rate=2e-4, warmup_steps=200, rho=0.9)
    # At epsilon 1 the gradients hardly change the root: it is SGD with momentum.
    of_images = dataclasses.replace(optimizer, learning_rate=0.1, epsilon=1.0)
    of_speech = dataclasses.replace(optimizer, learning_rate=5e-4)
    return dataclasses.replace(
        paper,
        preset="small",
        image_encoder=dataclasses.replace(
            paper.image_encoder,
            widths=(32, 64, 96, 128, 192),
            pool_after=(1, 2, 4),
            residual_batch_norm=True,
            feature_units=(256, 256),
            average_flips=True,
        ),
        audio_autoencoder=AudioAutoencoderConfig(hidden_units=(512, 384, 256, 384, 512)),
        cross_modal_mapper=CrossModalMapperConfig(units=(256, 256)),
        audio_generator=dataclasses.replace(paper.audio_generator, hidden_units=(256,)),
        log_mel=dataclasses.replace(paper.log_mel, num_mels=64),
        adversarial=dataclasses.replace(
            paper.adversarial, sound_channels=(16, 32, 64, 128), image_channels=(32, 64)
        ),
        spectrogram_inverter=dataclasses.replace(
            paper.spectrogram_inverter, hidden_units=(512, 512)
        ),
        batch_norm=dataclasses.replace(paper.batch_norm, momentum=0.9),
        # Eq. 9 sums over some 20,000 samples: whole, it is nearly all of the encoder's gradient.
        loss=dataclasses.replace(
            paper.loss,
            generation_gradient=0.002,
            generation_target="softmax_word",
            label_smoothing=0.1,
        ),
        augmentation=AugmentationConfig(alternating_flip=True, translation=2),
        training=dataclasses.replace(
            paper.training,
            autoencoder=StageConfig(batch_size=100, epochs=500, optimizer=optimizer),
            joint=StageConfig(batch_size=128, epochs=2, optimizer=of_speech),
            image_encoder_optimizer=of_images,
            adversarial=dataclasses.replace(paper.training.adversarial, epochs=5),
            inverter=StageConfig(batch_size=100, epochs=500, optimizer=optimizer),
        ),
    )


def _tuned() -> Config:
    """Beyond the paper: its blocks and features, and what makes them learn fast on two cores."""
    small = _small()
    nesterov = OptimizerConfig(name="nesterov", learning_rate=0.2, warmup_steps=200)
    return dataclasses.replace(
        small,
        preset="tuned",
        image_encoder=dataclasses.replace(small.image_encoder, dilation_rates=(1,)),
        training=dataclasses.replace(small.training, image_encoder_optimizer=nesterov),
    )


def _compact() -> Config:
    """`tuned` at the size of a network that ships with the package (`mtnet_tf.pretrained`)."""
    tuned = _tuned()
    return dataclasses.replace(
        tuned,
        preset="compact",
        image_encoder=dataclasses.replace(
            tuned.image_encoder, widths=(32, 64, 96, 128, 128), feature_units=(128, 128)
        ),
        audio_autoencoder=AudioAutoencoderConfig(hidden_units=(256, 192, 128, 192, 256)),
        cross_modal_mapper=CrossModalMapperConfig(units=(128, 128)),
        # Ten waveforms span ten dimensions: the last layer needs few inputs, and is the largest.
        audio_generator=dataclasses.replace(tuned.audio_generator, hidden_units=(32,)),
    )


def _tiny() -> Config:
    """The quick start and the tests: the paper's graph in seconds."""
    small = _small()
    optimizer = OptimizerConfig(learning_rate=5e-4, warmup_steps=50, rho=0.9)
    return dataclasses.replace(
        small,
        preset="tiny",
        data=dataclasses.replace(small.data, validation_fraction=0.1),
        image_encoder=dataclasses.replace(
            small.image_encoder,
            widths=(8, 16, 24, 32, 48),
            pool_after=(1, 2, 3),
            residual_batch_norm=False,
            feature_units=(128, 128),
            average_flips=False,
        ),
        audio_autoencoder=AudioAutoencoderConfig(hidden_units=(256, 192, 128, 192, 256)),
        cross_modal_mapper=CrossModalMapperConfig(units=(128, 128)),
        audio_generator=dataclasses.replace(small.audio_generator, hidden_units=(128,)),
        log_mel=dataclasses.replace(small.log_mel, num_mels=32, num_frames=32, fft_length=2048),
        adversarial=dataclasses.replace(small.adversarial, sound_channels=(16, 32, 64)),
        spectrogram_inverter=dataclasses.replace(
            small.spectrogram_inverter, channels=(16, 32), hidden_units=(256,)
        ),
        batch_norm=BatchNormConfig(),
        loss=LossConfig(),
        augmentation=AugmentationConfig(),
        training=dataclasses.replace(
            small.training,
            autoencoder=StageConfig(batch_size=100, epochs=150, optimizer=optimizer),
            joint=StageConfig(batch_size=32, epochs=8, optimizer=optimizer),
            image_encoder_optimizer=None,
            adversarial=dataclasses.replace(small.training.adversarial, epochs=60),
            inverter=StageConfig(batch_size=100, epochs=150, optimizer=optimizer),
            validations=1,
        ),
    )


PRESETS = {
    "paper": _paper,
    "released": _released,
    "small": _small,
    "tuned": _tuned,
    "compact": _compact,
    "tiny": _tiny,
}


def preset(name: str) -> Config:
    """Returns the preset `name`.

    Args:
        name: a key of `PRESETS`.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"There is no preset {name!r}. The presets are: {', '.join(PRESETS)}.")
    return PRESETS[name]()
