"""The configuration of a run: frozen dataclasses, JSON in and out, overrides. Presets: `presets.py`.

The defaults are the paper (Ning et al., Neurocomputing 423, 2021). Every place where the paper is silent or where its
published scripts differ is a field; BUILD_NOTES.md gives the reading behind each.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing
from dataclasses import dataclass, field

from mtnet_tf.errors import InputError

# The waveform lengths L_s of section 4.3 (samples at 22 050 Hz: 823, 1089 and 1331 ms).
AUDIO_LENGTHS = {"mnist_ad": 18140, "digits_ad": 18140, "cifar10_ad": 24020, "cifar100_ad": 29356}


class ConfigError(InputError, ValueError):
    """A configuration that cannot be used; the message says which field and why."""


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
    hole_size: int = 2  # the dilation rate; 1 is a kernel without holes
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
    hole_size: int = 2
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
    variant: str = "mtnet"
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
        _validate(self)


def _validate(config: Config) -> None:
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


def to_json(config: Config) -> str:
    """Returns the configuration as JSON text; `from_json` gives the equal configuration back."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str) -> Config:
    """Returns the configuration in a JSON text. Raises ConfigError for unknown, missing or ill-typed fields."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"The configuration is not JSON: {error}.") from error
    return _build(Config, values, "")


def override(config: Config, assignments: typing.Iterable[str]) -> Config:
    """Returns the configuration with assignments such as `training.joint.epochs=2` applied.

    A value is JSON (`0.1`, `[8, 16]`, `true`, `null`); what is not JSON is taken as a string. Raises ConfigError naming
    the valid keys for an unknown key, and the expected type for an ill-typed value.
    """
    values = dataclasses.asdict(config)
    valid_keys = list(flatten(values))
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"An override reads key=value. Received: {assignment!r}.")
        if key not in valid_keys:
            near = difflib.get_close_matches(key, valid_keys, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigError(
                f"There is no key {key!r} to override.{hint} The keys are: {', '.join(valid_keys)}."
            )
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        *parents, leaf = key.split(".")
        target = values
        for parent in parents:
            target = target[parent]
        target[leaf] = value
    return _build(Config, values, "")


def differences(old: Config, new: Config) -> list[str]:
    """Returns one line `key: old -> new` for each field in which the two configurations differ."""
    old_values = flatten(dataclasses.asdict(old))
    new_values = flatten(dataclasses.asdict(new))
    return [
        f"{key}: {value!r} -> {new_values[key]!r}"
        for key, value in old_values.items()
        if new_values[key] != value
    ]


def flatten(values: dict, prefix: str = "") -> dict:
    """Returns nested dicts as one, {"training.joint.epochs": 50, ...}."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _build(cls, values, path: str):
    """Builds dataclass `cls` from plain JSON values, checking names and types."""
    if not isinstance(values, dict):
        raise ConfigError(f"{path or 'The configuration'} must be an object. Received: {values!r}.")
    hints = typing.get_type_hints(cls)
    unknown, missing = set(values) - set(hints), set(hints) - set(values)
    if unknown or missing:
        what = [f"unknown: {', '.join(sorted(unknown))}"] if unknown else []
        what += [f"missing: {', '.join(sorted(missing))}"] if missing else []
        raise ConfigError(
            f"The fields of {path or 'the configuration'} do not fit this version ({'; '.join(what)})."
        )
    built = {}
    for name, hint in hints.items():
        where = f"{path}.{name}" if path else name
        value = values[name]
        built[name] = (
            _build(hint, value, where)
            if dataclasses.is_dataclass(hint)
            else _convert(value, hint, where)
        )
    return cls(**built)


def _convert(value, hint, where: str):
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        if value is None:
            return None
        (hint,) = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    if typing.get_origin(hint) is tuple:
        if isinstance(value, (list, tuple)):
            item = typing.get_args(hint)[0]
            return tuple(_convert(v, item, where) for v in value)
    elif hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    wanted = getattr(hint, "__name__", str(hint)) if typing.get_origin(hint) is None else str(hint)
    raise ConfigError(f"{where} must be of type {wanted}. Received: {value!r}.")
