"""The trained network of a run folder: how it comes there, and how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.networks import load_weights
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.registry import find

if TYPE_CHECKING:
    import keras

    from mtnet_tf.config import Config
    from mtnet_tf.data.pairs import AudioDescriptions


def train(
    config: Config,
    data: AudioDescriptions,
    run: RunFolder,
    device: Literal["cpu", "gpu"],
    **options: Any,
) -> keras.Model:
    """Trains the system that the configuration names, or goes on where a process stopped.

    Args:
        config: whose `data` fits the data set (`data.loading.fit_config`). The precision "auto"
            becomes what the device is fast at (`devices.choose_precision`).
        data: the data set.
        run: the run folder; made if missing.
        device: for the record.
        **options: as in `training.train.train_system`: `strategy`, `keep` and others.

    Returns:
        The trained network, in float32.

    Raises:
        InputError: as `training.train.train_system`; and for a system that is not registered.
    """
    # Here and not above: who describes a picture needs no training.
    from mtnet_tf.runs.devices import choose_precision
    from mtnet_tf.training.train import train_system

    config = choose_precision(config, device)
    return train_system(find(config.system), config, data, run, device, **options)


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
