"""A stack of fully connected layers, which every sub-network of MT-Net begins or ends with."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers


def fully_connected_stack(
    x: keras.KerasTensor,
    units: Sequence[int],
    *,
    activation: str = "tanh",
    dropout_rate: float = 0.0,
    batch_norm: dict[str, Any] | None = None,
    name: str,
    dense: dict[str, Any],
) -> list[keras.KerasTensor]:
    """Applies fully connected layers with an activation one after another (Eq. 5).

    Args:
        x: float [batch, features].
        units: Sizes of the layers.
        activation: Of every layer.
        dropout_rate: Of a dropout after every layer; 0 adds none.
        batch_norm: Keyword arguments of a normalisation before every activation, None for none.
        name: The layers are called `{name}{i}`, counted from 1.
        dense: Keyword arguments of every Dense layer.

    Returns:
        The output of each layer, float [batch, units[i]].
    """
    outputs = []
    for i, size in enumerate(units, 1):
        if batch_norm is None:
            x = layers.Dense(size, activation=activation, name=f"{name}{i}", **dense)(x)
        else:
            x = layers.Dense(size, name=f"{name}{i}", **dense)(x)
            x = layers.BatchNormalization(name=f"{name}{i}_bn", **batch_norm)(x)
            x = layers.Activation(activation, name=f"{name}{i}_{activation}")(x)
        if dropout_rate > 0:
            x = layers.Dropout(dropout_rate, name=f"{name}{i}_dropout")(x)
        outputs.append(x)
    return outputs
