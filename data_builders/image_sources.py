"""Where the images of a data set come from: classified images, split into train and test, in a fixed order.

A source is small and can be sent to a Beam worker anywhere, which then reads its own part of the images.
"""

import dataclasses
from typing import Protocol

import tensorflow_datasets as tfds

from mtnet_tf.errors import InputError, first_line

_READ_BATCH = 256  # one by one, reading takes longer than writing


class ImagesError(InputError):
    """Images that cannot be had or are not the ones expected; the message says what to do."""


class ImageSource(Protocol):
    """Classified images.

    Attributes:
      id: name and version, for a data set's metadata and fingerprint.
    """

    id: str

    def prepare(self):
        """Makes the images ready to read. Raises ImagesError if they cannot be had."""

    def num_images(self, split):
        """How many images a split has; after `prepare`."""

    def images(self, split, first=0, last=None):
        """Yields (image_id, image as PNG bytes or uint8 array, label int) of the images first to last - 1.

        Raises an InputError that says which files cannot be read.
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
    data_dir: str | None = None

    @property
    def id(self):
        builder = self.builder()
        return f"{builder.name}:{builder.version}"

    def builder(self):
        """The TFDS builder."""
        return tfds.builder(self.name, data_dir=self.data_dir)

    def prepare(self):
        """Downloads and prepares the images where that is not done. Raises ImagesError."""
        import tensorflow as tf

        builder = self.builder()
        try:
            builder.download_and_prepare()
        except (OSError, tf.errors.OpError, tfds.download.DownloadError) as error:
            raise ImagesError(
                f"The images, TFDS {builder.name!r}, could not be downloaded to"
                f" {builder.data_path} ({first_line(error)}). Where there is no network, put the"
                " prepared data set there (from another machine) and give that data_dir."
            ) from error
        names = builder.info.features["label"].names
        if names != list(self.classes):
            raise ImagesError(
                f"The classes of {builder.data_path} are {names}; expected are"
                f" {list(self.classes)}. Prepare the images again."
            )

    def num_images(self, split):
        """How many images a split has."""
        return self.builder().info.splits[split].num_examples

    def images(self, split, first=0, last=None):
        """Yields (image_id, PNG bytes, label int). Raises ImagesError where a file is missing or damaged."""
        import tensorflow as tf

        last = self.num_images(split) if last is None else last
        builder = self.builder()
        dataset = builder.as_dataset(
            split=f"{split}[{first}:{last}]",
            shuffle_files=False,
            # The PNG bytes go from one data set to the other as they are.
            decoders={"image": tfds.decode.SkipDecoding()},
            read_config=tfds.ReadConfig(interleave_cycle_length=1, try_autocache=False),
        )
        dataset = dataset.map(lambda example: (example["image"], example["label"]))
        i = first
        try:
            for images, labels in tfds.as_numpy(dataset.batch(_READ_BATCH)):
                for image, label in zip(images, labels.tolist(), strict=True):
                    yield f"{split}_{i:05d}", image, label
                    i += 1
        except (OSError, tf.errors.OpError) as error:
            raise ImagesError(
                f"The images, TFDS {builder.name!r}, cannot be read from {builder.data_path}"
                f" ({first_line(error)}). Delete that folder, so that they are prepared again, or"
                " copy it again."
            ) from error
