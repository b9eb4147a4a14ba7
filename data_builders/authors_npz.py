"""The authors' own data: images and waveforms in three npz files, read a few rows at a time.

`<prefix>_data.npz` holds the training images (arr_0) and the waveform of each (arr_1: 5.9 GB for
CIFAR-100), `<prefix>_train_label.npz` their one-hot labels (arr_0), `<prefix>_test_data.npz` the
test images (arr_0) and their class names (arr_2), but no waveforms.
"""

import collections
import dataclasses
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
from etils import epath

from data_builders import npz_rows, pairing, recordings
from data_builders.errors import RecordingsError
from mtnet_tf.data import audio, audio_files

POLICY = "authors"
"""Name of the pairing policy, and of the voice: who speaks is not said."""
TEST_REFERENCE = "the first training waveform of the class: the authors' test file has no waveforms"
"""What a test image is paired with, for a data set's metadata."""

_TOLERANCE = 1e-6  # beyond full scale: a float32's rounding


class AuthorsArchive:
    """The three files of one data set, checked; an `image_sources.ImageSource` with its pairing.

    The waveforms are taken as they are, without the zeros at their end: the authors have trimmed
    and levelled them. They lie as int16 in an unnamed temporary file for as long as the object
    lives. Sent to a worker, the archive is its constructor's arguments, and is read again.

    Attributes:
        pairing: an `AuthorsPairing`.
        id: the prefix and a digest of what the files' zip directories hold: the name, size and
            CRC-32 of each array. The CRC-32 is compared when the array is read, so the gigabytes
            are not read twice.
    """

    def __init__(
        self,
        folder: os.PathLike | str,
        prefix: str,
        words: Mapping[str, str],
        image_shape: tuple[int, int, int],
        audio_length: int | Literal["auto"],
    ) -> None:
        """Reads all but the images.

        Args:
            folder: the folder with the three files.
            prefix: how their names begin, e.g. "cifar100".
            words: class name -> spoken word, in the order of the labels.
            image_shape: (height, width, channels).
            audio_length: samples that a word may have at most (the paper's L_s), or "auto" for as
                many as the longest has.

        Raises:
            RecordingsError: a file is missing or damaged, an array is not what it must be, or the
                temporary file cannot be written.
        """
        self._arguments = (folder, prefix, words, image_shape, audio_length)
        self._image_shape = tuple(image_shape)
        paths = data, test_data, train_label = _find_files(epath.Path(folder), prefix)
        self._images = {
            "train": _open_images(data, self._image_shape),
            "test": _open_images(test_data, self._image_shape),
        }
        num_train, num_test = map(self.num_images, pairing.SPLITS)
        what = "waveforms as float16, float32 or float64, one a training image"
        waveforms = npz_rows.NpzRows(data, "arr_1", "f[248]", what, (num_train, None))
        what = "one-hot labels, a row a training image and a column a class"
        one_hot = npz_rows.NpzRows(
            train_label, "arr_0", r"[biuf]\d+", what, (num_train, len(words))
        )
        what = "class names as strings (names.astype(str)), one a test image"
        names = npz_rows.NpzRows(test_data, "arr_2", r"[US][1-9]\d*", what, (num_test,))

        self._labels = {"train": _read_one_hot(one_hot, words), "test": _read_names(names, words)}
        if audio_length == "auto":
            audio_length = recordings.MAX_WORD_SAMPLES
        spoken = list(words.values())
        found, of_train_image = _read_waveforms(
            waveforms, self._labels["train"], spoken, audio_length
        )
        train = {word: tuple(i for i, r in enumerate(found) if r.word == word) for word in spoken}
        test = {word: takes[:1] for word, takes in train.items()}
        self.pairing = AuthorsPairing(
            policy=POLICY,
            recordings=tuple(found),
            candidates={"train": train, "test": test},
            seed=0,
            of_train_image=of_train_image,
            archive=self,
        )
        directories = {path.name: npz_rows.directory(path) for path in paths}
        digest = hashlib.sha256(json.dumps(directories).encode()).hexdigest()
        self.id = f"authors' {prefix}:{digest[:12]}"

    def __reduce__(self) -> tuple:
        return type(self), self._arguments

    def prepare(self) -> None:
        """Does nothing: the constructor has checked the files."""

    def num_images(self, split: str) -> int:
        """Returns how many images a split has."""
        return self._images[split].shape[0]

    def images(
        self, split: str, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[str, np.ndarray, int]]:
        """Reads the images first to last - 1, in the order of the file.

        Args:
            split: "train" or "test".
            first: position of the first image.
            last: position after the last image; None for all that are left.

        Yields:
            `(image_id, image, label)`: split and position, as in `train_00042`; uint8 [height,
            width, channels]; and the label.

        Raises:
            RecordingsError: the file is damaged.
        """
        rows = zip(self._images[split], self._labels[split], strict=True)
        for i, (image, label) in enumerate(itertools.islice(rows, first, last), first):
            yield f"{split}_{i:05d}", image.reshape(self._image_shape), label


