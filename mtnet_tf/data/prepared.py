"""What the folder of a prepared data set says of itself.

TFDS writes the files of a prepared data set. This project reads them by itself, as plain text and
JSON here and as TFRecord in `loading.py`. TFDS's own reader imports whatever module `features.json`
names, so a folder that somebody copied could run its author's code.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
import reprlib

from etils import epath

from mtnet_tf.data import audio
from mtnet_tf.data.pairs import DataError
from mtnet_tf.errors import first_line
from mtnet_tf.files import parse_json

SPLITS = ("train", "test")
# The type in which a file of pairs holds each feature.
STORED = {
    **dict.fromkeys(("image", "audio", "word", "image_id"), bytes),
    **dict.fromkeys(("label", "recording_id", "voice_id"), int),
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

PREPARE_AGAIN = (
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
    if set(stored) != set(STORED):
        raise DataError(
            f"{folder} holds no audio-description data set: its features.json declares"
            f" {reprlib.repr(sorted(stored))} instead of {', '.join(sorted(STORED))}. Give a"
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


class _JsonFile:
    """The values of a JSON file of a data set; each that is missing or wrong is one DataError."""

    def __init__(self, path: epath.Path) -> None:
        self.path, text = path, _read_text(path)
        try:
            self.values = parse_json(text)
        except (ValueError, RecursionError) as error:
            raise refusal(path, f"is not JSON ({error})") from error

    def get(self, kind: type, *keys: str):
        """Returns the value under nested keys, which must be of the type `kind`."""
        found = self.values
        for key in keys:
            if not isinstance(found, dict) or key not in found:
                raise refusal(self.path, f"has no {'.'.join(keys)}")
            found = found[key]
        if type(found) is not kind:  # isinstance takes True for a whole number
            raise refusal(
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
        return refusal(self.path, f"has {key} {reprlib.repr(self.values[key])}; {expected}")


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
            raise refusal(
                features.path, f"declares {name} as {reprlib.repr(found)} instead of {declaration}"
            )
    shape = tuple(_whole_number(side, _MAX_IMAGE_SIDE) for side in sides)
    if len(shape) != 3 or None in shape or 0 in shape or shape[2] not in (1, 3):
        raise refusal(
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
        if not isinstance(split, dict) or split.get("name") not in SPLITS:
            raise info.wrong("splits", f"they are {' and '.join(SPLITS)}")
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
    if len(splits) < len(SPLITS):
        raise info.wrong("splits", f"they are {' and '.join(SPLITS)}")
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
        raise refusal(
            path,
            "was written by an earlier version or is damaged: it does not hold the splits and"
            " hashes of the recordings",
        )
    found = tuple(record["recording_id"] for record in records), tuple(words)
    if found != (names["recording_id"], names["label"]):
        raise refusal(
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
        raise refusal(path, "holds no names, or one of them twice")
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
            raise refusal(path, f"is larger than {_MAX_FILE_BYTES} bytes")
        return contents.decode()
    except UnicodeDecodeError as error:
        raise refusal(path, f"is not UTF-8 text ({error})") from error
    except DataError:
        raise
    except Exception as error:
        # An OSError on a disk, and an error of TensorFlow's file system in a bucket.
        raise DataError(
            f"{folder} cannot be opened as a prepared data set ({first_line(error)}). Check the"
            " path and the permissions."
        ) from error


def _whole_number(text: object, largest: int) -> int | None:
    """Returns the number from 0 to `largest` that stands in JSON of TFDS as text, or None."""
    if not isinstance(text, str) or not re.fullmatch("[0-9]{1,15}", text):
        return None
    return int(text) if int(text) <= largest else None


def refusal(path: epath.Path, what: str) -> DataError:
    """Returns the error that says what is wrong with a file, and what to do."""
    return DataError(f"{path} {what}. {PREPARE_AGAIN}")
