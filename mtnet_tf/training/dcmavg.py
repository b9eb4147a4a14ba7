"""The training of DCMAVG: three stages, each of which needs what the one before has learned."""

from __future__ import annotations

import dataclasses
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
    are frozen when the adversarial networks learn spectrograms from embeddings. These belong to the
    true words or, with `loss.generation_target` "softmax_word", to those that the classifier names.

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
    pairs = data.train
    if config.loss.generation_target == "softmax_word":
        logits = classifier.get_layer("classifier")(embeddings["train"]).numpy()
        pairs = named_pairs(data, logits.argmax(axis=-1))
    with session.strategy.scope():
        stage = DcmavgStage(generator, discriminator, config, data, spectrograms, embeddings, pairs)
    session.run_stage(stage)
    return network


def named_pairs(data: AudioDescriptions, words: np.ndarray) -> Pairs:
    """Returns the training pairs, each with the word that a classifier names and its recording.

    It is by the pair's voice. A word that this voice was never heard to say is not asked for. Asked
    for the true words, the generator has several answers for an embedding that is unsure, and draws
    lots among them.

    Args:
        data: the data set.
        words: of each training image, int [n].
    """
    train = data.train
    recordings = data.heard_by_voice()[train.voices, words]
    own = (words == train.labels) | (recordings < 0)
    return dataclasses.replace(
        train,
        labels=np.where(own, train.labels, words).astype(train.labels.dtype),
        recordings=np.where(own, train.recordings, recordings).astype(train.recordings.dtype),
    )


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