@dataclasses.dataclass(frozen=True, eq=False)
class AuthorsPairing(pairing.Pairing):
    """The authors' pairing: a training image goes with the waveform of its own row.

    A test image goes with the first training waveform of its class (the lowest take), because the
    authors' test file has no waveforms: see `TEST_REFERENCE`.

    Attributes:
        of_train_image: index into `recordings` for each training image.
        archive: what is sent to a worker in place of the waveforms.
    """

    of_train_image: Sequence[int] = ()
    archive: AuthorsArchive | None = None

    def __reduce__(self) -> tuple:
        return getattr, (self.archive, "pairing")

    def index(self, split: str, word: str, image_id: str) -> int:
        """Returns the index into `recordings` of the one that goes with an image of `word`."""
        if split == "train":
            return self.of_train_image[int(image_id.removeprefix("train_"))]
        return self.candidates[split][word][0]

    def splits_of(self, index: int) -> list[str]:
        """Returns the splits in which a recording may occur: test too for the first of a word."""
        first = self.candidates["test"][self.recordings[index].word]
        return list(pairing.SPLITS) if index in first else ["train"]


def _find_files(folder: epath.Path, prefix: str):
    paths = [folder / f"{prefix}_{kind}.npz" for kind in ("data", "test_data", "train_label")]
    missing = [path.name for path in paths if not path.exists() or audio_files.is_special(path)]
    if missing:
        there = "has no" if folder.is_dir() else "does not exist or is not a folder. It must hold"
        raise RecordingsError(
            f"The folder of the authors' data, {folder}, {there} {', '.join(missing)}."
        )
    return paths


def _open_images(path: epath.Path, image_shape: tuple[int, ...]):
    shapes = [(None, *image_shape)]
    if image_shape[-1] == 1:
        shapes.append((None, *image_shape[:-1]))
    return npz_rows.NpzRows(path, "arr_0", "u1", "images as uint8", *shapes)


def _read_one_hot(array: npz_rows.NpzRows, words: Mapping[str, str]):
    """The label of each row; every class must occur."""
    labels = []
    for i, row in enumerate(array):
        hot = np.flatnonzero(row)
        if len(hot) != 1 or row[hot[0]] != 1:
            raise RecordingsError(f"{array}: row {i} is not one-hot, a single 1 among zeros.")
        labels.append(int(hot[0]))
    seen = set(labels)
    lacking = [name for label, name in enumerate(words) if label not in seen]
    if lacking:
        raise RecordingsError(
            f"{array}: no training image is of the classes: {', '.join(lacking)}. Each class needs"
            " one, for its waveform."
        )
    return labels


def _read_names(array: npz_rows.NpzRows, words: Mapping[str, str]):
    """The label of each name: the class's or, failing that, the spoken word; `_` is a space."""
    known = {word.replace("_", " "): label for label, word in enumerate(words.values())}
    known |= {name.replace("_", " "): label for label, name in enumerate(words)}
    labels = []
    for i, name in enumerate(array):
        text = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
        label = known.get(text.replace("_", " "))
        if label is None:
            raise RecordingsError(
                f"{array}: row {i} is {text!r}, which is not a class: {', '.join(words)}."
            )
        labels.append(label)
    return labels


def _read_waveforms(
    array: npz_rows.NpzRows, labels: Iterable[int], words: Sequence[str], limit: int
):
    """(the distinct waveforms of each word as `Recording`s, the index into them of each row)."""
    numbers, lengths, of_row = {}, [], []  # numbers: by first appearance
    try:
        with tempfile.TemporaryFile() as file:
            for i, (row, label) in enumerate(zip(array, labels, strict=True)):
                key = (label, hashlib.sha256(row.tobytes()).hexdigest())
                if key not in numbers:
                    samples = _to_samples(row, limit, f"{array}: row {i}")
                    file.write(samples.tobytes())
                    lengths.append(len(samples))
                    numbers[key] = len(numbers)
                of_row.append(numbers[key])
            file.flush()
            samples = np.asarray(np.memmap(file, np.int16, "r"))  # outlives the closed file
    except OSError as error:
        raise RecordingsError(
            f"The waveforms cannot be kept in the folder for temporary files ({error}). Choose"
            " another one with the environment variable TMPDIR."
        ) from error
    pieces = np.split(samples, np.cumsum(lengths)[:-1])
    order = sorted(numbers, key=lambda key: key[0])  # stable: a word's stay in order
    takes, found = collections.Counter(), []
    for label, digest in order:
        piece = pieces[numbers[label, digest]]
        identity = (words[label], POLICY, takes[label], digest)
        found.append(recordings.Recording(*identity, audio.SAMPLE_RATE, piece))
        takes[label] += 1
    index = {numbers[key]: i for i, key in enumerate(order)}
    return found, [index[number] for number in of_row]


def _to_samples(row: np.ndarray, limit: int, where: str):
    """Returns int16 [at most `limit`] of float [n] in [-1, 1], without the zeros at the end."""
    largest = float(np.abs(row).max())
    if not largest <= 1 + _TOLERANCE:  # so that NaN is refused
        raise RecordingsError(
            f"{where} holds NaN or values beyond [-1, 1]: the largest is {largest:g}."
            " Scale the waveforms to [-1, 1]."
        )
    samples = audio.to_int16(row[: np.flatnonzero(row).max(initial=-1) + 1])
    if not samples.any():
        raise RecordingsError(f"{where} is silent. Each image needs a waveform.")
    if len(samples) > limit:
        raise RecordingsError(
            f"{where} lasts {recordings.milliseconds(len(samples)):.0f} ms ({len(samples)} samples"
            f" before its trailing zeros) and must fit in {limit} samples. Nothing is truncated:"
            " give a larger --audio_length."
        )
    return samples
