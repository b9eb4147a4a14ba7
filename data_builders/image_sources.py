"""Where the images of a data set come from: classified, in two splits, in a fixed order.

A source is small and can be sent to a Beam worker anywhere, which then reads its own part of the
images.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import tensorflow_datasets as tfds

from data_builders.building import open_source, sole_builder
from data_builders.errors import DataSetError
from mtnet_tf.data.images import encode_png
from mtnet_tf.data.prepared import SPLITS
from mtnet_tf.errors import InputError, first_line

_READ_BATCH = 256  # one by one, reading takes longer than writing


class ImageSource(Protocol):
    """Classified images.

    Attributes:
        id: name and version, for a data set's metadata and fingerprint.
    """

    id: str

    def prepare(self) -> None:
        """Makes the images ready to read. Raises an InputError if they cannot be had."""

    def num_images(self, split: str) -> int:
        """Returns how many images a split has; after `prepare`."""

    def images(
        self, split: str, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[str, bytes | np.ndarray, int]]:
        """Reads the images first to last - 1 of a split.

        Args:
            split: "train" or "test".
            first: position of the first image.
            last: position after the last image; None for all that are left.

        Yields:
            `(image_id, image, label)`: split and position, as in `train_00042`; PNG bytes or uint8
            [height, width, channels]; and the label.

        Raises:
            InputError: the images cannot be read; the message says which files.
        """


@dataclasses.dataclass(frozen=True)
class TfdsImages:
    """The images of a TFDS data set, downloaded by TFDS where they are not prepared.

    Attributes:
        name: of the TFDS data set, e.g. "mnist".
        classes: the class names it must have, in the order of the labels.
        data_dir: where TFDS keeps it; None for `~/tensorflow_datasets`.
    """

    name: str
    classes: tuple[str, ...]
    data_dir: os.PathLike | str | None = None

    @property
    def id(self) -> str:
        """Name and version."""
        builder = self.builder()
        return f"{builder.name}:{builder.version}"

    def builder(self) -> tfds.core.DatasetBuilder:
        """Returns the TFDS builder. Raises DataSetError if the data set is damaged."""
        return open_source(self.name, self.data_dir)

    def prepare(self) -> None:
        """Downloads and prepares the images where that is not done.

        Raises:
            DataSetError: they cannot be downloaded, or have other classes.
        """
        builder = self.builder()
        try:
            if not builder.is_prepared():
                with sole_builder(builder.data_path.parent):
                    self.builder().download_and_prepare()  # unless another process has done it
                builder = self.builder()
        except Exception as error:  # those of TFDS and requests have no common base
            raise DataSetError(
                f"The images, TFDS {builder.name!r}, could not be downloaded to"
                f" {builder.data_path} ({first_line(error)}). Where there is no network, put the"
                " prepared data set there (from another machine) and give that --data_dir."
            ) from error
        names = builder.info.features["label"].names
        if names != list(self.classes):
            raise DataSetError(
                f"The classes of {builder.data_path} are {names}; expected are"
                f" {list(self.classes)}. Prepare the images again."
            )

    def num_images(self, split: str) -> int:
        """Returns how many images a split has."""
        return self.builder().info.splits[split].num_examples

    def images(
        self, split: str, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[str, bytes, int]]:
        """Reads PNG bytes; see `ImageSource`.

        Raises:
            DataSetError: a file is missing or damaged.
        """
        from data_builders.tfds_examples import read_examples  # starts TensorFlow

        last = self.num_images(split) if last is None else last
        builder = self.builder()
        dataset = builder.as_dataset(
            split=f"{split}[{first}:{last}]",
            shuffle_files=False,
            # The PNG bytes go from one data set to the other as they are.
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        i = first
        for batch in read_examples(builder, dataset.batch(_READ_BATCH)):
            for image, label in zip(batch["image"], batch["label"].tolist(), strict=True):
                yield f"{split}_{i:05d}", image, label
                i += 1


@dataclasses.dataclass(frozen=True)
class ArrayImages:
    """Images that are arrays in memory.

    Attributes:
        id: name and version. Other images need another one, or would pass for these.
        shape: (height, width, channels), with one channel or three.
        load: returns {"train" and "test": `(images, labels)`}, uint8 [n, height, width, channels]
            and integers [n]. It is called often, so it should keep what it has read
            (`functools.cache`), and by name from a Beam worker, so it must be a module's function.
    """

    id: str
    shape: tuple[int, int, int]
    load: Callable[[], dict[str, tuple[np.ndarray, np.ndarray]]]

    def prepare(self) -> None:
        """Checks the arrays. Raises DataSetError if they cannot be read or are no such arrays."""
        splits = self._load()
        sizes = {name: len(labels) for name, (_, labels) in splits.items()}
        if sorted(sizes) != sorted(SPLITS) or not all(sizes.values()):
            raise DataSetError(
                f"{self.id}: there must be images of {' and '.join(SPLITS)}. Received: {sizes}."
            )
        for split, (images, labels) in splits.items():
            if images.dtype != np.uint8 or images.shape[1:] != tuple(self.shape):
                raise DataSetError(
                    f"{self.id}: the images of {split} are {images.dtype}, shape"
                    f" {list(images.shape)}; they must be uint8, shape [n, "
                    f"{', '.join(map(str, self.shape))}]."
                )
            if labels.shape != images.shape[:1] or labels.dtype.kind not in "iu":
                raise DataSetError(
                    f"{self.id}: the labels of {split} are {labels.dtype}, shape"
                    f" {list(labels.shape)}; they must be {len(images)} integers."
                )

    def num_images(self, split: str) -> int:
        """Returns how many images a split has."""
        return len(self._load()[split][1])

    def images(
        self, split: str, first: int = 0, last: int | None = None
    ) -> Iterator[tuple[str, bytes, int]]:
        """Yields PNG bytes; see `ImageSource`."""
        # Not by TFDS' own encoder, which would start TensorFlow.
        images, labels = self._load()[split]
        for i in range(first, len(labels) if last is None else last):
            yield f"{split}_{i:05d}", encode_png(images[i]), int(labels[i])

    def _load(self):
        """What `load` returns; a file that it cannot read is not one that cannot be written."""
        try:
            return self.load()
        except InputError:
            raise
        except Exception as error:  # whatever the data set's module may raise
            raise DataSetError(
                f"{self.id}: the images cannot be read ({first_line(error)}). Check the"
                " file that the data set's module reads, and run the same command again."
            ) from error
