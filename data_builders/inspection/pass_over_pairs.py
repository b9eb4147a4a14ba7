"""The pass over the pairs of a prepared data set that finds its facts and faults.

What the pass holds grows with the recordings and the classes, and by 20 bytes for each pair: the
digest of its image and its label. Images are not decoded.
"""

from __future__ import annotations

import array
import dataclasses
import hashlib
import io
from collections.abc import Callable

import numpy as np
import PIL.Image

from data_builders.inspection.checks import (
    FAILED,
    Check,
    Sound,
    check_balance,
    check_clipping,
    check_hashes,
    check_images,
    check_labels,
    check_leak,
    check_pairs,
    check_recordings,
    check_silence,
    check_splits,
    measure,
)
from data_builders.recordings import folder_name
from mtnet_tf.data.loading import read_batches, samples_of
from mtnet_tf.data.pairs import DataError
from mtnet_tf.data.prepared import SPLITS, PreparedDataSet
from mtnet_tf.errors import first_line
from mtnet_tf.progress import Progress

_MAX_EXAMPLES = 100
_MAX_HELD = 1000  # recordings of 20 to 60 kB
_MODES = {1: "L", 3: "RGB"}  # Pillow's name of 8-bit images of so many channels
_WRONG_WORD = "the word is not that of the label"
_WRONG_RECORDING = "the recording is of another word"
_WRONG_VOICE = "the recording is by another voice"
_WRONG_ID = "the recording's id names another word or voice"


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """A pair.

    Attributes:
        image_id: split and place of the image in its source, e.g. "test_00042".
        word: the word spoken.
        voice_id: who speaks it.
        image: uint8 [height, width, channels].
        samples: int16 [num_samples], not padded.
    """

    image_id: str
    word: str
    voice_id: str
    image: np.ndarray
    samples: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What is known of a data set.

    Attributes:
        facts: what section 4.1 of the paper says of a data set, as JSON types.
        checks: one of each kind, always in the same order.
        examples: of each class (the first 100) the test pair with the lowest image id, in label
            order.
    """

    facts: dict
    checks: tuple[Check, ...]
    examples: tuple[Example, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(check.name for check in self.checks if check.status == FAILED)


def inspect(dataset: PreparedDataSet) -> Inspection:
    """Reads all pairs of a prepared data set once and checks them.

    Args:
        dataset: the opened folder (`mtnet_tf.data.prepared.open_prepared`).

    Returns:
        The facts, the checks and an example of each class.

    Raises:
        DataError: a file of pairs is missing or damaged, or there are no pairs.
    """
    tally = _Tally(dataset)
    declared = {split: dataset.splits[split].num_pairs for split in SPLITS}
    progress = Progress("inspected", sum(declared.values()))
    for split, batch in _batches(dataset):
        tally.add(split, batch)
        progress.add(len(batch["label"]))
    if not tally.sounds:
        raise DataError(
            f"The files of {dataset.path} hold no pairs. Delete the folder and prepare the data set"
            " again with experiments.prepare_data."
        )
    metadata, records = dataset.metadata, tally.records
    names, processing = dataset.recording_ids, metadata["processing"]
    sounds = {names[number]: sound for number, sound in sorted(tally.sounds.items())}
    checks = (
        check_pairs(declared, {split: len(labels) for split, labels in tally.labels.items()}),
        check_hashes(names, tally.pairs, tally.wrong_samples, tally.wrong_length),
        check_labels(tally.disagreements),
        check_splits(records, tally.pairs),
        check_leak(metadata["policy"], records, tally.pairs),
        check_balance(dataset.class_names, tally.class_counts()),
        check_silence(sounds),
        check_clipping(sounds, 1.0 if processing is None else processing["peak"]),
        check_images(tally.digests, tally.labels),
        check_recordings(records),
    )
    return Inspection(
        facts=_facts(dataset, tally, sounds), checks=checks, examples=tally.examples()
    )


def _batches(dataset: PreparedDataSet):
    """Yields (split, batch) of all files, as `read_batches` reads them; images stay PNG bytes."""
    for split in SPLITS:
        for file in dataset.splits[split].files:
            for batch in read_batches(dataset, file, decode_images=False):
                yield split, batch


class _Tally:
    """What is counted in the pass; `pairs` and the like by split, and there by recording."""

    def __init__(self, dataset: PreparedDataSet) -> None:
        metadata = dataset.metadata
        self.records = metadata["recordings"]
        self.pairs = {split: np.zeros(len(self.records), np.int64) for split in SPLITS}
        self.wrong_samples = np.zeros(len(self.records), np.int64)
        self.wrong_length = np.zeros(len(self.records), np.int64)
        self._right_audio = {}  # of some recordings: comparing is ten times faster than hashing
        self.sounds = {}  # number of the recording: the Sound of its first pair
        self.disagreements = {}
        self.digests = {split: bytearray() for split in SPLITS}
        self.labels = {split: array.array("I") for split in SPLITS}
        self._class_words = list(metadata["words"].values())
        self._voices = dataset.voice_ids
        self._sample_rate = metadata["sample_rate"]
        self._image_shape = dataset.image_shape
        self._chosen = {}  # label: (image id, PNG bytes, number of the recording, audio bytes)

    def add(self, split: str, batch: dict[str, np.ndarray]) -> None:
        """Counts a batch of `_batches`."""
        self.labels[split].extend(batch["label"].tolist())
        np.add.at(self.pairs[split], batch["recording_id"], 1)
        for i, number in enumerate(batch["recording_id"].tolist()):
            image_id, png, audio = str(batch["image_id"][i]), batch["image"][i], batch["audio"][i]
            self.digests[split] += hashlib.blake2b(png, digest_size=16).digest()
            self._add_sound(number, audio)
            self._compare(
                image_id,
                self._class_words[batch["label"][i]],
                batch["word"][i],
                self.records[number],
                self._voices[batch["voice_id"][i]],
            )
            if split == "test":
                self._choose(int(batch["label"][i]), image_id, png, number, audio)

    def _add_sound(self, number: int, audio: bytes) -> None:
        self.wrong_samples[number] += not self._is_right(number, audio)
        self.wrong_length[number] += len(samples_of(audio)) != self.records[number]["num_samples"]
        if number not in self.sounds:
            self.sounds[number] = measure(samples_of(audio), self._sample_rate)

    def _is_right(self, number: int, audio: bytes) -> bool:
        """Whether the samples have the SHA-256 of the metadata."""
        if self._right_audio.get(number) == audio:
            return True
        right = hashlib.sha256(audio).hexdigest() == self.records[number]["samples_sha256"]
        if right and len(self._right_audio) < _MAX_HELD:
            self._right_audio[number] = audio
        return right

    def _compare(self, image_id: str, label_word: str, word: str, record: dict, voice: str) -> None:
        own_name = f"{folder_name(record['word'])}/{record['voice_id']}_"
        for what, wrong in (
            (_WRONG_WORD, word != label_word),
            (_WRONG_RECORDING, word != record["word"]),
            (_WRONG_VOICE, voice != record["voice_id"]),
            (_WRONG_ID, not record["recording_id"].startswith(own_name)),
        ):
            if wrong:
                count, first = self.disagreements.get(what, (0, image_id))
                self.disagreements[what] = (count + 1, min(first, image_id))

    def _choose(self, label: int, image_id: str, png: bytes, number: int, audio: bytes) -> None:
        chosen = self._chosen.get(label)
        if label < _MAX_EXAMPLES and (chosen is None or image_id < chosen[0]):
            self._chosen[label] = (image_id, png, number, audio)

    def class_counts(self) -> dict:
        """Returns {split: int [number of classes]}, the pairs of each class."""
        count = len(self._class_words)
        return {
            split: np.bincount(np.asarray(labels), minlength=count)
            for split, labels in self.labels.items()
        }

    def examples(self) -> tuple[Example, ...]:
        """Returns the pairs chosen for the contact sheet, in label order."""
        examples = []
        for _, (image_id, png, number, audio) in sorted(self._chosen.items()):
            try:
                image = _decoded(png, self._image_shape)
            except Exception as error:  # Pillow raises what its decoders do
                raise DataError(
                    f"The image {image_id} cannot be decoded ({first_line(error)}). Prepare its"
                    " source and the data set again."
                ) from error
            record = self.records[number]
            examples.append(
                Example(image_id, record["word"], record["voice_id"], image, samples_of(audio))
            )
        return tuple(examples)


def _decoded(png: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """Returns uint8 [*shape]; raises before it decodes what is another kind of picture."""
    height, width, channels = shape
    # Without its formats Pillow has Ghostscript run the program that an EPS file is.
    with PIL.Image.open(io.BytesIO(png), formats=["PNG"]) as file:
        found, declared = (*file.size, file.mode), (width, height, _MODES[channels])
        if found != declared:
            raise ValueError("it is {}x{} {}; {}x{} {} is declared".format(*found, *declared))
        return np.asarray(file).reshape(shape)


def _facts(dataset: PreparedDataSet, tally: _Tally, sounds: dict[str, Sound]) -> dict:
    """Returns what section 4.1 of the paper says of a data set, as it occurs in the pairs."""
    metadata = dataset.metadata
    rate = metadata["sample_rate"]
    lengths = {name: sound.num_samples for name, sound in sounds.items()}
    takes = {}
    for record in tally.records:
        key = (record["word"], record["voice_id"])
        takes[key] = takes.get(key, 0) + 1
    words = {record["recording_id"]: record["word"] for record in tally.records}

    def extreme(choose: Callable):
        name = choose(lengths, key=lengths.get)
        return {"word": words[name], "recording_id": name, "ms": round(1000 * lengths[name] / rate)}

    return {
        "data_set": dataset.full_name,
        "folder": str(dataset.path),
        "policy": metadata["policy"],
        "pairs": {split: len(labels) for split, labels in tally.labels.items()},
        "image_source": metadata["images"],
        "image_shape": list(dataset.image_shape),
        "words": list(metadata["words"].values()),
        "missing_words": metadata.get("missing_words", []),
        "shortest": extreme(min),
        "longest": extreme(max),
        "speakers": sorted({record["voice_id"] for record in tally.records}),
        "takes_of_a_word_by_a_speaker": [min(takes.values()), max(takes.values())],
        "recordings": {
            "all": len(tally.records),
            **{split: int(np.count_nonzero(counts)) for split, counts in tally.pairs.items()},
        },
        "audio_length": metadata["audio_length"],
        "audio_length_ms": round(1000 * metadata["audio_length"] / rate),
        "sample_rate": rate,
        "num_bytes": sum(p.stat().length for p in dataset.path.iterdir() if p.is_file()),
    }
