"""DCMAVG: two adversarial networks between images and spectrograms, a row of Table 4.

This is the half that speaks: image -> spectrogram -> waveform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtnet_tf.config import Config, ConfigError
from mtnet_tf.systems.adversarial_sizes import check_sizes
from mtnet_tf.systems.inverter_controls import INVERTERS
from mtnet_tf.systems.system import System

if TYPE_CHECKING:
    import keras

    from mtnet_tf.data.pairs import AudioDescriptions
    from mtnet_tf.training.session import Session


def _check(config: Config) -> None:
    check_sizes(config)
    if not (weight := config.loss.perceptual_weight):
        rule = "must be above 0 for DCMAVG, whose classifier learns by it"
        raise ConfigError.of_field("loss.perceptual_weight", rule, weight)


def _build(config: Config) -> keras.Model:
    from mtnet_tf.models.dcmavg import build_dcmavg

    return build_dcmavg(config)


def _train(config: Config, data: AudioDescriptions, session: Session) -> keras.Model:
    from mtnet_tf.training.dcmavg import train_dcmavg

    return train_dcmavg(config, data, session)


DCMAVG = System(
    name="dcmavg",
    label="DCMAVG",
    tables=("4",),
    check=_check,
    build=_build,
    train=_train,
    controls=INVERTERS,
)
