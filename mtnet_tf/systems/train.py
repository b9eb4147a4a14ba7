"""A training from a configuration and a data set to a trained network in a run folder."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions, DataError
from mtnet_tf.data.voices import never_heard, require_heard
from mtnet_tf.files import write_npz
from mtnet_tf.models.mtnet import build_test_network
from mtnet_tf.models.operations import forward_flops
from mtnet_tf.runs.devices import choose_precision
from mtnet_tf.runs.layout import NETWORK, RECORDINGS
from mtnet_tf.runs.networks import load_weights, num_parameters, save_network
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.registry import find
from mtnet_tf.training.distribution import wait_for_all
from mtnet_tf.training.session import Session

_logger = logging.getLogger(__name__)


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
        device: for the record (`devices.select_device`); it does not choose the device.
        shared: other runs whose artefacts, such as the audio features of stage 1, are taken over
            where everything that they depend on is equal. A study trains the autoencoder once.
        strategy: on whose replicas the stages run that can be spread
            (`distribution.make_strategy`); None for one replica. Of several workers the chief alone
            writes. The run folder must be one that all of them see.
        profile: writes a trace of some steps of each counted stage for TensorBoard's profiler.
        init_from: a finished run of MT-Net with whose network stage 2 begins (`new_voice.py`).
        keep: "model" removes checkpoints and networks of earlier stages when the training ends.
        **records: further values for environment.json.

    Returns:
        The trained network in float32, whatever `config.training.precision`.

    Raises:
        ConfigError: the system is not registered, or cannot be trained with this configuration.
        RunFolderError: another process uses the folder, or it was begun otherwise.
        DataError: the data set does not fit the configuration, or the network is told the voice and
            was to learn one of no training pair.
        InputError: as the stages of the system.
    """
    config = choose_precision(config, device)
    system = find(config.system)
    system.check(config)
    _check_fit(config, data)
    if config.depends_on_voice and init_from is None:
        require_heard(data)
    session = Session(
        run,
        config.training,
        strategy=strategy,
        shared=shared,
        profile=profile,
        init_from=init_from,
    )
    with run.lock() if session.is_chief else contextlib.nullcontext():
        if session.is_chief:
            fingerprint = data.metadata["recordings_fingerprint"]
            records["never_heard"] = never_heard(data)
            run.begin(config, fingerprint, device, init_from, **records)
            _write_recordings(run, data)
        wait_for_all(session.strategy)
        if run.is_finished():
            _logger.info("%s has a trained network already.", run.path)
            network = system.build_for_use(config)
            load_weights(network, run / NETWORK)
        else:
            trained = system.train(config, data, session)
            network = system.build_for_use(config)
            network.set_weights(trained.get_weights())
            if session.is_chief:
                _record(run, network, session)
        if session.is_chief and keep == "model":
            run.remove_training_state()
    return network


def _record(run: RunFolder, network: keras.Model, session: Session) -> None:
    stage = session.last_stage
    run.record(
        training_seconds=round(session.seconds, 1),
        steps=stage.num_steps,
        images_seen=stage.num_steps * stage.batch_size,
        num_parameters=num_parameters(network),
        flops_per_image=_flops_per_image(build_test_network(network)),
        num_replicas=session.strategy.num_replicas_in_sync,
    )
    # Last: a run is finished when its network is there.
    save_network(network, run / NETWORK)


def _flops_per_image(test_network: keras.Model) -> int | None:
    """Returns the operations of one image; None where there is a layer that is not counted."""
    try:
        return sum(forward_flops(test_network, 1, training=False).values())
    except ValueError as error:
        _logger.warning("flops_per_image is not recorded: %s", error)
        return None


def _check_fit(config: Config, data: AudioDescriptions) -> None:
    wanted = config.data
    found = dataclasses.replace(
        wanted,
        image_shape=data.train.images.shape[1:],
        num_classes=len(data.words),
        num_voices=len(data.voices) if config.depends_on_voice else wanted.num_voices,
        audio_length=data.recordings.waveforms.shape[1],
    )
    if found != wanted:
        fields = dataclasses.asdict(found).items()
        changed = {name: value for name, value in fields if value != getattr(wanted, name)}
        expected = {name: getattr(wanted, name) for name in changed}
        raise DataError(
            f"{data.name} does not fit the configuration: it has {changed}, and the network is"
            f" built for {expected}."
        )


def _write_recordings(run: RunFolder, data: AudioDescriptions) -> None:
    """Writes the recordings and the words, so that a run folder can say which word was said."""
    recordings = data.recordings
    words = np.array([data.words[label] if label >= 0 else "" for label in recordings.labels])
    write_npz(
        run / RECORDINGS,
        id=np.array(recordings.ids),
        word=words,
        waveform=recordings.waveforms,
        words=np.array(data.words),
    )
