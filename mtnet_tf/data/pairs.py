"""A prepared data set in memory: its pairs by split, and its distinct recordings.

Images stay uint8 (184 MB for all of CIFAR). Each distinct recording is held once, as int16.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mtnet_tf.config import ConfigError
from mtnet_tf.data import audio
from mtnet_tf.errors import InputError


class DataError(InputError, ValueError):
    """A data set that does not fit the network or itself; the message says what to do."""


def voice_of(recording_id: str) -> str:
    """Returns the voice in an id, which is <word>/<voice>_<take>: "jackson" of "zero/jackson_0"."""
    return recording_id.partition("/")[2].rpartition("_")[0]


@dataclasses.dataclass(frozen=True)
class Recordings:
    """The distinct recordings of a data set.

    Attributes:
        ids: e.g. "zero/jackson_0", one a recording.
        labels: int32 [R], the class each recording names.
        waveforms: int16 [R, L_s], zero-padded at the end.
    """

    ids: tuple[str, ...]
    labels: np.ndarray
    waveforms: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def voices(self) -> list[str]:
        """Returns the voice of each recording."""
        return [voice_of(recording_id) for recording_id in self.ids]

    def float_waveforms(self) -> np.ndarray:
        """Returns float32 [R, L_s] in [-1, 1]."""
        return audio.from_int16(self.waveforms)


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Images paired with recordings.

    Attributes:
        images: uint8 [n, height, width, channels].
        labels: int32 [n], the class of each image.
        recordings: int32 [n], rows of `Recordings`.
        voices: int32 [n], the voice of each recording: places in `AudioDescriptions.voices`.
        image_ids: str [n].
    """

    images: np.ndarray
    labels: np.ndarray
    recordings: np.ndarray
    voices: np.ndarray
    image_ids: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def inputs(self) -> dict[str, np.ndarray]:
        """Returns what a network may see of each pair, under the names of its inputs."""
        return {"image": self.images, "voice": self.voices}

    def columns(self) -> dict[str, np.ndarray]:
        """Returns what a training step needs of each pair: the inputs, and what its targets are."""
        return {**self.inputs(), "label": self.labels, "recording": self.recordings}

    def take(self, rows: np.ndarray | list[int] | slice) -> Pairs:
        """Returns the pairs of some rows, in that order."""
        return Pairs(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))

    def spread(self, count: int) -> Pairs:
        """Returns `count` pairs evenly spread over these; all for 0 or where there are no more."""
        if count <= 0 or count >= len(self):
            return self
        return self.take(np.arange(count) * len(self) // count)


@dataclasses.dataclass(frozen=True)
class AudioDescriptions:
    """A data set in memory.

    Attributes:
        name: data set and config, e.g. "digits_ad/one_recording-5f9f91af15e4".
        train: pairs that are trained on.
        validation: pairs that choose recipes.
        test: pairs that are scored.
        recordings: the distinct recordings of all splits.
        words: the spoken word of each class, in label order.
        voices: names of the voices, in the order of `Pairs.voices`.
        metadata: the builder's: pairing policy, L_s, recordings and their hashes.
    """

    name: str
    train: Pairs
    validation: Pairs
    test: Pairs
    recordings: Recordings
    words: tuple[str, ...]
    voices: tuple[str, ...]
    metadata: dict

    def require_validation(self, purpose: str) -> None:
        """Raises ConfigError where the validation part is empty.

        Args:
            purpose: the beginning of the message, such as "A recipe is chosen".
        """
        if not len(self.validation):
            raise ConfigError(
                f"{purpose} on the validation part of the training split, and there is none: train"
                " with data.validation_fraction above 0, such as 0.05."
            )

    def first_recordings(self) -> np.ndarray:
        """Returns int64 [words]: of each word the first recording that the training split uses.

        Of a word that it lacks, as where a new voice says a part of the words, it is the first of
        all recordings.

        Raises:
            DataError: there is no recording of a word.
        """
        first = {}
        for recording in [*np.unique(self.train.recordings), *range(len(self.recordings))]:
            first.setdefault(int(self.recordings.labels[recording]), recording)
        missing = [word for label, word in enumerate(self.words) if label not in first]
        if missing:
            raise DataError(
                f"{self.name} has no recording of: {', '.join(missing)}. Prepare the data set with"
                " more images or recordings."
            )
        return np.array([first[label] for label in range(len(self.words))])

    def recordings_by_voice(self) -> np.ndarray:
        """Returns int64 [voices, words]: the first recording that the training split uses of each.

        For a word that a voice lacks it is the word's first recording by anyone.

        Raises:
            DataError: as `first_recordings`.
        """
        heard = self.heard_by_voice()
        return np.where(heard < 0, self.first_recordings(), heard)

    def heard_by_voice(self) -> np.ndarray:
        """Returns `recordings_by_voice`, with -1 for a word that a voice lacks."""
        train, found = self.train, np.full([len(self.voices), len(self.words)], -1)
        # The first of equal (voice, word) comes last, and so stays.
        order = np.argsort(-train.recordings, kind="stable")
        found[train.voices[order], train.labels[order]] = train.recordings[order]
        return found

    def used_recordings(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns int64 [n], the recordings that the training split uses, and their weights.

        The weight of a recording, float32 [n], is how often it is used; the mean weight is 1.
        """
        uses = np.bincount(self.train.recordings, minlength=len(self.recordings))
        (used,) = np.nonzero(uses)
        return used, (uses[used] / uses[used].mean()).astype(np.float32)

    def recordings_record(self) -> dict:
        """Returns what a result says of its recordings: which they are, and how they were made.

        "made_by" is None where the data set does not know it.
        """
        return {
            "fingerprint": self.metadata["recordings_fingerprint"],
            "policy": self.metadata["policy"],
            "made_by": self.metadata.get("recordings_made_by"),
            "used": [dict(recording) for recording in self.metadata["recordings"]],
        }
