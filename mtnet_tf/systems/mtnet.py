"""MT-Net, and its four variants of Table 3 (ablation analysis, section 4.4)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mtnet_tf.systems.controls import CONTROLS
from mtnet_tf.systems.system import System

if TYPE_CHECKING:
    from collections.abc import Callable

    import keras

    from mtnet_tf.config import Config
    from mtnet_tf.data.pairs import AudioDescriptions
    from mtnet_tf.training.session import Session

# TensorFlow is imported where a network is built: a program knows the rows before that.


def _build(config: Config) -> keras.Model:
    from mtnet_tf.models.mtnet import build_mtnet

    return build_mtnet(config)


def _train(config: Config, data: AudioDescriptions, session: Session) -> keras.Model:
    from mtnet_tf.training.algorithm1 import algorithm1

    return algorithm1(config, data, session)


MTNET = System(
    name="mtnet",
    label="MT-Net",
    tables=("3", "4"),
    build=_build,
    train=_train,
    controls=CONTROLS,
    takes_voices=True,
)


def _ablation(name: str, label: str, configure: Callable[[Config], Config]) -> System:
    return dataclasses.replace(
        MTNET, name=name, label=label, tables=("3",), configure=configure, controls=()
    )


def _generation_loss_alone(config: Config) -> Config:
    config = _without_perceptual_loss(config)
    return dataclasses.replace(config, loss=config.loss.without_audio_feature())


def _without_perceptual_loss(config: Config) -> Config:
    loss = dataclasses.replace(config.loss, perceptual_weight=None, generation_target="true_word")
    return dataclasses.replace(config, loss=loss)


def _without_holes(config: Config) -> Config:
    return dataclasses.replace(
        config,
        image_encoder=dataclasses.replace(config.image_encoder, dilation_rates=(1,)),
        audio_generator=dataclasses.replace(config.audio_generator, dilation_rate=1),
    )


def _decoder_as_generator(config: Config) -> Config:
    generator = dataclasses.replace(config.audio_generator, kind="autoencoder_decoder")
    return dataclasses.replace(config, audio_generator=generator)


# Neither of the first two rows has a classifier head, and the first learns no audio feature.
GEN_ONLY = _ablation("gen_only", "Meth.(L_gen)", _generation_loss_alone)
GEN_REP = _ablation("gen_rep", "Meth.(L_gen + L_rep)", _without_perceptual_loss)
# Kernels *without* holes, in the 2D and in the 1D blocks.
NO_HOLES = _ablation("no_holes", "Proposed(hole)", _without_holes)
# A fresh stack of the autoencoder's decoder shape, trained jointly, is the generator.
AUTOENCODER = _ablation("autoencoder", "Proposed(autoencoder)", _decoder_as_generator)

ABLATIONS = (GEN_ONLY, GEN_REP, NO_HOLES, AUTOENCODER)
