"""Algorithm 1 from a configuration and a data set to a trained network in a run folder."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions, DataError
from mtnet_tf.files import read_npz, replacing, write_npz
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training.autoencoder_stage import AutoencoderStage, compute_audio_features
from mtnet_tf.training.distribution import is_chief, wait_for_all
from mtnet_tf.training.joint_stage import JointStage
from mtnet_tf.training.loop import run_stage

_logger = logging.getLogger(__name__)
_FEATURES = "audio_features.npz"


def train(
    config: Config,
    data: AudioDescriptions,
    run: RunFolder,
    device: str,
    *,
    stage1_of: RunFolder | None = None,
    strategy: tf.distribute.Strategy | None = None,
    profile: bool = False,
    **records,
) -> keras.Model:
    """Trains MT-Net, or goes on where an earlier process stopped, and returns the joint network.

    Args:
        config: whose `data` fits the data set.
        data: the data set.
        run: the run folder; made if missing.
        device: "cpu" or "gpu", for the record (`devices.select_device`).
        stage1_of: another run whose audio features are taken over if they come from the same stage 1; an ablation
            trains the autoencoder once.
        strategy: on whose replicas stage 2 runs (`distribution.make_strategy`); None for one replica. Stage 1, with its
            ten to some hundred recordings, always runs on one. Of several workers the chief alone writes; the run
            folder must be one that all see.
        profile: writes a trace of some steps of stage 2 for TensorBoard's profiler.
        **records: further values for environment.json.

    Returns:
        The joint network in float32, whatever `config.training.precision`.

    Raises:
        RunFolderError, DataError, DistributionError, NonFiniteLossError, Interrupted.
    """
    _check_fit(config, data)
    strategy = strategy or tf.distribute.get_strategy()
    if not is_chief(strategy):
        wait_for_all(strategy)
        if _is_trained(run):
            return run.model()
        features = read_npz(run / _FEATURES)["audio_feature"] if _has_stage1(config) else None
        return _train_jointly(config, data, run, features, strategy)
    with run.lock():
        run.begin(config, data.metadata["recordings_fingerprint"], device, **records)
        _write_recordings(run, data)
        features = (
            learn_audio_features(config, data, run, stage1_of) if _has_stage1(config) else None
        )
        wait_for_all(strategy)
        if _is_trained(run):
            _logger.info("%s has a trained network already.", run.path)
            return run.model()
        return _train_jointly(config, data, run, features, strategy, profile)


def _is_trained(run) -> bool:
    return (run / "model.keras").is_file() and "steps" in run.environment()


def _has_stage1(config) -> bool:
    return config.loss.representation_weight is not None


def _train_jointly(config, data, run, features, strategy, profile=False) -> keras.Model:
    """Runs stage 2; the chief writes model.keras."""
    keras.utils.set_random_seed(config.training.seed)
    with strategy.scope():
        model = build_mtnet(config)
        stage = JointStage(model, config, data, features)
    seconds = run_stage(stage, run, config.training, profile=profile)
    model = _float32_copy(model, config)
    if is_chief(strategy):
        run.record(
            training_seconds=round(seconds, 1),
            steps=stage.num_steps,
            images_seen=stage.num_steps * stage.batch_size,
            num_parameters=num_parameters(model),
            num_replicas=strategy.num_replicas_in_sync,
        )
        _save(model, run / "model.keras")
    return model


def _float32_copy(model, config) -> keras.Model:
    """Returns the network as it is used: on one device, in float32."""
    training = dataclasses.replace(config.training, precision="float32")
    copy = build_mtnet(dataclasses.replace(config, training=training))
    copy.set_weights(model.get_weights())
    return copy


def describe_sizes(config: Config) -> str:
    """Returns the numbers of trainable parameters of the sub-networks, a line each. Builds them."""
    mtnet = build_mtnet(config)
    parts = [layer for layer in mtnet.layers if layer.trainable_variables]
    parts += [mtnet, build_audio_autoencoder(config)]
    return "\n".join(
        f"{part.name:20} {num_parameters(part):>13,} trainable parameters" for part in parts
    )


def num_parameters(model: keras.Model) -> int:
    """Returns the number of trainable parameters."""
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def _check_fit(config, data):
    found = (*data.train.images.shape[1:], len(data.words), data.recordings.waveforms.shape[1])
    wanted = (*config.data.image_shape, config.data.num_classes, config.data.audio_length)
    if found != wanted:
        raise DataError(
            f"{data.name} does not fit the configuration: (height, width, channels, classes, L_s) are {found}, the "
            f"network is built for {wanted}."
        )


def learn_audio_features(
    config: Config, data: AudioDescriptions, run: RunFolder, stage1_of: RunFolder | None = None
) -> np.ndarray:
    """Runs stage 1 in a run folder that has begun, or takes over its result (lines 1-3).

    Returns the audio feature set, float32 [R, features]. Raises CollapseError where stage 1 has learned too little.
    """
    path, key = run / _FEATURES, _stage1_key(config, data)
    for candidate in (path, stage1_of / _FEATURES if stage1_of else None):
        if candidate is not None and candidate.is_file():
            stored = read_npz(candidate)
            if str(stored["stage1"]) == key:
                if candidate != path:
                    _logger.info("Taking over the audio features of %s.", candidate.parent)
                    write_npz(path, **stored)
                run.record(stage1=json.loads(str(stored["diagnosis"])))
                return stored["audio_feature"]
    keras.utils.set_random_seed(config.training.seed)
    model = build_audio_autoencoder(config)
    stage = AutoencoderStage(model, config, data)
    run_stage(stage, run, config.training)
    _report(stage, run, config)
    features = compute_audio_features(model, data.recordings.float_waveforms())
    _save(model, run / "autoencoder.keras")
    write_npz(
        path,
        audio_feature=features,
        recording_id=np.array(data.recordings.ids),
        stage1=np.array(key),
        diagnosis=np.array(json.dumps(run.environment()["stage1"])),
    )
    return features


def _report(stage, run, config) -> None:
    """Writes what stage 1 has learned into the log and environment.json. Raises CollapseError if that is too little."""
    found = stage.diagnose()
    run.record(stage1={**dataclasses.asdict(found), "steps": stage.num_steps})
    _logger.info(
        "stage 1: reconstruction error %.4g of the recordings' energy (silence has 1), %.0f %% of the audio feature"
        " saturated, nearest words %s",
        found.reconstruction_error,
        100 * found.saturation,
        f"{' and '.join(found.nearest_words)}, cosine {found.nearest_cosine:.3f}"
        if found.nearest_words
        else "none, there is one word",
    )
    found.check(config.training)


def _stage1_key(config, data) -> str:
    """A hash of everything that stage 1 depends on."""
    parts = (
        config.data,
        config.audio_autoencoder,
        config.initialization,
        config.batch_norm,
        config.training.autoencoder,
    )
    values = [dataclasses.asdict(part) for part in parts]
    values += [
        config.loss.reconstruction,
        config.loss.reconstruction_decay_weight,
        config.training.autoencoder_epoch,
        config.training.seed,
    ]
    values += [data.name, data.metadata["recordings_fingerprint"]]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()


def _write_recordings(run, data):
    """Writes the distinct recordings, so that a run folder can say which word a waveform is nearest to."""
    recordings = data.recordings
    words = np.array([data.words[label] if label >= 0 else "" for label in recordings.labels])
    write_npz(
        run / "recordings.npz",
        id=np.array(recordings.ids),
        word=words,
        waveform=recordings.waveforms,
    )


def _save(model, path):
    with replacing(path) as temporary:
        model.save(temporary)
