"""The voice in the cross-modal representation (beyond the paper): one network, many voices."""

import keras

from mtnet_tf.config import Config
from mtnet_tf.models.initialization import weight_initializers

# The layers of each form that all voices share.
SHARED_LAYERS = {"concatenation": ("voice_fc",), "film": ("gamma", "beta")}


def build_voice_conditioning(config: Config) -> keras.Model:
    """Builds `{cross_modal_representation, voice} -> cross_modal_representation`.

    Inputs, a dict: phi, float32 [batch, cross_modal_mapper.units[-1]]; `voice`, int32 [batch], from
    0 to data.num_voices - 1. Output: phi in that voice, as large. With "concatenation" it is an FC
    layer with tanh of phi and the embedding of the voice, in [-1, 1]. With "film" (Perez et al.
    2018) it is (1 + gamma) phi + beta, both linear in the embedding and 0 at the start.
    """
    units, init = config.cross_modal_mapper.units[-1], weight_initializers(config.initialization)
    phi = keras.Input((units,), name="cross_modal_representation")
    voice = keras.Input((), name="voice", dtype="int32")
    embedding = keras.layers.Embedding(
        config.data.num_voices, config.voice.embedding_units, name="voice_embedding"
    )(voice)
    if config.voice.conditioning == "concatenation":
        joined = keras.layers.Concatenate(name="phi_and_voice")([phi, embedding])
        spoken = keras.layers.Dense(units, activation="tanh", name="voice_fc", **init)(joined)
    else:
        zeros = {"kernel_initializer": "zeros", "bias_initializer": "zeros"}
        gamma = keras.layers.Dense(units, name="gamma", **zeros)(embedding)
        beta = keras.layers.Dense(units, name="beta", **zeros)(embedding)
        scaled = keras.layers.Multiply(name="gamma_times_phi")([gamma, phi])
        spoken = keras.layers.Add(name="phi_in_voice")([phi, scaled, beta])
    inputs = {"cross_modal_representation": phi, "voice": voice}
    return keras.Model(inputs, spoken, name="voice_conditioning")
