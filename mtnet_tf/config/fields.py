"""The fields of a configuration: their meaning, their unit, their range and their default.

The defaults are the paper (Ning et al., Neurocomputing 423, 2021). Every place where the paper is
silent or where its published scripts differ is a field; BUILD_NOTES.md gives the reading behind
each. The range of a field stands in its annotation and is checked when a `Config` is made. The
rules between fields are in `checks.py`, the presets in `presets.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mtnet_tf.config.checks import check
from mtnet_tf.config.ranges import Form, Length, Range, checked_fields

Name = Annotated[
    str,
    Form("[a-z][a-z0-9_]{0,63}", "a name of lower-case letters, digits and underscores"),
]
Seed = Annotated[int, Range(least=0, most=2**32 - 1)]
Pixels = Annotated[int, Range(least=1, most=1024)]
Units = Annotated[int, Range(least=1, most=65_536)]
Layers = Annotated[tuple[Units, ...], Length(1, 32)]
LayersOrNone = Annotated[tuple[Units, ...], Length(0, 32)]
LayerNumber = Annotated[int, Range(least=1, most=32)]
KernelSize = Annotated[int, Range(least=1, most=31, odd=True)]
DilationRate = Annotated[int, Range(least=1, most=64)]
Activation = Literal["relu", "tanh"]
# A smaller number becomes 0 in float32, by which something may then be divided.
SMALLEST = 1e-30
Epsilon = Annotated[float, Range(least=SMALLEST, most=10)]
Fraction = Annotated[float, Range(least=0, below=1)]
LossWeight = Annotated[float, Range(least=0, most=1e6)]


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
            each block starts as the identity.
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
        consistency_weight: from 0 to 1e6, of CMCGAN's cycles beside its adversarial loss.
        generator_updates: K of CMCGAN, from 1 to 100: how often a step moves the networks that make
            something, after the discriminator.
    """

    embedding_units: Units = 64
    noise_units: Units = 10
    sound_channels: Annotated[tuple[Units, ...], Length(1, 8)] = (64, 128, 256, 512)
    image_channels: Annotated[tuple[Units, ...], Length(1, 8)] = (128, 256)
    loss: Literal["gan_cls", "hinge"] = "gan_cls"
    consistency_weight: LossWeight = 10.0
    generator_updates: Annotated[int, Range(least=1, most=100)] = 1


@dataclass(frozen=True)
class SpectrogramInverterConfig:
    """Spectrogram -> waveform (Table 4): convolutions of stride 2, then FC layers.

    Attributes:
        channels: of the convolutions, 1 to 8 layers of 1 to 65,536 channels.
        hidden_units: sizes of the FC layers before the last one of L_s units, 0 to 32 layers of 1
            to 65,536 units.
    """

    channels: Annotated[tuple[Units, ...], Length(1, 8)] = (32, 64, 128)
    hidden_units: LayersOrNone = (1024, 1024)


