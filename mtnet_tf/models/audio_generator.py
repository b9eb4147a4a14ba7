"""Audio generation (section 3.3, Figure 4): cross-modal representation -> waveform."""

import keras
from keras import layers

from mtnet_tf.config import Config
from mtnet_tf.layers.blocks import GatedResidualBlock1D
from mtnet_tf.models.fully_connected import fully_connected_stack
from mtnet_tf.models.initialization import weight_initializers


def build_audio_generator(config: Config) -> keras.Model:
    """Builds `cross_modal_representation -> waveform`.

    The kind "gated_residual" reshapes phi to [length, channels], and applies a stack of dilated
    gated residual blocks (Eq. 8) and two FC layers. The kind "autoencoder_decoder" is FC layers of
    the shape of the autoencoder's decoder (Table 3, Proposed(autoencoder)).

    Input: float32 [batch, cross_modal_mapper.units[-1]]. Output: float32 [batch, L_s] in [-1, 1].
    """
    generator = config.audio_generator
    init = weight_initializers(config.initialization)
    phi = keras.Input((config.cross_modal_mapper.units[-1],), name="cross_modal_representation")
    if generator.kind == "autoencoder_decoder":
        x, units = phi, config.audio_autoencoder.decoder_units()
    else:
        x = layers.Reshape((-1, generator.channels), name="reshape")(phi)
        units = generator.hidden_units
        for n in range(1, generator.num_blocks + 1):
            x = GatedResidualBlock1D(
                generator.kernel_size, generator.dilation_rate, name=f"res1d_{n}", **init
            )(x)
        x = layers.Flatten(name="flatten")(x)
    if units:
        x = fully_connected_stack(
            x, units, dropout_rate=generator.dropout_rate, name="generator_fc", dense=init
        )[-1]
    waveform = layers.Dense(config.data.audio_length, activation="tanh", name="waveform", **init)(x)
    return keras.Model(phi, waveform, name="audio_generator")
