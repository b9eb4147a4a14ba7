"""The trained network of a run folder: how it comes there, and how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.networks import load_weights
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.registry import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras
    import tensorflow as tf

    from mtnet_tf.config import Config
    from mtnet_tf.data.pairs import AudioDescriptions


def train(
    config: Config,
    data: AudioDescriptions,
    run: RunFolder,
    device: Literal["cpu", "gpu"],
    *,
    shared: Sequence[RunFolder] = (),
    strategy: tf.distribute.Strategy | None = None,
    profile: bool = False,
    init_from: RunFolder | None = None,
    keep: Literal["all", "model"] = "all",
    **records: Any,
) -> keras.Model:
    """Trains the system that the configuration names, or goes on where a process stopped.

    Args:
        config: whose `data` fits the data set (`data.loading.fit_config`). The precision "auto"
            becomes what the device is fast at (`devices.choose_precision`).
        data: the data set.
        run: the run folder; made if missing.
        device: is recorded; it does not choose the device.
        shared: other runs whose audio features are taken over where they would be the same.
        strategy: on whose replicas it trains; None for one replica.
        profile: writes traces for TensorBoard's profiler.
        init_from: a finished run of MT-Net with whose network stage 2 begins.
        keep: "model" removes checkpoints and networks of earlier stages when the training ends.
        **records: further values for environment.json.

    Returns:
        The trained network, in float32.

    Raises:
        InputError: as `training.train.train_system`; for a system that is not registered, or that
            cannot be trained with this configuration.
    """
    # Here and not above: who describes a picture needs no training.
    from mtnet_tf.runs.devices import choose_precision
    from mtnet_tf.training.train import train_system

    config = choose_precision(config, device)
    system = find(config.system)
    system.check(config)
    return train_system(
        system,
        config,
        data,
        run,
        device,
        shared=shared,
        strategy=strategy,
        profile=profile,
        init_from=init_from,
        keep=keep,
        **records,
    )


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