@dataclass(frozen=True)
class InitializationConfig:
    """Algorithm 1: "All weights are randomly sampled by truncated_normal distribution".

    Attributes:
        kernel: "truncated_normal_fan_in" has a variance of `kernel_scale` over the number of
            inputs, "truncated_normal" a constant standard deviation of `kernel_scale`.
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


@dataclass(frozen=True)
class LossConfig:
    """Eqs. 4, 6, 7, 9, 10, 11: the form of each term and its weight. None drops the term.

    Attributes:
        perceptual: Eq. 4, its mean (paper) or its sum (released) over the batch.
        label_smoothing: in [0, 1), the part of the target of Eq. 4 that is spread over all words.
        representation: Eq. 7, as 1 - cosine of each example, or of the batch as one vector, or as
            squared error of the normalised vectors.
        generation: Eqs. 9-10 summed over the samples, averaged over them, or as squared error of
            the normalised waveforms.
        smooth_l1_threshold: from 1e-30 to 1e6. Gamma (Eq. 10) is squared below it, absolute above;
            1 in the paper, where the threshold is larger than nearly all errors.
        reconstruction: Eq. 6, or the plain sum of squared errors.
        perceptual_weight: eta_1, from 0 to 1e6, or None.
        representation_weight: eta_2, from 0 to 1e6, or None.
        generation_weight: eta_3, from 1e-30 to 1e6.
        generation_gradient: from 0 to 1, the part of the gradient of Eq. 9 that passes from the
            audio generator on to phi, and so to the image encoder.
        generation_target: whose recording Eq. 9 compares with in training: the image's own, or that
            of the word that the softmax layer names at that moment (hard bootstrapping, Reed et al.
            2015). The second needs the perceptual loss.
        audio_feature_weight: from 0 to 1e6, of the generation loss of what the generator makes of
            the true audio feature phi^A in place of phi, or None. It needs the representation loss.
        spectral_weight: from 0 to 1e6, of a multi-resolution spectral loss beside Eq. 9, or None.
        decay_weight: eta_4 times "weight decay 0.0005", from 0 to 1e6, on kernels.
        reconstruction_decay_weight: lambda_2 of Eq. 6, from 0 to 1e6.
    """

    perceptual: Literal["mean_cross_entropy", "sum_cross_entropy"] = "mean_cross_entropy"
    label_smoothing: Fraction = 0.0
    representation: Literal["cosine", "batch_cosine", "normalized_squared_error"] = "cosine"
    generation: Literal["smooth_l1", "mean_smooth_l1", "normalized_squared_error"] = "smooth_l1"
    smooth_l1_threshold: Annotated[float, Range(least=SMALLEST, most=1e6)] = 1.0
    reconstruction: Literal["half_mean_squared_error", "sum_squared_error"] = (
        "half_mean_squared_error"
    )
    perceptual_weight: LossWeight | None = 0.5
    representation_weight: LossWeight | None = 1.0
    generation_weight: Annotated[float, Range(least=SMALLEST, most=1e6)] = 1.0
    generation_gradient: Annotated[float, Range(least=0, most=1)] = 1.0
    generation_target: Literal["true_word", "softmax_word"] = "true_word"
    audio_feature_weight: LossWeight | None = None
    spectral_weight: LossWeight | None = None
    decay_weight: LossWeight = 0.8 * 0.0005
    reconstruction_decay_weight: LossWeight = 0.0005


@dataclass(frozen=True)
class AugmentationConfig:
    """How training images are moved. The paper mentions nothing of the kind.

    Attributes:
        alternating_flip: whether each image is mirrored in every other epoch, half of the images in
            the first. Images of digits are never mirrored.
        translation: from 0 to 1024 pixels. Each image is shifted by up to so many in either
            direction, anew in each epoch; what comes in is the mirror image of the border.
    """

    alternating_flip: bool = False
    translation: Annotated[int, Range(least=0, most=1024)] = 0


@dataclass(frozen=True)
class OptimizerConfig:
    """RMSProp, section 4.3; the schedule is linear warm-up, then constant or cosine decay.

    Attributes:
        name: "rmsprop", "adam", or "nesterov": SGD with Nesterov's momentum.
        learning_rate: after the warm-up, from 1e-30 to 10.
        schedule: what follows the warm-up.
        warmup_steps: from 0 to 1e9. A warm-up takes at most a tenth of the stage.
        final_learning_rate_fraction: where the cosine ends, from 0 to 1.
        rho: decay of the mean square, in [0, 1). The paper gives none; with 0.9 both stages
            collapse at full width (BUILD_NOTES.md, "Readings of the optimiser").
        momentum: in [0, 1); beta_1 of Adam.
        epsilon: inside the root, from 1e-30 to 10.
        initial_mean_square: from 0 to 1e6. TensorFlow 1 starts at 1, Keras 3 at 0.
        clip_norm: largest global norm of the gradients, from 1e-30 to 1e9, or None for any.
        average_decay: in [0, 1), of an exponential moving average of the weights, a step. The
            average is what is validated and kept; 0 keeps the last weights.
    """

    name: Literal["rmsprop", "adam", "nesterov"] = "rmsprop"
    learning_rate: Annotated[float, Range(least=SMALLEST, most=10)] = 1e-3
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup_steps: Annotated[int, Range(least=0, most=10**9)] = 500
    final_learning_rate_fraction: Annotated[float, Range(least=0, most=1)] = 0.01
    rho: Fraction = 0.99
    momentum: Fraction = 0.9
    epsilon: Epsilon = 1e-7
    initial_mean_square: Annotated[float, Range(least=0, most=1e6)] = 1.0
    clip_norm: Annotated[float, Range(least=SMALLEST, most=1e9)] | None = None
    average_decay: Fraction = 0.0


def _of_gans(learning_rate: float) -> OptimizerConfig:
    return OptimizerConfig(
        name="adam",
        learning_rate=learning_rate,
        schedule="constant",
        warmup_steps=0,
        momentum=0.5,
        epsilon=1e-8,
    )


@dataclass(frozen=True)
class StageConfig:
    """One stage of Algorithm 1.

    Attributes:
        batch_size: rows of a batch, from 1 to 65,536.
        epochs: passes over the data, in (0, 1e6]; a fraction is allowed.
        optimizer: of this stage.
        sampling: how batches are drawn. "permutation": each epoch has a random order of its own.
            "contiguous_slices" (released): each batch is a random run of neighbouring rows.
    """

    batch_size: Annotated[int, Range(least=1, most=65_536)]
    epochs: Annotated[float, Range(above=0, most=1e6)]
    optimizer: OptimizerConfig = OptimizerConfig()
    sampling: Literal["permutation", "contiguous_slices"] = "permutation"


@dataclass(frozen=True)
class TrainingConfig:
    """Algorithm 1.

    Attributes:
        seed: of the weights, the batches and the dropout, from 0 to 2^32 - 1.
        autoencoder: stage 1, lines 1-3.
        autoencoder_epoch: what an epoch of stage 1 goes through once: the distinct "recordings", or
            the "pairs", of which the published scripts hold one waveform each. A batch is of
            distinct recordings in both.
        max_reconstruction_error: stage 1 ends in an error where its squared error over the
            recordings' energy is not below this, in (0, 1e6]. Silence has 1.
        max_feature_cosine: stage 1 ends in an error where the audio features of two different words
            have a cosine that is not below this, in (-1, 2].
        joint: stage 2, lines 4-7.
        frozen: names of layers, at most 64, whose weights stage 2 leaves as they are, such as
            image_encoder. For a network that begins with the weights of another one.
        image_encoder_optimizer: moves the image encoder and the softmax layer in stage 2. None:
            the optimiser of `joint` moves all.
        adversarial: of DCMAVG and CMCGAN; its optimiser moves the generators.
        discriminator_optimizer: of DCMAVG and CMCGAN.
        inverter: of DCMAVG and CMCGAN; an epoch is a pass over the distinct recordings.
        checkpoint_secs: wall-clock seconds between checkpoints, from 0 to 1e9.
        log_steps: steps between lines of the log, from 1 to 1e9.
        precision: of the image encoder's feature maps, where nearly all the arithmetic is: float32,
            mixed_bfloat16, mixed_float16 (with loss scaling), or auto, what the device is fast at.
            Weights, statistics, FC layers, generator and losses are float32 whatever is set, and so
            is the network that is saved.
        jit_compile: whether the training step is compiled with XLA.
        validations: how often a stage is looked at, from 0 to 1e6: its audio features, or the
            validation part.
    """

    seed: Seed = 0
    autoencoder: StageConfig = StageConfig(batch_size=100, epochs=500)
    autoencoder_epoch: Literal["recordings", "pairs"] = "recordings"
    max_reconstruction_error: Annotated[float, Range(above=0, most=1e6)] = 1.0
    max_feature_cosine: Annotated[float, Range(above=-1, most=2)] = 0.99
    joint: StageConfig = StageConfig(batch_size=64, epochs=50)
    frozen: Annotated[tuple[Name, ...], Length(0, 64)] = ()
    image_encoder_optimizer: OptimizerConfig | None = None
    adversarial: StageConfig = StageConfig(batch_size=64, epochs=35, optimizer=_of_gans(5e-4))
    discriminator_optimizer: OptimizerConfig = _of_gans(1e-4)
    inverter: StageConfig = StageConfig(batch_size=100, epochs=500)
    checkpoint_secs: Annotated[float, Range(least=0, most=1e9)] = 120.0
    log_steps: Annotated[int, Range(least=1, most=10**9)] = 20
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16", "auto"] = "float32"
    jit_compile: bool = False
    validations: Annotated[int, Range(least=0, most=10**6)] = 5


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

    def __post_init__(self) -> None:
        for name, value in checked_fields(vars(self), Config).items():
            object.__setattr__(self, name, value)
        check(self)
