"""Facts and faults of a prepared audio-description data set, found in one pass over its pairs.

What the pass holds grows with the recordings and the classes, and by 18 bytes a pair: the digest of its image and its
label. Images are not decoded.

A check is FAILED where the data set is not what it says it is, a note where it is but a reader should know.
"""

from __future__ import annotations

import array
import dataclasses
import hashlib
import io

import numpy as np
import PIL.Image
import tensorflow as tf
import tensorflow_datasets as tfds

from data_builders.inspection.checks import (
    FAILED,
    SPLITS,
    Check,
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
from mtnet_tf.errors import InputError, first_line
from mtnet_tf.progress import Progress

_READ_BATCH = 512
_MAX_EXAMPLES = 100
_MAX_HELD = 1000  # recordings of 20 to 60 kB
_NEEDED = ("audio_length", "sample_rate", "policy", "processing", "images", "words", "recordings")
_NEEDED_OF_RECORDINGS = (
    "recording_id",
    "word",
    "voice_id",
    "splits",
    "samples_sha256",
    "num_samples",
)
_WRONG_WORD = "the word is not that of the label"
_WRONG_RECORDING = "the recording is of another word"
_WRONG_VOICE = "the recording is by another voice"
_WRONG_ID = "the recording's id names another word or voice"


class InspectionError(InputError, ValueError):
    """A folder that holds no data set to inspect, or a damaged one; the message says what to do."""


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """A pair: image uint8 [height, width, channels]; samples int16 [num_samples], not padded."""

    image_id: str
    word: str
    voice_id: str
    image: np.ndarray
    samples: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What is known of a data set.

    Attributes:
        facts: JSON types; see `_facts`.
        checks: one of each kind, always in the same order.
        examples: of each class (the first 100) the test pair with the lowest image id, in label order.
    """

    facts: dict
    checks: tuple[Check, ...]
    examples: tuple[Example, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(check.name for check in self.checks if check.status == FAILED)


def open_folder(path) -> tfds.core.DatasetBuilder:
    """Returns the builder of a prepared data set's folder, `.../<name>/<config>/<version>`.

    Raises:
        InspectionError: if there is no prepared data set.
    """
    try:
        return tfds.builder_from_directory(path)
    except Exception as error:  # TFDS raises whatever its readers of JSON and protocol buffers do
        raise InspectionError(
            f"{path} cannot be opened as a prepared data set ({first_line(error)}). It must be the folder that holds"
            " dataset_info.json and features.json, .../<name>/<config>/<version>."
        ) from error


def inspect(builder: tfds.core.DatasetBuilder) -> Inspection:
    """Reads a prepared audio-description data set once and checks it.

    Args:
        builder: a builder of `data_builders`, or `open_folder(...)`.

    Raises:
        InspectionError: if the data set is not prepared, is none of ours, was prepared by an earlier version of the
            project, or if its files are damaged.
    """
    _refuse_others(builder)
    tally = _Tally(builder)
    declared = {split: builder.info.splits[split].num_examples for split in SPLITS}
    progress = Progress("inspected", sum(declared.values()))
    try:
        for split, batch in _batches(builder):
            tally.add(split, batch)
            progress.add(len(batch["label"]))
    except tf.errors.OpError as error:
        raise InspectionError(
            f"The files of {builder.data_path} are damaged or missing ({first_line(error)}). Delete the folder and"
            " prepare the data set again."
        ) from error
    metadata, records = builder.info.metadata, tally.records
    names = [record["recording_id"] for record in records]
    processing = metadata["processing"]
    sounds = {names[number]: sound for number, sound in sorted(tally.sounds.items())}
    checks = (
        check_pairs(declared, {split: len(labels) for split, labels in tally.labels.items()}),
        check_hashes(names, tally.pairs, tally.wrong_samples, tally.wrong_length),
        check_labels(tally.disagreements),
        check_splits(records, tally.pairs),
        check_leak(metadata["policy"], records, tally.pairs),
        check_balance(list(metadata["words"]), tally.class_counts()),
        check_silence(sounds),
        check_clipping(sounds, 1.0 if processing is None else processing["peak"]),
        check_images(tally.digests, tally.labels),
        check_recordings(records),
    )
    return Inspection(
        facts=_facts(builder, tally, sounds), checks=checks, examples=tally.examples()
    )


def _refuse_others(builder) -> None:
    if not builder.is_prepared():
        raise InspectionError(
            f"{builder.info.full_name} is not prepared in {builder.data_path}: run experiments.prepare_data."
        )
    metadata, features = builder.info.metadata or {}, builder.info.features
    if any(key not in metadata for key in _NEEDED) or "recording_id" not in features:
        raise InspectionError(
            f"{builder.data_path} holds no audio-description data set: its metadata.json does not say which recordings"
            " go with the images. Give a folder that experiments.prepare_data has made."
        )
    records = metadata["recordings"]
    if any(key not in record for record in records for key in _NEEDED_OF_RECORDINGS):
        raise InspectionError(
            f"{builder.data_path} was prepared by an earlier version, whose metadata do not hold the splits and hashes"
            " of the recordings. Run experiments.prepare_data again."
        )
    if (
        [record["recording_id"] for record in records] != features["recording_id"].names
        or list(metadata["words"]) != features["label"].names
        or any(split not in builder.info.splits for split in SPLITS)
    ):
        raise InspectionError(
            f"The files of {builder.data_path} contradict each other: metadata.json names other recordings or classes"
            " than features.json, or a split is missing. Delete the folder and prepare the data set again."
        )


def _batches(builder):
    """Yields (split, dict of arrays); images as PNG bytes, audio padded, its length in "num_samples"."""
    for split in SPLITS:
        dataset = builder.as_dataset(
            split=split,
            shuffle_files=False,
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(try_autocache=False),  # it would hold the whole split
        )
        dataset = dataset.map(
            lambda example: {**example, "num_samples": tf.shape(example["audio"])[0]},
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        for batch in dataset.padded_batch(_READ_BATCH).prefetch(2).as_numpy_iterator():
            yield split, batch


class _Tally:
    """What is counted in the pass; `pairs` and the like by split, and there by recording."""

    def __init__(self, builder):
        features, metadata = builder.info.features, builder.info.metadata
        self.records = metadata["recordings"]
        self.pairs = {split: np.zeros(len(self.records), np.int64) for split in SPLITS}
        self.wrong_samples = np.zeros(len(self.records), np.int64)
        self.wrong_length = np.zeros(len(self.records), np.int64)
        self._right_samples = {}  # of some recordings: comparing is ten times faster than hashing
        self.sounds = {}  # number of the recording: the Sound of its first pair
        self.disagreements = {}
        self.digests = {split: bytearray() for split in SPLITS}
        self.labels = {split: array.array("H") for split in SPLITS}
        self._class_words = list(metadata["words"].values())
        self._voices = features["voice_id"].names
        self._sample_rate = metadata["sample_rate"]
        self._chosen = {}  # label: (image id, PNG bytes, number of the recording, samples)

    def add(self, split, batch) -> None:
        """Counts a batch of `_batches`."""
        self.labels[split].extend(batch["label"].tolist())
        np.add.at(self.pairs[split], batch["recording_id"], 1)
        for i, number in enumerate(batch["recording_id"].tolist()):
            samples = batch["audio"][i, : batch["num_samples"][i]]
            image_id, png = batch["image_id"][i].decode(), batch["image"][i]
            self.digests[split] += hashlib.blake2b(png, digest_size=16).digest()
            self._add_sound(number, samples)
            self._compare(
                image_id,
                self._class_words[batch["label"][i]],
                batch["word"][i].decode(),
                self.records[number],
                self._voices[batch["voice_id"][i]],
            )
            if split == "test":
                self._choose(int(batch["label"][i]), image_id, png, number, samples)

    def _add_sound(self, number, samples) -> None:
        record = self.records[number]
        self.wrong_samples[number] += not self._is_right(number, samples)
        self.wrong_length[number] += len(samples) != record["num_samples"]
        if number not in self.sounds:
            self.sounds[number] = measure(samples, self._sample_rate)

    def _is_right(self, number, samples) -> bool:
        """Whether the samples have the SHA-256 of the metadata."""
        held = self._right_samples.get(number)
        if held is not None and np.array_equal(held, samples):
            return True
        right = hashlib.sha256(samples).hexdigest() == self.records[number]["samples_sha256"]
        if right and len(self._right_samples) < _MAX_HELD:
            self._right_samples[number] = samples.copy()
        return right

    def _compare(self, image_id, label_word, word, record, voice) -> None:
        own_name = f"{record['word'].replace(' ', '_')}/{record['voice_id']}_"
        for what, wrong in (
            (_WRONG_WORD, word != label_word),
            (_WRONG_RECORDING, word != record["word"]),
            (_WRONG_VOICE, voice != record["voice_id"]),
            (_WRONG_ID, not record["recording_id"].startswith(own_name)),
        ):
            if wrong:
                count, first = self.disagreements.get(what, (0, image_id))
                self.disagreements[what] = (count + 1, min(first, image_id))

    def _choose(self, label, image_id, png, number, samples) -> None:
        chosen = self._chosen.get(label)
        if label < _MAX_EXAMPLES and (chosen is None or image_id < chosen[0]):
            # A copy: a slice would hold the batch.
            self._chosen[label] = (image_id, png, number, samples.copy())

    def class_counts(self) -> dict:
        """{split: int [number of classes]}, the pairs of each class."""
        count = len(self._class_words)
        return {
            split: np.bincount(np.asarray(labels), minlength=count)
            for split, labels in self.labels.items()
        }

    def examples(self) -> tuple[Example, ...]:
        """The pairs chosen for the contact sheet, in label order."""
        examples = []
        for _, (image_id, png, number, samples) in sorted(self._chosen.items()):
            try:
                with PIL.Image.open(io.BytesIO(png)) as file:
                    image = np.atleast_3d(np.asarray(file))
            except OSError as error:
                raise InspectionError(
                    f"The image {image_id} cannot be decoded ({first_line(error)}). Prepare its source and the data set"
                    " again."
                ) from error
            record = self.records[number]
            examples.append(Example(image_id, record["word"], record["voice_id"], image, samples))
        return tuple(examples)


def _facts(builder, tally, sounds) -> dict:
    """Section 4.1 of the paper, of this data set; words and recordings as they occur in the pairs."""
    metadata = builder.info.metadata
    rate = metadata["sample_rate"]
    lengths = {name: sound.num_samples for name, sound in sounds.items()}
    takes = {}
    for record in tally.records:
        key = (record["word"], record["voice_id"])
        takes[key] = takes.get(key, 0) + 1
    words = {record["recording_id"]: record["word"] for record in tally.records}

    def extreme(choose):
        name = choose(lengths, key=lengths.get)
        return {"word": words[name], "recording_id": name, "ms": round(1000 * lengths[name] / rate)}

    return {
        "data_set": builder.info.full_name,
        "folder": str(builder.data_path),
        "policy": metadata["policy"],
        "pairs": {split: len(labels) for split, labels in tally.labels.items()},
        "image_source": metadata["images"],
        "image_shape": list(builder.info.features["image"].shape),
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
        "num_bytes": sum(path.stat().length for path in builder.data_path.iterdir()),
    }
