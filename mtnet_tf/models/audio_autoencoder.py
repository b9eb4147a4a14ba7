"""Audio feature learning (section 3.1.2, Table 2): an autoencoder of waveforms."""

import dataclasses

import keras

from mtnet_tf.config import Config
from mtnet_tf.models.fully_connected import fully_connected_stack
from mtnet_tf.models.initialization import weight_initializers


def build_audio_autoencoder(config: Config) -> keras.Model:
    """Builds the autoencoder, a stack of fully connected layers with tanh (Eq. 5).

    Input: float32 [batch, L_s] in [-1, 1], waveforms.

    Outputs, both in [-1, 1]: "audio_feature" float32 [batch, hidden_units[feature_layer - 1]], the
    middle layer phi^A; "reconstruction" float32 [batch, L_s].

    Args:
        config: The configuration of the run.

    Returns:
        The model `audio -> {"audio_feature", "reconstruction"}`.
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


def decoder_units(config: Config) -> tuple[int, ...]:
    """Returns the sizes of the layers after the audio feature, without the last one.

    Args:
        config: The configuration of the run.

    Returns:
        Units of each layer; the last layer, which is left out, has L_s.
    """
    return config.audio_autoencoder.hidden_units[config.audio_autoencoder.feature_layer :]
