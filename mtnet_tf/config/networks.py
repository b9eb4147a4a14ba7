"""The fields of the networks: of MT-Net and of the systems of Table 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mtnet_tf.config.kinds import (
    SMALLEST,
    Activation,
    DilationRate,
    Epsilon,
    Fraction,
    KernelSize,
    LayerNumber,
    Layers,
    LayersOrNone,
    LossWeight,
    Units,
)
from mtnet_tf.config.ranges import Length, Range


@dataclass(frozen=True)
class ImageEncoderConfig:
    """Image feature learning, section 3.1.1 and Table 1.

    Attributes:
        standardize: whether images are standardised (Eq. 1).
        widths: channels of the residual blocks, 1 to 32 blocks of 1 to 65,536 channels.
        kernel_size: side of the residual blocks' kernels, odd, from 1 to 31.
        dilation_rates: from 1 to 64, one of each residual block, or one of all. The paper's "hole"
            kernels have 2; 1 is an ordinary kernel.
        pool_after: the blocks, counted from 1, after which 2x2 max pooling follows.
        activation: of transitions and residual blocks.
        residual_batch_norm: whether batch normalisation follows each convolution of a block.
        residual_zero_init: whether the last layer of each residual branch starts at zero, so that
            each block starts as R(X).
        feature_units: sizes of the FC layers FC_1^1, FC_2^1, 1 to 32 layers of 1 to 65,536 units.
            The output of the last is the image feature.
        feature_activation: of those layers.
        dropout_rate: in [0, 1), after those layers.
        average_flips: whether the test network averages the feature of the image and that of its
            mirror image. Images of digits are never mirrored.
    """

    standardize: bool = True
    widths: Layers = (32, 128, 256, 512, 1024)
    kernel_size: KernelSize = 3
    dilation_rates: Annotated[tuple[DilationRate, ...], Length(1, 32)] = (2,)
    pool_after: Annotated[tuple[LayerNumber, ...], Length(0, 32)] = ()
    activation: Activation = "relu"
    residual_batch_norm: bool = False
    residual_zero_init: bool = False
    feature_units: Layers = (1024, 1024)
    feature_activation: Activation = "tanh"
    dropout_rate: Fraction = 0.0
    average_flips: bool = False

    def rate_of_each_block(self) -> tuple[int, ...]:
        """Returns the dilation rate of each residual block."""
        shared = len(self.dilation_rates) == 1
        return self.dilation_rates * len(self.widths) if shared else self.dilation_rates


@dataclass(frozen=True)
class AudioAutoencoderConfig:
    """Audio feature learning, section 3.1.2 and Table 2.

    Attributes:
        hidden_units: sizes of the FC layers before the last one of L_s units, 1 to 32 layers of 1
            to 65,536 units.
        feature_layer: the hidden layer, counted from 1, whose output is the audio feature.
        batch_norm: whether batch normalisation stands before each activation.
    """

    hidden_units: Layers = (4096, 2048, 1024, 2048, 4096)
    feature_layer: LayerNumber = 3
    batch_norm: bool = False

    def feature_size(self) -> int:
        """Returns the number of values of the audio feature."""
        return self.hidden_units[self.feature_layer - 1]

    def decoder_units(self) -> tuple[int, ...]:
        """Returns the sizes of the layers between the audio feature and the last layer."""
        return self.hidden_units[self.feature_layer :]


@dataclass(frozen=True)
class CrossModalMapperConfig:
    """Cross-modal mapping, section 3.2: two coupled FC layers.

    Attributes:
        units: sizes of the FC layers, 1 to 32 layers of 1 to 65,536 units. The output of the last
            is the cross-modal representation, as large as the audio feature.
        dropout_rate: in [0, 1), after all layers but the last.
    """

    units: Layers = (1024, 1024)
    dropout_rate: Fraction = 0.0


@dataclass(frozen=True)
class VoiceConfig:
    """Which voice speaks (beyond the paper): how phi depends on the voice.

    Attributes:
        conditioning: "none"; "concatenation": an FC layer with tanh of phi and the embedding of the
            voice; "film": phi times a vector plus a vector, both linear in the embedding (Perez et
            al. 2018). With a single voice there is no conditioning, whatever is set.
        embedding_units: of a voice, from 1 to 65,536.
    """

    conditioning: Literal["none", "concatenation", "film"] = "none"
    embedding_units: Units = 16


@dataclass(frozen=True)
class AudioGeneratorConfig:
    """Audio generation, section 3.3 and Figure 4.

    Attributes:
        kind: "gated_residual" (Figure 4), or "autoencoder_decoder", Table 3's
            Proposed(autoencoder).
        num_blocks: number of gated 1D blocks, from 0 to 32.
        channels: of the 1D blocks. The representation is reshaped to [units / channels, channels],
            so it must divide the units.
        kernel_size: length of the blocks' kernels, odd, from 1 to 31.
        dilation_rate: of the blocks, from 1 to 64.
        hidden_units: sizes of the FC layers before the last one of L_s units, 0 to 32 layers of 1
            to 65,536 units.
        dropout_rate: in [0, 1), after those layers.
    """

    kind: Literal["gated_residual", "autoencoder_decoder"] = "gated_residual"
    num_blocks: Annotated[int, Range(least=0, most=32)] = 3
    channels: Units = 1
    kernel_size: KernelSize = 3
    dilation_rate: DilationRate = 2
    hidden_units: LayersOrNone = (1024,)
    dropout_rate: Fraction = 0.0


@dataclass(frozen=True)
class TextDecoderConfig:
    """I2T2A (Table 4): image feature -> the letters of a word.

    Attributes:
        num_steps: from 1 to 64, the letters of the longest word and its end.
        embedding_units: from 1 to 65,536, of a letter.
        units: from 1 to 65,536, of the GRU.
    """

    num_steps: Annotated[int, Range(least=1, most=64)] = 24
    embedding_units: Units = 64
    units: Units = 256


@dataclass(frozen=True)
class LogMelConfig:
    """The spectrograms of DCMAVG and CMCGAN (Table 4), of one channel and invertible.

    Attributes:
        num_mels: from 8 to 512, the height.
        num_frames: from 8 to 4,096, the width, whatever L_s is.
        fft_length: in samples, from 16 to 65,536, of a frame.
        floor_decibels: from -200 to -1; below it is silence. A full-scale sine has 0.
    """

    num_mels: Annotated[int, Range(least=8, most=512)] = 128
    num_frames: Annotated[int, Range(least=8, most=4_096)] = 64
    fft_length: Annotated[int, Range(least=16, most=65_536)] = 1024
    floor_decibels: Annotated[float, Range(least=-200, most=-1)] = -80.0

    def shape(self) -> tuple[int, int, int]:
        """Returns the height, the width and the channels of a spectrogram."""
        return self.num_mels, self.num_frames, 1


@dataclass(frozen=True)
class AdversarialConfig:
    """The networks of DCMAVG and CMCGAN (Table 4).

    Attributes:
        embedding_units: of what an image or a sound becomes, from 1 to 65,536.
        noise_units: of the latent z, from 1 to 65,536.
        sound_channels: of the convolutions of a discriminator or encoder of spectrograms, each of
            which halves the sides, 1 to 8 layers of 1 to 65,536 channels. A generator has them in
            reverse.
        image_channels: the same for images.
        loss: "gan_cls", that of both papers, or "hinge" with spectral normalisation, for where the
            first collapses.
        conditioning: how the discriminator of DCMAVG joins a sample and an embedding: by
            "concatenation", as in GAN-CLS, or by "projection" (Miyato and Koyama, ICLR 2018).
        mismatched_weight: from 0 to 1e6, of true samples that do not belong together beside made
            ones, in the loss of a discriminator; 1 in both papers.
        consistency_weight: from 0 to 1e6, of CMCGAN's cycles beside its adversarial loss.
        generator_updates: from 1 to 100, K of CMCGAN and the same of DCMAVG: how often a
            step moves the networks that make something, after the discriminator.
    """

    embedding_units: Units = 64
    noise_units: Units = 10
    sound_channels: Annotated[tuple[Units, ...], Length(1, 8)] = (64, 128, 256, 512)
    image_channels: Annotated[tuple[Units, ...], Length(1, 8)] = (128, 256)
    loss: Literal["gan_cls", "hinge"] = "gan_cls"
    conditioning: Literal["concatenation", "projection"] = "concatenation"
    mismatched_weight: LossWeight = 1.0
    consistency_weight: LossWeight = 10.0
    generator_updates: Annotated[int, Range(least=1, most=100)] = 1


@dataclass(frozen=True)
class SpectrogramInverterConfig:
    """Spectrogram -> waveform (Table 4): convolutions of stride 2, then FC layers.

    Attributes:
        channels: of the convolutions, 1 to 8 layers of 1 to 65,536 channels.
        hidden_units: sizes of the FC layers before the last one of L_s units, 0 to 32 layers of 1
            to 65,536 units.
        input_noise: from 0 to 1, the standard deviation of noise on the spectrograms that it learns
            from. Those that a generator makes are not quite true.
    """

    channels: Annotated[tuple[Units, ...], Length(1, 8)] = (32, 64, 128)
    hidden_units: LayersOrNone = (1024, 1024)
    input_noise: Annotated[float, Range(least=0, most=1)] = 0.0


@dataclass(frozen=True)
class InitializationConfig:
    """Algorithm 1: "All weights are randomly sampled by truncated_normal distribution".

    It holds for all convolutions and FC layers. The recurrent text decoder of I2T2A and the
    embedding of a voice, which the paper does not have, start as Keras starts them.

    Attributes:
        kernel: "truncated_normal_fan_in" has a variance of `kernel_scale` over the number of
            inputs, "truncated_normal" a constant standard deviation of `kernel_scale`. Keras takes
            the outputs of a transposed convolution for its inputs.
        kernel_scale: from 1e-30 to 100.
        bias: what each bias starts with, from -100 to 100.
    """

    kernel: Literal["truncated_normal_fan_in", "truncated_normal"] = "truncated_normal_fan_in"
    kernel_scale: Annotated[float, Range(least=SMALLEST, most=100)] = 1.0
    bias: Annotated[float, Range(least=-100, most=100)] = 0.0


@dataclass(frozen=True)
class BatchNormConfig:
    """Batch normalisation, wherever a sub-network has it.

    Attributes:
        momentum: decay of the moving averages, in [0, 1).
        epsilon: added to the variance, from 1e-30 to 10.
    """

    momentum: Fraction = 0.99
    epsilon: Epsilon = 1e-3
