"""A prepared data set on the disk -> a data set in memory.

TFDS writes the files of a prepared data set; this module reads them by itself, as plain text, JSON
and TFRecord. TFDS's own reader imports whatever module `features.json` names, so a folder that
somebody copied could run its author's code.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import reprlib
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from etils import epath

from mtnet_tf.config import Config, DataConfig
from mtnet_tf.data import audio
from mtnet_tf.data.pairs import AudioDescriptions, DataError, Pairs, Recordings
from mtnet_tf.errors import first_line

_SPLITS = ("train", "test")
_STORED = {
    **dict.fromkeys(("image", "audio", "word", "image_id"), tf.io.FixedLenFeature([], tf.string)),
    **dict.fromkeys(("label", "recording_id", "voice_id"), tf.io.FixedLenFeature([], tf.int64)),
}
_TEMPLATE = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"  # TFDS's default names of the files

_CALLED = {int: "a whole number", str: "text", list: "a list", dict: "an object"}

_METADATA = {
    "audio_length": int,
    "sample_rate": int,
    "policy": str,
    "images": str,
    "words": dict,
    "recordings_fingerprint": str,
    "recordings": list,
}
_RECORDING = {
    "recording_id": str,
    "word": str,
    "voice_id": str,
    "splits": list,
    "samples_sha256": str,
    "num_samples": int,
}

# Far beyond any data set of pictures and words; a folder from elsewhere cannot ask for all memory.
_MAX_FILE_BYTES = 2**26  # of a JSON or text file
_MAX_IMAGE_SIDE = 4096
_MAX_SHARDS = 10**5
_MAX_AUDIO_LENGTH = 2**24  # samples, 13 minutes

_PREPARE_AGAIN = (
    "Delete the folder and prepare the data set again with experiments.prepare_data, or give the"
    " folder of another."
)


@dataclasses.dataclass(frozen=True)
class Split:
    """The files of a split.

    Attributes:
        files: the TFRecord files, in order.
        shard_lengths: how many pairs each of them holds.
    """

    files: tuple[epath.Path, ...]
    shard_lengths: tuple[int, ...]

    @property
    def num_pairs(self) -> int:
        """The number of pairs in all files."""
        return sum(self.shard_lengths)


@dataclasses.dataclass(frozen=True)
class PreparedDataSet:
    """What the folder of a prepared data set says of itself; its pairs are still on the disk.

    Attributes:
        path: the folder, `.../<name>/<config>/<version>`.
        name: data set and config, e.g. "digits_ad/one_recording-5f9f91af15e4".
        version: e.g. "1.0.0".
        image_shape: (height, width, channels) of every image, with 1 or 3 channels.
        class_names: names of the labels, in label order.
        recording_ids: e.g. "zero/jackson_0", in the order of the numbers that pairs hold.
        voice_ids: names of the voices, in the order of the numbers that pairs hold.
        metadata: the builder's metadata: L_s, pairing policy, recordings and their hashes.
        splits: "train" and "test".
    """

    path: epath.Path
    name: str
    version: str
    image_shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    recording_ids: tuple[str, ...]
    voice_ids: tuple[str, ...]
    metadata: dict
    splits: dict[str, Split]

    @property
    def full_name(self) -> str:
        """Name, config and version, as TFDS writes them."""
        return f"{self.name}/{self.version}"


def open_prepared(path: pathlib.Path | str) -> PreparedDataSet:
    """Reads what the folder of a prepared data set says of itself; imports and runs nothing.

    Args:
        path: the folder `.../<name>/<config>/<version>` that a builder of `data_builders` wrote, on
            a disk or in a bucket (`gs://`).

    Returns:
        The data set. Its JSON and text files agree with each other; its pairs are not read yet.

    Raises:
        DataError: the folder holds no prepared data set of ours, or a file of it is missing or is
            not as a builder writes it.
    """
    folder = epath.Path(path).expanduser()
    info = _JsonFile(folder / "dataset_info.json")
    features = _JsonFile(folder / "features.json")
    stored = features.get(dict, "featuresDict", "features")
    if set(stored) != set(_STORED):
        raise DataError(
            f"{folder} holds no audio-description data set: its features.json declares"
            f" {reprlib.repr(sorted(stored))} instead of {', '.join(sorted(_STORED))}. Give a"
            " folder that experiments.prepare_data has made."
        )
    names = {
        name: _read_names(folder / f"{name}.labels.txt")
        for name in ("label", "recording_id", "voice_id")
    }
    data_set, config, version = (
        info.match(pattern, key)
        for key, pattern in (("name", r"\w+"), ("configName", r"[\w.-]+"), ("version", r"[\d.]+"))
    )
    return PreparedDataSet(
        path=folder,
        name=f"{data_set}/{config}",
        version=version,
        image_shape=_check_features(features, names),
        class_names=names["label"],
        recording_ids=names["recording_id"],
        voice_ids=names["voice_id"],
        metadata=_read_metadata(folder / "metadata.json", names),
        splits=_read_splits(info, data_set),
    )


def fit_config(config: Config, dataset: PreparedDataSet) -> Config:
    """Returns `config` with the image shape, the number of classes and L_s of a data set."""
    shape = dataclasses.replace(
        config.data,
        image_shape=dataset.image_shape,
        num_classes=len(dataset.class_names),
        # A data set that says none has no digits: a photo is then not searched for one.
        digit_size=dataset.metadata.get("digit_size"),
        audio_length=dataset.metadata["audio_length"],
    )
    return dataclasses.replace(config, data=shape)


def load(dataset: PreparedDataSet, config: DataConfig) -> AudioDescriptions:
    """Reads a prepared data set into memory.

    Args:
        dataset: the opened folder (`open_prepared`).
        config: `audio_length` is L_s, to which shorter recordings are zero-padded at the end;
            `validation_fraction` of the training split, drawn with `validation_seed`, becomes the
            validation split.

    Returns:
        The data set; the pairs of each split are in the order of their image ids.

    Raises:
        DataError: a file of pairs is missing, cut short or damaged, or a recording is longer than
            `audio_length` (it is never truncated).
    """
    shape = len(dataset.recording_ids), config.audio_length
    try:
        waveforms = np.zeros(shape, np.int16)
    except (MemoryError, ValueError) as error:
        raise DataError(
            f"{dataset.path} has {shape[0]:,} recordings, which do not fit into memory at"
            f" L_s = {shape[1]:,} samples. Set data.audio_length to the longest recording, or use"
            " fewer recordings."
        ) from error
    labels = np.full([len(dataset.recording_ids)], -1, np.int32)
    train, test = (_read_split(dataset, split, waveforms, labels) for split in _SPLITS)
    order = np.random.default_rng(config.validation_seed).permutation(len(train))
    num_validation = round(config.validation_fraction * len(order))
    return AudioDescriptions(
        name=dataset.name,
        train=train.take(np.sort(order[num_validation:])),
        validation=train.take(np.sort(order[:num_validation])),
        test=test,
        recordings=Recordings(dataset.recording_ids, labels, waveforms),
        words=_words(dataset, labels),
        voices=dataset.voice_ids,
        metadata=dataset.metadata,
    )


def read_batches(
    dataset: PreparedDataSet,
    file: epath.Path,
    *,
    decode_images: bool = True,
    batch_size: int = 512,
) -> Iterator[dict[str, np.ndarray]]:
    """Yields the pairs of one file of a data set, in their order.

    Whole batches are parsed at once, which takes two thirds of the time of doing it pair by pair.

    Args:
        dataset: the opened folder (`open_prepared`).
        file: one of the files of its splits.
        decode_images: whether images are decoded or stay PNG bytes.
        batch_size: pairs in a batch; the last one may have fewer.

    Yields:
        "image": uint8 [b, height, width, channels], or bytes [b] of PNG;
        "audio": bytes [b], each the int16 samples of a recording, of their own length;
        "label", "recording_id", "voice_id": int64 [b], within the names of `dataset`;
        "word", "image_id": str [b].

    Raises:
        DataError: the file is missing or damaged, or a value is not one that a builder writes.
    """
    image = tf.TensorSpec(dataset.image_shape, tf.uint8)

    def decode(png: tf.Tensor):
        return tf.ensure_shape(tf.io.decode_png(png, image.shape[-1]), image.shape)

    def parse(records: tf.Tensor):
        batch = tf.io.parse_example(records, _STORED)
        if decode_images:
            batch["image"] = tf.map_fn(decode, batch["image"], fn_output_signature=image)
        return batch

    batches = tf.data.TFRecordDataset(str(file)).batch(batch_size)
    try:
        for batch in batches.map(parse, tf.data.AUTOTUNE).prefetch(2).as_numpy_iterator():
            yield _checked(dataset, file, batch)
    except tf.errors.OpError as error:
        raise DataError(
            f"{file} is damaged or missing ({first_line(error)}). {_PREPARE_AGAIN}"
        ) from error


def samples_of(stored: bytes) -> np.ndarray:
    """Returns int16 [num_samples], the samples of a pair's "audio"."""
    return np.frombuffer(stored, "<i2")


