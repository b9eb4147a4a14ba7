"""Audio feature learning (section 3.1.2, Table 2): an autoencoder around the audio feature."""

import dataclasses

import keras

from mtnet_tf.config import Config
from mtnet_tf.models.fully_connected import fully_connected_stack
from mtnet_tf.models.initialization import weight_initializers


def build_audio_autoencoder(config: Config) -> keras.Model:
    """Builds `audio -> {"audio_feature", "reconstruction"}`, FC layers with tanh (Eq. 5).

    Input: float32 [batch, L_s] in [-1, 1]. Outputs, both in [-1, 1]: `audio_feature`, phi^A,
    float32 [batch, feature_size]; `reconstruction`, float32 [batch, L_s].
    """
    autoencoder = config.audio_autoencoder
    length = config.data.audio_length
    audio = keras.Input((length,), name="audio")
    outputs = fully_connected_stack(
        audio,
        (*autoencoder.hidden_units, length),
        batch_norm=dataclasses.asdict(config.batch_norm) if autoencoder.batch_norm else None,
        name="audio_fc",
        dense=weight_initializers(config.initialization),
    )
    return keras.Model(
        audio,
        {"audio_feature": outputs[autoencoder.feature_layer - 1], "reconstruction": outputs[-1]},
        name="audio_autoencoder",
    )
