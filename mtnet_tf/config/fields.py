"""The fields of a configuration: their meaning, their unit, their range and their default.

The defaults are the paper (Ning et al., Neurocomputing 423, 2021). Every place where the paper is
silent or where its published scripts differ is a field; BUILD_NOTES.md gives the reading behind
each. The range of a field stands in its annotation and is checked when a `Config` is made. The
fields of the networks are in `networks.py`, those of the training in `training.py`, the rules
between fields in `checks.py`, the presets in `presets.py`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from mtnet_tf.config.checks import check
from mtnet_tf.config.kinds import Fraction, Name, Pixels, Seed, Units
from mtnet_tf.config.networks import (
    AdversarialConfig,
    AudioAutoencoderConfig,
    AudioGeneratorConfig,
    BatchNormConfig,
    CrossModalMapperConfig,
    ImageEncoderConfig,
    InitializationConfig,
    LogMelConfig,
    SpectrogramInverterConfig,
    TextDecoderConfig,
    VoiceConfig,
)
from mtnet_tf.config.ranges import Range, checked_fields
from mtnet_tf.config.training import AugmentationConfig, LossConfig, TrainingConfig


@dataclass(frozen=True)
class DataConfig:
    """What the data set fixes. `train` fills the shapes in from the prepared data set.

    Attributes:
        image_shape: height and width in pixels, from 1 to 1024, and channels, 1 or 3.
        num_classes: number of words, from 1 to 65,536.
        num_voices: number of voices, from 1 to 65,536.
        digit_size: side in pixels, from 1 to 1024, of the square that a digit fills in a grey
            image, for reading photos. None: the images are no digits.
        audio_length: L_s in samples, from 1 to 10,000,000.
        sample_rate: in Hz, from 1,000 to 192,000.
        validation_fraction: in [0, 1), the part of the training split that chooses recipes and is
            never trained on.
        validation_seed: from 0 to 2^32 - 1, draws that part. It is not `training.seed`, so that all
            seeds share one validation split.
    """

    image_shape: tuple[Pixels, Pixels, Literal[1, 3]] = (28, 28, 1)
    num_classes: Units = 10
    num_voices: Units = 1
    digit_size: Pixels | None = 20
    audio_length: Annotated[int, Range(least=1, most=10_000_000)] = 18140
    sample_rate: Annotated[int, Range(least=1_000, most=192_000)] = 22050
    validation_fraction: Fraction = 0.05
    validation_seed: Seed = 0


@dataclass(frozen=True)
class Config:
    """Everything that determines a run but its data; checked whole when it is made.

    Equal configurations on equal data give equal weights (on a CPU).

    Attributes:
        preset: the preset that it comes from.
        system: the system of `mtnet_tf.systems` that it describes, such as a row of Table 3.
        data: what the data set fixes.
        image_encoder: section 3.1.1.
        audio_autoencoder: section 3.1.2.
        cross_modal_mapper: section 3.2.
        voice: beyond the paper.
        audio_generator: section 3.3.
        text_decoder: of I2T2A alone.
        log_mel: of DCMAVG and CMCGAN.
        adversarial: of DCMAVG and CMCGAN.
        spectrogram_inverter: of DCMAVG and CMCGAN.
        initialization: of all weights.
        batch_norm: of all sub-networks.
        loss: Eqs. 4 to 11.
        augmentation: of the training images.
        training: Algorithm 1.
    """

    preset: Name = "paper"
    system: Name = "mtnet"
    data: DataConfig = DataConfig()
    image_encoder: ImageEncoderConfig = ImageEncoderConfig()
    audio_autoencoder: AudioAutoencoderConfig = AudioAutoencoderConfig()
    cross_modal_mapper: CrossModalMapperConfig = CrossModalMapperConfig()
    voice: VoiceConfig = VoiceConfig()
    audio_generator: AudioGeneratorConfig = AudioGeneratorConfig()
    text_decoder: TextDecoderConfig = TextDecoderConfig()
    log_mel: LogMelConfig = LogMelConfig()
    adversarial: AdversarialConfig = AdversarialConfig()
    spectrogram_inverter: SpectrogramInverterConfig = SpectrogramInverterConfig()
    initialization: InitializationConfig = InitializationConfig()
    batch_norm: BatchNormConfig = BatchNormConfig()
    loss: LossConfig = LossConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()

    @property
    def depends_on_voice(self) -> bool:
        """Whether the network is told the voice: with a single one it is MT-Net as it is."""
        return self.voice.conditioning != "none" and self.data.num_voices > 1

    def in_float32(self) -> Config:
        """Returns the configuration of the network as it is used, whatever its training was."""
        return dataclasses.replace(
            self, training=dataclasses.replace(self.training, precision="float32")
        )

    def __post_init__(self) -> None:
        for name, value in checked_fields(vars(self), Config).items():
            object.__setattr__(self, name, value)
        check(self)
