"""The configuration of a run: its checked fields, JSON in and out, overrides and presets."""

from mtnet_tf.config.fields import Config, DataConfig
from mtnet_tf.config.networks import (
    AudioAutoencoderConfig,
    AudioGeneratorConfig,
    InitializationConfig,
    LogMelConfig,
)
from mtnet_tf.config.overrides import (
    differences,
    flatten,
    from_json,
    override,
    require_kept,
    to_json,
)
from mtnet_tf.config.presets import PRESETS, preset
from mtnet_tf.config.ranges import ConfigError
from mtnet_tf.config.training import LossConfig, OptimizerConfig, StageConfig, TrainingConfig

__all__ = [
    "PRESETS",
    "AudioAutoencoderConfig",
    "AudioGeneratorConfig",
    "Config",
    "ConfigError",
    "DataConfig",
    "InitializationConfig",
    "LogMelConfig",
    "LossConfig",
    "OptimizerConfig",
    "StageConfig",
    "TrainingConfig",
    "differences",
    "flatten",
    "from_json",
    "override",
    "preset",
    "require_kept",
    "to_json",
]
