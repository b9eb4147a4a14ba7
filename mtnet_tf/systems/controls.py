"""What an evaluation scores: anything that turns images into waveforms, be it a network or a control.

A control needs no network, or only its classifier, and says what a score is worth: with one recording a word, a plain
classifier that plays the recording beats every network.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import Protocol

import numpy as np

from mtnet_tf.data.pairs import AudioDescriptions, Pairs

_NUM_NOISES = 16  # different white-noise waveforms; pair i gets the i-th, modulo this


class Generator(Protocol):
    """A system under evaluation.

    Attributes:
        name: of its result folder.
        label: as a table shows it.
    """

    name: str
    label: str

    def __call__(self, pairs: Pairs, first: int) -> np.ndarray:
        """Returns float32 [n, L_s] for pairs that stand at `first` and after in their split. Only the controls that are
        about labels or recordings may look at anything but the images."""


class ModelGenerator:
    """The test network of section 3.5 (and, for the record, its softmax head where it has one)."""

    name = "model"

    def __init__(self, mtnet, label: str):
        import tensorflow as tf

        self.label = label
        self.has_classifier = "logits" in mtnet.output
        self._apply = tf.function(functools.partial(mtnet, training=False), reduce_retracing=True)

    def __call__(self, pairs, first):
        return self._apply(pairs.images)["waveform"].numpy()

    def predict_labels(self, images: np.ndarray, batch_size: int = 500) -> np.ndarray:
        """Returns int32 [n], the classes by the softmax head."""
        batches = [images[i : i + batch_size] for i in range(0, len(images), batch_size)]
        return np.concatenate(
            [self._apply(batch)["logits"].numpy().argmax(-1) for batch in batches]
        ).astype(np.int32)


@dataclasses.dataclass(frozen=True)
class WhiteNoise:
    """White noise at the level of the recordings."""

    data: AudioDescriptions
    seed: int = 0
    name: str = "white_noise"
    label: str = "white noise"

    @functools.cached_property
    def _noises(self):
        recordings = self.data.recordings.float_waveforms()
        level = np.sqrt(np.mean(np.square(recordings[np.unique(self.data.train.recordings)])))
        noise = np.random.default_rng(self.seed).normal(
            0.0, level, [_NUM_NOISES, recordings.shape[1]]
        )
        return np.clip(noise, -1, 1).astype(np.float32)

    def __call__(self, pairs, first):
        return self._noises[np.arange(first, first + len(pairs)) % _NUM_NOISES]


@dataclasses.dataclass(frozen=True)
class MeanWaveform:
    """The mean waveform of the training pairs, for every image."""

    data: AudioDescriptions
    name: str = "mean_waveform"
    label: str = "mean waveform"

    @functools.cached_property
    def _mean(self):
        recordings = self.data.recordings
        uses = np.bincount(self.data.train.recordings, minlength=len(recordings)) / len(
            self.data.train
        )
        return (uses @ recordings.float_waveforms()).astype(np.float32)

    def __call__(self, pairs, first):
        return np.tile(self._mean, [len(pairs), 1])


@dataclasses.dataclass(frozen=True)
class WrongWord:
    """A recording of another word, drawn for each pair."""

    data: AudioDescriptions
    seed: int = 0
    name: str = "wrong_word"
    label: str = "wrong word"

    def __call__(self, pairs, first):
        num_words = len(self.data.words)
        shifts = np.random.default_rng(self.seed).integers(1, num_words, first + len(pairs))[first:]
        return _recordings_of(self.data, (pairs.labels + shifts) % num_words)


@dataclasses.dataclass(frozen=True)
class ClassifierAndRecording:
    """The recording of the word that a classifier sees; the classifier is MT-Net's own softmax head."""

    data: AudioDescriptions
    predicted_labels: np.ndarray  # int32 [size of the split]
    name: str = "classifier_and_recording"
    label: str = "classifier + recording"

    def __call__(self, pairs, first):
        return _recordings_of(self.data, self.predicted_labels[first : first + len(pairs)])


@dataclasses.dataclass(frozen=True)
class TrueLabelAndRecording:
    """The recording of the true word: the ceiling."""

    data: AudioDescriptions
    name: str = "true_label_and_recording"
    label: str = "true label + recording"

    def __call__(self, pairs, first):
        return _recordings_of(self.data, pairs.labels)


def controls(
    data: AudioDescriptions, predicted_labels: np.ndarray | None, seed: int = 0
) -> list[Generator]:
    """Returns the controls in the order of the tables.

    Args:
        data: the data set; recordings come from its training split.
        predicted_labels: int32 [size of the split scored], by MT-Net's softmax head; None leaves that control out.
        seed: of the noise and of the wrong words.
    """
    found = [WhiteNoise(data, seed), MeanWaveform(data), WrongWord(data, seed)]
    if predicted_labels is not None:
        found.append(ClassifierAndRecording(data, predicted_labels))
    return [*found, TrueLabelAndRecording(data)]


def _recordings_of(data, labels) -> np.ndarray:
    """Returns float32 [n, L_s]: for each label the first recording of its word that the training split uses."""
    used = np.unique(data.train.recordings)
    first = {}
    for recording in used:
        first.setdefault(int(data.recordings.labels[recording]), recording)
    missing = [data.words[label] for label in range(len(data.words)) if label not in first]
    if missing:
        raise ValueError(
            f"The training split of {data.name} has no recording of: {', '.join(missing)}."
        )
    return data.recordings.float_waveforms()[[first[int(label)] for label in labels]]
