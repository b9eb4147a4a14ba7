"""Spectrogram -> waveform (Table 4): three convolution and three fully connected layers."""

import dataclasses

import keras
from keras import layers

from mtnet_tf.config import Config
from mtnet_tf.layers.fused_batch_norm import FusedBatchNormalization
from mtnet_tf.models.fully_connected import fully_connected_stack
from mtnet_tf.models.initialization import weight_initializers


def build_spectrogram_inverter(config: Config) -> keras.Model:
    """Builds `spectrogram -> waveform`: 3x3 convolutions of stride 2 with BN and ReLU, FC layers.

    Input: float32 [batch, mels, frames, 1] in [-1, 1]. Output: float32 [batch, L_s] in [-1, 1]. In
    training, noise may be added to the input.
    """
    inverter, init = config.spectrogram_inverter, weight_initializers(config.initialization)
    spectrogram = keras.Input(config.log_mel.shape(), name="spectrogram")
    x = spectrogram
    if inverter.input_noise:
        x = layers.GaussianNoise(inverter.input_noise, name="input_noise")(x)
    for k, channels in enumerate(inverter.channels, 1):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", name=f"conv{k}", **init)(x)
        x = FusedBatchNormalization(name=f"bn{k}", **dataclasses.asdict(config.batch_norm))(x)
        x = layers.ReLU(name=f"relu{k}")(x)
    x = layers.Flatten(name="flatten")(x)
    if inverter.hidden_units:
        x = fully_connected_stack(x, inverter.hidden_units, name="fc", dense=init)[-1]
    waveform = layers.Dense(config.data.audio_length, activation="tanh", name="waveform", **init)(x)
    return keras.Model(spectrogram, waveform, name="spectrogram_inverter")