def _read_split(
    dataset: PreparedDataSet, split: str, waveforms: np.ndarray, labels: np.ndarray
) -> Pairs:
    """Reads a split, sorted by image id; fills in the recordings that it meets for the first time.

    `waveforms` is int16 [R, L_s]; `labels` is int32 [R], -1 for a recording not met yet.
    """
    columns = {name: [] for name in ("image", "label", "recording_id", "voice_id", "image_id")}
    files = dataset.splits[split]
    for file, num_pairs in zip(files.files, files.shard_lengths, strict=True):
        num_read = 0
        for batch in read_batches(dataset, file):
            num_read += len(batch["label"])
            for name, parts in columns.items():
                parts.append(batch[name])
            numbers, first = np.unique(batch["recording_id"], return_index=True)
            for number, row in zip(numbers, first):
                if labels[number] < 0:
                    labels[number] = batch["label"][row]
                    _fill_in(waveforms[number], batch["audio"][row], dataset, number)
        if num_read != num_pairs:
            raise _refusal(file, f"holds {num_read:,} pairs instead of {num_pairs:,}")
    columns = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(columns["image_id"])  # however they were written
    return Pairs(
        images=columns["image"][order],
        labels=columns["label"][order].astype(np.int32),
        recordings=columns["recording_id"][order].astype(np.int32),
        voices=columns["voice_id"][order].astype(np.int32),
        image_ids=columns["image_id"][order],
    )


