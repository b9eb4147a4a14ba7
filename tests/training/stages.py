"""The two stages as the tests make them: fresh weights of the configuration's seed."""

import keras
import numpy as np

from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.training.stages.autoencoder import AutoencoderStage
from mtnet_tf.training.stages.joint import JointStage


def autoencoder_stage(config, data):
    keras.utils.set_random_seed(config.training.seed)
    return AutoencoderStage(build_audio_autoencoder(config), config, data)


def joint_stage(config, data, features=None):
    if features is None:
        features = np.random.default_rng(5).uniform(-1, 1, (9, 12)).astype(np.float32)
    keras.utils.set_random_seed(config.training.seed)
    return JointStage(build_mtnet(config), config, data, features)
