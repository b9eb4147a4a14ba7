"""Algorithm 1 of the paper: the two-stage training of MT-Net.

The numbers beside the statements are the paper's line numbers. Lines 1-2 and lines 4-7 are each the
body of a "Repeat", which is one step of a stage: `stages/autoencoder.py` and `stages/joint.py`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging

import keras
import numpy as np

from mtnet_tf.config import Config, ConfigError
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.runs.layout import AUDIO_FEATURES, AUTOENCODER
from mtnet_tf.runs.networks import save_network
from mtnet_tf.training.diagnosis import FeatureDiagnosis
from mtnet_tf.training.new_voice import freeze, take_over
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.autoencoder import AutoencoderStage, compute_audio_features
from mtnet_tf.training.stages.joint import JointStage

_logger = logging.getLogger(__name__)


def algorithm1(config: Config, data: AudioDescriptions, session: Session) -> keras.Model:
    """Trains MT-Net, or a row of Table 3, and returns the joint network.

    Args:
        config: whose `data` fits the data set.
        data: the images I^tr, the recordings A^tr and the labels Y.
        session: where it writes and on which replicas it runs. Stage 1, with its ten to some
            hundred recordings, runs on one replica, of the chief.

    Returns:
        The network with the parameters W^J, in the precision of its training.

    Raises:
        ConfigError: layers of fresh weights are to stay as they are.
        CollapseError: stage 1 has learned too little.
        InputError: as `loop.run_stage`.
    """
    if config.training.frozen and session.init_from is None:
        rule = "must be empty for a network that begins with fresh weights (no --init_from)"
        raise ConfigError.of_field("training.frozen", rule, config.training.frozen)
    audio_features = None
    # Without the representation loss nothing is compared with phi^A: there is no stage 1.
    if config.loss.representation_weight is not None:
        audio_features = learn_audio_features(config, data, session)  # 1-3
    keras.utils.set_random_seed(config.training.seed)
    with session.strategy.scope():
        mtnet = build_mtnet(config)  # Initialization
        if session.init_from is not None:
            take_over(mtnet, data.voices, session.init_from)
        freeze(mtnet, config.training.frozen)
        stage = JointStage(mtnet, config, data, audio_features)
    session.run_stage(stage)  # 4-7
    return mtnet


def learn_audio_features(config: Config, data: AudioDescriptions, session: Session) -> np.ndarray:
    """Lines 1-3: trains the audio autoencoder and returns the audio semantic feature set Phi^A.

    It is done once: a run that goes on, or that shares the stage 1 of another, takes what is there.

    Returns:
        float32 [R, features], the feature of each distinct recording.

    Raises:
        CollapseError: as `algorithm1`.
    """

    def compute() -> dict[str, np.ndarray]:
        keras.utils.set_random_seed(config.training.seed)
        autoencoder = build_audio_autoencoder(config)  # Initialization
        stage = AutoencoderStage(autoencoder, config, data)
        session.run_stage(stage, counted=False)  # 1-2
        diagnosis = _report(stage, session, config)
        features = compute_audio_features(autoencoder, data.recordings.float_waveforms())  # 3
        save_network(autoencoder, session.run / AUTOENCODER)
        return {
            "audio_feature": features,
            "recording_id": np.array(data.recordings.ids),
            "diagnosis": np.array(json.dumps(diagnosis)),
        }

    found = session.artefact(AUDIO_FEATURES, stage1_key(config, data), compute)
    diagnosis = json.loads(str(found["diagnosis"]))
    if session.is_chief:
        session.run.record(stage1=diagnosis)
    del diagnosis["steps"]
    # The run from which they are taken over may have been content with less.
    FeatureDiagnosis(**diagnosis).check(config.training)
    return found["audio_feature"]


def _report(stage: AutoencoderStage, session: Session, config: Config) -> dict:
    """Says what stage 1 has learned. Raises CollapseError if that is too little."""
    found = stage.diagnose()
    values = {**dataclasses.asdict(found), "steps": stage.num_steps}
    session.run.record(stage1=values)
    _logger.info(
        "stage 1: reconstruction error %.4g of the recordings' energy (silence has 1), %.0f %% of"
        " the audio feature saturated, nearest words %s",
        found.reconstruction_error,
        100 * found.saturation,
        f"{' and '.join(found.nearest_words)}, cosine {found.nearest_cosine:.3f}"
        if found.nearest_words
        else "none, there is one word",
    )
    found.check(config.training)
    return values


def stage1_key(config: Config, data: AudioDescriptions) -> str:
    """Returns a hash of everything that stage 1 depends on."""
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
    # A part of a data set, such as one voice, has its name and fingerprint too.
    values += [len(data.train), np.unique(data.train.recordings).tolist()]
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
