"""Digits AD: 1,797 small handwritten digits with spoken digits; everything is in the package."""

import functools
import hashlib
import io

import numpy as np
import PIL.Image
import scipy.ndimage
from etils import epath

from data_builders import audio_description, words

_FOLDER = epath.resource_path("data_builders") / "digits_ad"
_NUM_TRAIN = 1437  # the last 360 images are by writers who are not among the first


class Builder(audio_description.AudioDescriptionBuilder):
    """1,437 / 360 images that ship with the package, each with a recording of its digit."""

    AUDIO_LENGTH = 18140  # 823 ms (section 4.3)
    WORDS = words.DIGITS
    IMAGE_SHAPE = (28, 28, 1)
    DIGIT_SIZE = 28
    DEFAULT_RECORDINGS_DIR = _FOLDER / "recordings"

    def _make_image_source(self, data_dir):
        return _EmbeddedDigits()


class _EmbeddedDigits:
    """The `ImageSource` of the digits in the package."""

    @property
    def id(self):
        digest = hashlib.sha256((_FOLDER / "digits.npz").read_bytes()).hexdigest()
        return f"scikit-learn digits, 28x28 bilinear:{digest[:12]}"

    def prepare(self):
        pass

    def num_images(self, split):
        return _NUM_TRAIN if split == "train" else len(load_digits()[1]) - _NUM_TRAIN

    def images(self, split, first=0, last=None):
        images, labels = load_digits()
        offset = 0 if split == "train" else _NUM_TRAIN
        for i in range(first, self.num_images(split) if last is None else last):
            yield f"{split}_{i:05d}", _png(images[offset + i, :, :, 0]), int(labels[offset + i])


def _png(image):
    """PNG bytes; Pillow is spared the start of TensorFlow that TFDS' own encoder needs."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, format="PNG")
    return buffer.getvalue()


@functools.cache
def load_digits():
    """The embedded digits, white on black.

    Returns:
      `(images, labels)`: uint8 [1797, 28, 28, 1], and uint8 [1797] in 0..9. The images are the 8x8
      originals (0..16) enlarged bilinearly, pixel areas aligned, and scaled to 0..255.
    """
    with (_FOLDER / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        images, labels = data["images"].astype(np.float64), data["labels"]
    images = scipy.ndimage.zoom(images, (1, 3.5, 3.5), order=1, mode="nearest", grid_mode=True)
    images = np.rint(images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    images.setflags(write=False)
    return images, labels