def _fill_in(waveform: np.ndarray, stored: bytes, dataset: PreparedDataSet, number: int):
    """Writes the samples of recording `number` to the start of its waveform, int16 [L_s]."""
    found = samples_of(stored)
    if len(found) > len(waveform):
        raise DataError(
            f"Recording {dataset.recording_ids[number]} of {dataset.full_name} is longer than"
            f" L_s = {len(waveform)} samples and is not truncated: set data.audio_length to the"
            " longest recording."
        )
    waveform[: len(found)] = found


def _words(dataset: PreparedDataSet, labels: np.ndarray) -> tuple[str, ...]:
    """Returns the spoken word of each class: MNIST's class "7" is spoken "seven"."""
    words = list(dataset.class_names)
    for label, recording in zip(labels, dataset.metadata["recordings"], strict=True):
        if label >= 0:
            words[label] = recording["word"]
    return tuple(words)


def _checked(
    dataset: PreparedDataSet, file: epath.Path, batch: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Returns a batch as read, its text decoded; refuses numbers without a name, half samples."""
    for column, names in (
        ("label", dataset.class_names),
        ("recording_id", dataset.recording_ids),
        ("voice_id", dataset.voice_ids),
    ):
        wrong = batch[column][(batch[column] < 0) | (batch[column] >= len(names))]
        if len(wrong):
            raise _refusal(
                file, f"holds a pair of {column} {wrong[0]}; they go from 0 to {len(names) - 1}"
            )
    if any(len(stored) % 2 for stored in batch["audio"]):
        raise _refusal(file, "holds audio of an odd number of bytes; a sample has two")
    try:
        text = {name: np.array([t.decode() for t in batch[name]]) for name in ("word", "image_id")}
    except UnicodeDecodeError as error:
        raise _refusal(file, f"holds text that is not UTF-8 ({error})") from error
    return {**batch, **text}


class _JsonFile:
    """The values of a JSON file of a data set; each that is missing or wrong is one DataError."""

    def __init__(self, path: epath.Path) -> None:
        self.path, text = path, _read_text(path)
        try:
            self.values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise _refusal(path, f"is not JSON ({error})") from error

    def get(self, kind: type, *keys: str):
        """Returns the value under nested keys, which must be of the type `kind`."""
        found = self.values
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                raise _refusal(self.path, f"has no {'.'.join(keys)}")
            found = found[key]
        if type(found) is not kind:  # isinstance takes True for a whole number
            raise _refusal(
                self.path, f"has {'.'.join(keys)} {reprlib.repr(found)}; it is {_CALLED[kind]}"
            )
        return found

    def match(self, pattern: str, key: str) -> str:
        """Returns the text under a key, which must match a pattern."""
        found = self.get(str, key)
        if not re.fullmatch(pattern, found, re.ASCII):
            raise self.wrong(key, f"it matches {pattern}")
        return found

    def wrong(self, key: str, expected: str) -> DataError:
        """Returns the error that says what stands under a key, and what is expected there."""
        return _refusal(self.path, f"has {key} {reprlib.repr(self.values[key])}; {expected}")


def _check_features(features: _JsonFile, names: dict[str, tuple[str, ...]]) -> tuple[int, int, int]:
    """Returns the shape of the images; raises unless all features are as our builders declare them.

    The Python classes that features.json names are not looked at.
    """
    root = "featuresDict", "features"
    sides = features.get(list, *root, "image", "image", "shape", "dimensions")
    expected = {
        "image": {
            "image": {"dtype": "uint8", "encodingFormat": "png", "shape": {"dimensions": sides}}
        },
        "audio": {
            "tensor": {"dtype": "int16", "encoding": "bytes", "shape": {"dimensions": ["-1"]}}
        },
        "word": {"text": {}},
        "image_id": {"text": {}},
        **{name: {"classLabel": {"numClasses": str(len(names[name]))}} for name in names},
    }
    for name, declaration in expected.items():
        found = features.get(dict, *root, name)
        if {key: found[key] for key in found if key != "pythonClassName"} != declaration:
            raise _refusal(
                features.path, f"declares {name} as {reprlib.repr(found)} instead of {declaration}"
            )
    shape = tuple(_whole_number(side, _MAX_IMAGE_SIDE) for side in sides)
    if len(shape) != 3 or None in shape or 0 in shape or shape[2] not in (1, 3):
        raise _refusal(
            features.path,
            f"gives images the shape {reprlib.repr(sides)}; it is height and width up to"
            f" {_MAX_IMAGE_SIDE}, and 1 or 3 channels",
        )
    return shape


def _read_splits(info: _JsonFile, name: str) -> dict[str, Split]:
    """Returns the splits of dataset_info.json, whose files begin with the data set's `name`."""
    if (file_format := info.get(str, "fileFormat")) != "tfrecord":
        raise DataError(
            f"{info.path.parent} is stored as {file_format[:20]}: prepare it as tfrecord."
        )
    splits = {}
    for split in info.get(list, "splits"):
        if not isinstance(split, dict) or split.get("name") not in _SPLITS:
            raise info.wrong("splits", f"they are {' and '.join(_SPLITS)}")
        if not isinstance(split.get("shardLengths"), list):
            raise info.wrong("splits", "each has shardLengths")
        if split.get("filepathTemplate", _TEMPLATE) != _TEMPLATE:
            raise info.wrong("splits", f"each names its files {_TEMPLATE}")
        lengths = [_whole_number(length, 2**40) for length in split["shardLengths"]]
        if None in lengths or not sum(lengths) or len(lengths) > _MAX_SHARDS:
            raise info.wrong("splits", "the shardLengths of each are numbers of pairs")
        files = tuple(
            info.path.parent / f"{name}-{split['name']}.tfrecord-{i:05d}-of-{len(lengths):05d}"
            for i in range(len(lengths))
        )
        splits[split["name"]] = Split(files, tuple(lengths))
    if len(splits) < len(_SPLITS):
        raise info.wrong("splits", f"they are {' and '.join(_SPLITS)}")
    return splits


def _read_metadata(path: epath.Path, names: dict[str, tuple[str, ...]]) -> dict:
    """Returns metadata.json as a builder writes it, its recordings and classes those of `names`."""
    file = _JsonFile(path)
    metadata = {key: file.get(kind, key) for key, kind in _METADATA.items()}
    records, words = metadata["recordings"], metadata["words"]
    if any(
        not isinstance(record, dict) or type(record.get(key)) is not kind
        for record in records
        for key, kind in _RECORDING.items()
    ):
        raise _refusal(
            path,
            "was written by an earlier version or is damaged: it does not hold the splits and"
            " hashes of the recordings",
        )
    found = tuple(record["recording_id"] for record in records), tuple(words)
    if found != (names["recording_id"], names["label"]):
        raise _refusal(
            path,
            "and the .labels.txt files contradict each other: they name other recordings or"
            " classes",
        )
    if metadata["sample_rate"] != audio.SAMPLE_RATE:
        raise file.wrong("sample_rate", f"it is {audio.SAMPLE_RATE} Hz")
    if not 0 < metadata["audio_length"] <= _MAX_AUDIO_LENGTH:
        raise file.wrong("audio_length", f"it is 1 to {_MAX_AUDIO_LENGTH} samples")
    missing = file.get(list, "missing_words") if "missing_words" in file.values else []
    if not all(isinstance(word, str) for word in [*words.values(), *missing]):
        raise file.wrong("words", "words are text")
    if "digit_size" in file.values and not 0 < file.get(int, "digit_size") <= _MAX_IMAGE_SIDE:
        raise file.wrong("digit_size", f"it is 1 to {_MAX_IMAGE_SIDE} pixels")
    # It is null where recordings are taken as they are: the authors'.
    if file.values.get("processing", "") is not None:
        peak = file.get(dict, "processing").get("peak")
        if type(peak) not in (int, float) or not 0 < peak <= 1:
            raise file.wrong("processing", "its peak is a number in (0, 1]")
    return file.values


def _read_names(path: epath.Path) -> tuple[str, ...]:
    """Returns the names in a .labels.txt file, one a line."""
    names = tuple(line.strip() for line in _read_text(path).split("\n") if line.strip())
    if not names or len(set(names)) < len(names):
        raise _refusal(path, "holds no names, or one of them twice")
    return names


def _read_text(path: epath.Path) -> str:
    """Returns the text of a file of at most `_MAX_FILE_BYTES`."""
    folder = path.parent
    try:
        if not path.is_file():
            raise DataError(
                f"{folder} cannot be opened as a prepared data set: it has no {path.name}. Give the"
                " folder .../<name>/<config>/<version> of a prepared data set. To prepare this one,"
                " delete what is in the folder and run experiments.prepare_data."
            )
        with path.open("rb") as file:
            contents = file.read(_MAX_FILE_BYTES + 1)
        if len(contents) > _MAX_FILE_BYTES:
            raise _refusal(path, f"is larger than {_MAX_FILE_BYTES} bytes")
        return contents.decode()
    except UnicodeDecodeError as error:
        raise _refusal(path, f"is not UTF-8 text ({error})") from error
    except (OSError, tf.errors.OpError) as error:
        raise DataError(
            f"{folder} cannot be opened as a prepared data set ({first_line(error)}). Check the"
            " path and the permissions."
        ) from error


def _whole_number(text: object, largest: int) -> int | None:
    """Returns the number from 0 to `largest` that stands in JSON of TFDS as text, or None."""
    if not isinstance(text, str) or not re.fullmatch("[0-9]{1,15}", text):
        return None
    return int(text) if int(text) <= largest else None


def _refusal(path: epath.Path, what: str) -> DataError:
    return DataError(f"{path} {what}. {_PREPARE_AGAIN}")
