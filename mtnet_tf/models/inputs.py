"""Networks take a dict of named inputs: `image`, and whatever else a system conditions on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras


def named_inputs(network: keras.Model, values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those of some values that a network takes, by the names of its inputs.

    Callers hand everything that they know of an image on, and need not know what a network uses.

    Args:
        network: a functional model whose input is a dict.
        values: {name: array or tensor [batch, ...]}.

    Raises:
        ValueError: the network takes an input that is not among the values.
    """
    if missing := [name for name in network.input if name not in values]:
        raise ValueError(
            f"The network {network.name} takes {', '.join(network.input)}; there is no"
            f" {', '.join(missing)}. Received: {', '.join(values)}."
        )
    return {name: values[name] for name in network.input}
