"""The configuration of a run: frozen dataclasses, JSON in and out, overrides. Presets: `presets.py`.

The defaults are the paper (Ning et al., Neurocomputing 423, 2021). Every place where the paper is silent or where its
published scripts differ is a field; BUILD_NOTES.md gives the reading behind each.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mtnet_tf.config.checks import check


@dataclass(frozen=True)
class DataConfig:
    """What the data set fixes. `train` fills the shapes in from the prepared data set."""

    image_shape: tuple[int, int, int] = (28, 28, 1)  # height, width, channels
    num_classes: int = 10
    digit_size: int = (
        20  # images of digits: pixels of the square that a digit fills, for reading photos
    )
    audio_length: int = 18140  # L_s, samples
    sample_rate: int = 22050  # Hz
    validation_fraction: float = (
        0.05  # part of the training split that chooses recipes; never trained on
    )
    validation_seed: int = (
        0  # draws that part; not training.seed, so that all seeds share one validation split
    )


@dataclass(frozen=True)
class ImageEncoderConfig:
    """Image feature learning, section 3.1.1 and Table 1."""

    standardize: bool = True  # Eq. 1
    widths: tuple[int, ...] = (32, 128, 256, 512, 1024)  # channels of the five residual blocks
    kernel_size: int = 3
    dilation_rate: int = 2  # the paper's "hole" kernels; 1 is a kernel without holes
    pool_after: tuple[int, ...] = ()  # 2x2 max pooling after these blocks, counted from 1
    activation: str = "relu"
    residual_batch_norm: bool = False  # BN after each 3x3 convolution
    feature_units: tuple[int, ...] = (1024, 1024)  # FC_1^1, FC_2^1; the last is the image feature
    feature_activation: str = "tanh"
    dropout_rate: float = 0.0


@dataclass(frozen=True)
class AudioAutoencoderConfig:
    """Audio feature learning, section 3.1.2 and Table 2."""

    hidden_units: tuple[int, ...] = (4096, 2048, 1024, 2048, 4096)
    feature_layer: int = 3  # the layer, counted from 1, whose output is the audio feature
    batch_norm: bool = False


@dataclass(frozen=True)
class CrossModalMapperConfig:
    """Cross-modal mapping, section 3.2: two coupled FC layers."""

    units: tuple[int, ...] = (1024, 1024)  # the last is the cross-modal representation
    dropout_rate: float = 0.0


@dataclass(frozen=True)
class AudioGeneratorConfig:
    """Audio generation, section 3.3 and Figure 4."""

    kind: str = "gated_residual"  # or "autoencoder_decoder": Table 3's Proposed(autoencoder)
    num_blocks: int = 3
    channels: int = 1  # of the 1D blocks: phi is reshaped to [units / channels, channels]
    kernel_size: int = 3
    dilation_rate: int = 2
    hidden_units: tuple[int, ...] = (1024,)  # FC layers before the last one of L_s units
    dropout_rate: float = 0.0


@dataclass(frozen=True)
class InitializationConfig:
    """Algorithm 1: "All weights are randomly sampled by truncated_normal distribution"."""

    kernel: str = "truncated_normal_fan_in"  # or "truncated_normal": a constant standard deviation
    kernel_scale: float = 1.0  # the variance scale, or the constant standard deviation
    bias: float = 0.0


@dataclass(frozen=True)
class BatchNormConfig:
    momentum: float = 0.99  # decay of the moving averages
    epsilon: float = 1e-3


@dataclass(frozen=True)
class LossConfig:
    """Eqs. 4, 6, 7, 9, 10, 11: the form of each term and its weight. A weight of None drops the term."""

    perceptual: str = "mean_cross_entropy"  # Eq. 4, or "sum_cross_entropy"
    representation: str = "cosine"  # Eq. 7, or "normalized_squared_error"
    # Eqs. 9-10, summed over the samples; or "mean_smooth_l1", averaged over them; or
    # "normalized_squared_error".
    generation: str = "smooth_l1"
    reconstruction: str = "half_mean_squared_error"  # Eq. 6, or "sum_squared_error"
    perceptual_weight: float | None = 0.5  # eta_1
    representation_weight: float | None = 1.0  # eta_2
    generation_weight: float = 1.0  # eta_3
    decay_weight: float = 0.8 * 0.0005  # eta_4 times "weight decay 0.0005", on kernels
    reconstruction_decay_weight: float = 0.0005  # lambda_2 of Eq. 6


@dataclass(frozen=True)
class OptimizerConfig:
    """RMSProp, section 4.3; the schedule is linear warm-up, then constant or cosine decay."""

    name: str = "rmsprop"  # or "adam"
    learning_rate: float = 1e-3
    schedule: str = "cosine"  # or "constant"
    warmup_steps: int = 500  # at most a tenth of the stage
    final_learning_rate_fraction: float = 0.01  # where the cosine ends
    # Decay of the mean square. The paper gives none; with .9 both stages collapse at full width (BUILD_NOTES.md,
    # "Readings of the optimiser").
    rho: float = 0.99
    momentum: float = 0.9
    epsilon: float = 1e-7  # inside the root
    initial_mean_square: float = 1.0  # TensorFlow 1's start; Keras 3 starts at 0
    clip_norm: float | None = None  # global norm of the gradients


@dataclass(frozen=True)
class StageConfig:
    """One stage of Algorithm 1."""

    batch_size: int
    epochs: float
    optimizer: OptimizerConfig = OptimizerConfig()
    # How batches are drawn: "permutation" (each epoch a random order of its own) or "contiguous_slices" (released:
    # each batch a random run of neighbouring rows).
    sampling: str = "permutation"


@dataclass(frozen=True)
class TrainingConfig:
    seed: int = 0
    autoencoder: StageConfig = StageConfig(batch_size=100, epochs=500)  # lines 1-3
    # What an epoch of stage 1 goes through once: the distinct "recordings", or the "pairs", of which
    # the published scripts hold one waveform each. A batch is of distinct recordings in both.
    autoencoder_epoch: str = "recordings"
    # Stage 1 is an error beyond these: its squared error over the recordings' energy (1 is what
    # silence has), and the cosine of the audio features of two different words.
    max_reconstruction_error: float = 1.0
    max_feature_cosine: float = 0.99
    joint: StageConfig = StageConfig(batch_size=64, epochs=50)  # lines 4-7
    checkpoint_secs: float = 120.0  # wall-clock seconds between checkpoints
    log_steps: int = 20
    # Of the image encoder's feature maps, where nearly all the arithmetic is: float32, mixed_bfloat16, mixed_float16
    # (with loss scaling), or auto: what the device is fast at. Weights, statistics, FC layers, generator and losses
    # are float32 whatever is set, and so is the network that is saved.
    precision: str = "float32"
    jit_compile: bool = False  # compiles the training step with XLA
    validations: int = 5  # how often a stage is looked at: audio features, validation part


@dataclass(frozen=True)
class Config:
    """Everything that determines a run but its data. Equal configurations on equal data give equal weights (CPU)."""

    preset: str = "paper"
    system: str = "mtnet"
    data: DataConfig = DataConfig()
    image_encoder: ImageEncoderConfig = ImageEncoderConfig()
    audio_autoencoder: AudioAutoencoderConfig = AudioAutoencoderConfig()
    cross_modal_mapper: CrossModalMapperConfig = CrossModalMapperConfig()
    audio_generator: AudioGeneratorConfig = AudioGeneratorConfig()
    initialization: InitializationConfig = InitializationConfig()
    batch_norm: BatchNormConfig = BatchNormConfig()
    loss: LossConfig = LossConfig()
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self):
        check(self)
