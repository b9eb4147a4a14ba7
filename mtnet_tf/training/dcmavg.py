"""The training of DCMAVG: three stages, each of which needs what the one before has learned."""

from __future__ import annotations

import hashlib

import keras
import numpy as np

from mtnet_tf.config import Config, to_json
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.data.slices import slices
from mtnet_tf.models.adversarial import build_discriminator
from mtnet_tf.models.dcmavg import build_dcmavg
from mtnet_tf.models.tracing import traced
from mtnet_tf.runs.layout import EMBEDDINGS
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.classifier import ClassifierStage
from mtnet_tf.training.stages.dcmavg import DcmavgStage
from mtnet_tf.training.stages.inverter import InverterStage

_BATCH = 250


def train_dcmavg(config: Config, data: AudioDescriptions, session: Session) -> keras.Model:
    """Trains the parts of DCMAVG one after the other, and returns the whole.

    The inverter learns from true spectrograms, and the embedding from the words of the images; both
    are frozen when the adversarial networks learn spectrograms from embeddings.

    Args:
        config: whose `data` fits the data set.
        data: the data set.
        session: where it writes and on which replicas it runs.

    Raises:
        InputError: as `loop.run_stage`.
    """
    spectrograms = LogMel(config).spectrograms(data.recordings.float_waveforms())
    keras.utils.set_random_seed(config.training.seed)
    with session.strategy.scope():
        network = build_dcmavg(config)
        discriminator = build_discriminator(config, "spectrogram")
        classifier, generator, inverter = (
            network.get_layer(name)
            for name in ("image_classifier", "spectrogram_generator", "spectrogram_inverter")
        )
        stage = InverterStage(inverter, config, data, spectrograms)
    session.run_stage(stage)
    with session.strategy.scope():
        stage = ClassifierStage(classifier, config, data)
    session.run_stage(stage)
    embeddings = session.artefact(
        EMBEDDINGS,
        _embeddings_key(classifier, config, data),
        lambda: {
            "train": _embeddings(classifier, data.train),
            "validation": _embeddings(classifier, data.validation),
        },
    )
    with session.strategy.scope():
        stage = DcmavgStage(generator, discriminator, config, data, spectrograms, embeddings)
    session.run_stage(stage)
    return network


def _embeddings_key(classifier: keras.Model, config: Config, data: AudioDescriptions) -> str:
    """Returns a hash of all that the embeddings depend on: weights, configuration and images."""
    digest = hashlib.sha256(to_json(config).encode())
    images = [data.train.images, data.validation.images]
    for array in [*classifier.get_weights(), *images]:
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _embeddings(classifier: keras.Model, pairs: Pairs) -> np.ndarray:
    """Returns float32 [n, embedding_units]."""
    units = classifier.output["embedding"].shape[-1]
    embed = traced(
        lambda images: classifier({"image": images}, training=False)["embedding"],
    )
    parts = [np.zeros([0, units], np.float32)]
    parts += [embed(pairs.images[rows]).numpy() for rows in slices(len(pairs), _BATCH)]
    return np.concatenate(parts)
