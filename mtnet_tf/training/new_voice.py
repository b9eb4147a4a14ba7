"""A voice learned beside those that a network knows, from a few recordings (beyond the paper)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np

from mtnet_tf.config import Config, ConfigError
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.data.voices import beside
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.networks import load_weights
from mtnet_tf.runs.run_folder import RunFolder

# Its rows are the voices; all else has the same shape whatever the number of voices.
_EMBEDDINGS = "voice_embedding/embeddings"


def join_voices(
    config: Config, data: AudioDescriptions, run: RunFolder
) -> tuple[Config, AudioDescriptions]:
    """Returns a data set beside what a run knows, and the configuration with both's shapes.

    Args:
        config: of `configure_new_voice`.
        data: the data set, of images of the same shape.
        run: the finished run.

    Raises:
        DataError: as `data.voices.beside`.
    """
    data = beside(data, run.words(), run.recordings())
    shape = dataclasses.replace(
        config.data, num_voices=len(data.voices), num_classes=len(data.words)
    )
    return dataclasses.replace(config, data=shape), data


def take_over(network: keras.Model, voices: Sequence[str], run: RunFolder) -> None:
    """Gives a network the weights of that of a finished run, which knows some of its voices.

    The embedding of a new voice begins as the mean of those that are known.

    Args:
        network: of `build_mtnet`.
        voices: of the network.
        run: of a network with the same layers, and with no voices but these.

    Raises:
        ConfigError: the layers differ.
        RunFolderError: the run has not finished, or its network is damaged.
    """
    other = build_mtnet(run.config().in_float32())
    load_weights(other, run / NETWORK)
    values, known = {weight.path: weight.numpy() for weight in other.weights}, run.voices()
    for name, rows in values.items():
        if name.endswith(_EMBEDDINGS):
            mean = rows.mean(axis=0)
            values[name] = np.stack(
                [rows[known.index(voice)] if voice in known else mean for voice in voices]
            )
    for weight in network.weights:
        if weight.path not in values or values[weight.path].shape != tuple(weight.shape):
            raise ConfigError(
                f"The weight {weight.path} has no counterpart in the network of {run.path}, with"
                " which the training begins: leave the layers as they are there."
            )
        weight.assign(values[weight.path])


def freeze(network: keras.Model, names: Sequence[str]) -> None:
    """Makes layers, at any depth, untrainable; their normalisation keeps its statistics.

    Raises:
        ConfigError: there is no layer of a name, or nothing is left to be trained.
    """
    layers = {layer.name: layer for layer in network._flatten_layers(include_self=False)}
    if unknown := [name for name in names if name not in layers]:
        learning = sorted(name for name, layer in layers.items() if layer.trainable_variables)
        raise ConfigError(
            f"There are no layers {', '.join(unknown)} to freeze. Those with weights are:"
            f" {', '.join(learning)}."
        )
    for name in names:
        layers[name].trainable = False
    if not network.trainable_variables:
        raise ConfigError("All layers are frozen: there is nothing left to be trained.")
