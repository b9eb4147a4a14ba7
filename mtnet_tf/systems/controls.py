"""Controls: what the scores of a table are worth.

A control is no network: it plays noise, a mean, or a recording. With one recording a word, a plain
classifier that plays the recording beats every network of the paper's tables.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping

import numpy as np

from mtnet_tf.data.pairs import AudioDescriptions, Pairs

_NUM_NOISES = 16  # different white-noise waveforms; the image id chooses one


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What an evaluation scores: a trained network or a control.

    Attributes:
        name: of its result folder.
        label: what a table calls it.
        speak: pairs -> float32 [n, L_s] in [-1, 1], one waveform a pair. A network looks at the
            inputs of the pairs alone; a control may look at their labels. What it answers for a
            pair depends on that pair, not on where the pair stands.
    """

    name: str
    label: str
    speak: Callable[[Pairs], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Control:
    """One control of the tables.

    Attributes:
        name, label: as a `Candidate` has them.
        make: (data, seed, {image id: word by MT-Net's softmax head} or None) -> its `speak`; None
            where it cannot be made: without the head's words, or a second word.
    """

    name: str
    label: str
    make: Callable[
        [AudioDescriptions, int, Mapping[str, str] | None], Callable[[Pairs], np.ndarray] | None
    ]


def _white_noise(
    data: AudioDescriptions, seed: int, predicted: Mapping[str, str] | None
) -> Callable[[Pairs], np.ndarray]:
    """White noise at the level of the recordings that the training split uses."""
    del predicted
    recordings = data.recordings.float_waveforms()
    level = np.sqrt(np.mean(np.square(recordings[np.unique(data.train.recordings)])))
    random = np.random.default_rng(seed)
    noises = random.normal(0.0, level, [_NUM_NOISES, recordings.shape[1]])
    noises = np.clip(noises, -1, 1).astype(np.float32)
    return lambda pairs: noises[[_number(seed, i) % _NUM_NOISES for i in pairs.image_ids]]


def _mean_waveform(
    data: AudioDescriptions, seed: int, predicted: Mapping[str, str] | None
) -> Callable[[Pairs], np.ndarray]:
    """The mean waveform of the training pairs, for every image."""
    del seed, predicted
    uses = np.bincount(data.train.recordings, minlength=len(data.recordings)) / len(data.train)
    mean = (uses @ data.recordings.float_waveforms()).astype(np.float32)
    return lambda pairs: np.tile(mean, [len(pairs), 1])


def _wrong_word(
    data: AudioDescriptions, seed: int, predicted: Mapping[str, str] | None
) -> Callable[[Pairs], np.ndarray] | None:
    """A recording of another word, drawn for each image."""
    del predicted
    num_words, recordings = len(data.words), _recording_of_each_word(data)
    if num_words < 2:
        return None

    def speak(pairs: Pairs) -> np.ndarray:
        shifts = [1 + _number(seed, i) % (num_words - 1) for i in pairs.image_ids]
        return recordings[(pairs.labels + np.array(shifts)) % num_words]

    return speak


def _classifier_and_recording(
    data: AudioDescriptions, seed: int, predicted: Mapping[str, str] | None
) -> Callable[[Pairs], np.ndarray] | None:
    """The recording of the word that the softmax head sees, or silence for what is no word."""
    del seed
    if predicted is None:
        return None
    recordings = dict(zip(data.words, _recording_of_each_word(data)))
    silence = np.zeros_like(data.recordings.float_waveforms()[0])
    return lambda pairs: np.stack(
        [recordings.get(predicted[image_id], silence) for image_id in pairs.image_ids]
    )


def _true_label_and_recording(
    data: AudioDescriptions, seed: int, predicted: Mapping[str, str] | None
) -> Callable[[Pairs], np.ndarray]:
    """The recording of the true word: the ceiling."""
    del seed, predicted
    recordings = _recording_of_each_word(data)
    return lambda pairs: recordings[pairs.labels]


# In the order of the tables.
CONTROLS = (
    Control("white_noise", "white noise", _white_noise),
    Control("mean_waveform", "mean waveform", _mean_waveform),
    Control("wrong_word", "wrong word", _wrong_word),
    Control("classifier_and_recording", "classifier + recording", _classifier_and_recording),
    Control("true_label_and_recording", "true label + recording", _true_label_and_recording),
)


def make_controls(
    data: AudioDescriptions, predicted: Mapping[str, str] | None = None, seed: int = 0
) -> list[Candidate]:
    """Returns the controls as candidates, in the order of the tables.

    Args:
        data: the data set. The recordings are those that its training split uses.
        predicted: {image id: word} of the pairs to score, by MT-Net's softmax head; None leaves out
            the control that needs them.
        seed: of the noise and of the wrong words.
    """
    made = [(control, control.make(data, seed, predicted)) for control in CONTROLS]
    return [Candidate(control.name, control.label, speak) for control, speak in made if speak]


def _number(seed: int, image_id: str) -> int:
    """Returns a number that depends on the seed and the image alone, as if drawn at random."""
    digest = hashlib.blake2b(f"{seed}/{image_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def _recording_of_each_word(data: AudioDescriptions) -> np.ndarray:
    """Returns float32 [words, L_s]: of each word the first recording that the training uses."""
    return data.recordings.float_waveforms()[data.first_recordings()]
