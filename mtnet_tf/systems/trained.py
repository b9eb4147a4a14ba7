"""The trained network of a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.networks import load_weights
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.registry import find

if TYPE_CHECKING:
    import keras


def load_network(run: RunFolder) -> keras.Model:
    """Returns the trained network of a run, ready to speak.

    Raises:
        RunFolderError, ConfigError: as `read_network`.
        InputError: what the system speaks with is not installed (`System.make_ready`).
    """
    network = read_network(run)
    find(run.config().system).make_ready(network)
    return network


def read_network(run: RunFolder) -> keras.Model:
    """Builds the network that config.json asks for, in float32, and reads its trained weights.

    It is not made ready to speak: who only looks at it needs no text-to-speech engine.

    Raises:
        RunFolderError: the run has not finished, or a file of it is damaged.
        ConfigError: no system has the name that the configuration gives.
    """
    config = run.config()
    network = find(config.system).build_for_use(config)
    load_weights(network, run / NETWORK)
    return network
