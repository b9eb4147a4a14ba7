"""The training of CMCGAN: the inverter, and then all ways between images and sounds at once."""

from __future__ import annotations

import keras

from mtnet_tf.config import Config
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models import adversarial
from mtnet_tf.models.cmcgan import build_cmcgan
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.cmcgan import CmcganStage
from mtnet_tf.training.stages.inverter import InverterStage


def train_cmcgan(config: Config, data: AudioDescriptions, session: Session) -> keras.Model:
    """Trains CMCGAN, and returns the way from image to waveform.

    Args:
        config: whose `data` fits the data set.
        data: the data set.
        session: where it writes and on which replicas it runs.

    Raises:
        InputError: as `loop.run_stage`.
    """
    spectrograms = LogMel(config).spectrograms(data.recordings.float_waveforms())
    keras.utils.set_random_seed(config.training.seed)
    with session.strategy.scope():
        network = build_cmcgan(config)
        encoders = {
            "image": network.get_layer("image_encoder"),
            "spectrogram": adversarial.build_encoder(config, "spectrogram"),
        }
        decoders = {
            "image": adversarial.build_generator(config, "image"),
            "spectrogram": network.get_layer("spectrogram_generator"),
        }
        discriminator = adversarial.build_pair_discriminator(config)
        stage = InverterStage(network.get_layer("spectrogram_inverter"), config, data, spectrograms)
    session.run_stage(stage)
    with session.strategy.scope():
        stage = CmcganStage(encoders, decoders, discriminator, config, data, spectrograms)
    session.run_stage(stage)
    return network
