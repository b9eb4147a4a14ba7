"""The examples of a split: each image with its word, spoken."""

import dataclasses
from collections.abc import Iterator

from data_builders.errors import DataSetError
from data_builders.image_sources import ImageSource
from data_builders.pairing import Pairing


@dataclasses.dataclass(frozen=True)
class SplitExamples:
    """Makes the examples of a split; it holds all that a Beam worker needs.

    Attributes:
        split: "train" or "test".
        images: where its images come from.
        pairing: which recording goes with which image.
        all_words: class name of the images -> spoken word, in the order of the source's labels.
        words: the same of the words that are recorded, in the order of the data set's labels.
    """

    split: str
    images: ImageSource
    pairing: Pairing
    all_words: dict[str, str]
    words: dict[str, str]

    def read(self, first: int, last: int) -> Iterator[tuple[str, dict]]:
        """Yields (image_id, example) of the images first to last - 1 whose word is recorded.

        Raises:
            DataSetError: an image has a label without a word.
        """
        labels = {name: label for label, name in enumerate(self.words)}
        classes = list(self.all_words)
        for image_id, image, source_label in self.images.images(self.split, first, last):
            if not 0 <= source_label < len(classes):
                raise DataSetError(
                    f"The image {image_id} has the label {source_label}; WORDS has"
                    f" {len(classes)} classes."
                )
            name = classes[source_label]
            if name not in labels:
                continue
            word = self.words[name]
            recording = self.pairing.index(self.split, word, image_id)
            used = self.pairing.recordings[recording]
            yield (
                image_id,
                {
                    "image": image,
                    "label": labels[name],
                    "word": word,
                    "audio": used.samples,
                    "recording_id": recording,
                    "voice_id": used.voice_id,
                    "image_id": image_id,
                },
            )
