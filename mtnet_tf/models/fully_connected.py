"""A stack of fully connected layers, which every sub-network of MT-Net ends or begins with."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


def fully_connected_stack(
    x: keras.KerasTensor,
    units: tuple[int, ...],
    *,
    activation: str = "tanh",
    dropout_rate: float = 0.0,
    batch_norm: dict[str, Any] | None = None,
    name: str,
    dense: dict[str, Any],
) -> list[keras.KerasTensor]:
    """Applies Dense(units[i]) and an activation for each i (Eq. 5).

    Args:
        x: float [batch, features].
        units: sizes of the layers.
        activation: of every layer.
        dropout_rate: after every layer; 0 adds no layer.
        batch_norm: keyword arguments of a normalisation before the activation, or None for none.
        name: the layers are called `{name}{i}`, counted from 1.
        dense: keyword arguments of every Dense layer.

    Returns:
        A list of the outputs, one a layer: float [batch, units[i]].
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
