"""CMCGAN: one adversarial training of all ways between images and sounds, a row of Table 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtnet_tf.systems.adversarial_sizes import check_sizes
from mtnet_tf.systems.system import System

if TYPE_CHECKING:
    import keras

    from mtnet_tf.config import Config
    from mtnet_tf.data.pairs import AudioDescriptions
    from mtnet_tf.training.session import Session


def _build(config: Config) -> keras.Model:
    from mtnet_tf.models.cmcgan import build_cmcgan

    return build_cmcgan(config)


def _train(config: Config, data: AudioDescriptions, session: Session) -> keras.Model:
    from mtnet_tf.training.cmcgan import train_cmcgan

    return train_cmcgan(config, data, session)


CMCGAN = System(
    name="cmcgan",
    label="CMCGAN",
    tables=("4",),
    check=check_sizes,
    build=_build,
    train=_train,
)
