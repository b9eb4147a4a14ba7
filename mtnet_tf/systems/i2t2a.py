"""I2T2A: image to text to audio, a row of Table 4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtnet_tf.systems.speech_controls import SPEECH_CONTROLS
from mtnet_tf.systems.system import System

if TYPE_CHECKING:
    import keras

    from mtnet_tf.config import Config
    from mtnet_tf.data.pairs import AudioDescriptions
    from mtnet_tf.training.session import Session


def _build(config: Config) -> keras.Model:
    from mtnet_tf.models.i2t2a import build_i2t2a

    return build_i2t2a(config)


def _train(config: Config, data: AudioDescriptions, session: Session) -> keras.Model:
    import keras

    from mtnet_tf.training.stages.text import TextStage

    keras.utils.set_random_seed(config.training.seed)
    with session.strategy.scope():
        network = _build(config)
        stage = TextStage(network, config, data)
    _load_voice(network)  # a voice that is missing is told before the training, not after it
    session.run_stage(stage)
    return network


def _load_voice(network: keras.Model) -> None:
    from mtnet_tf.models.i2t2a import SPEECH

    network.get_layer(SPEECH).load_voice()


I2T2A = System(
    name="i2t2a",
    label="I2T2A",
    tables=("4",),
    build=_build,
    train=_train,
    make_ready=_load_voice,
    controls=SPEECH_CONTROLS,
)
