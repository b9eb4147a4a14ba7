"""Digits AD: 1,797 small handwritten digits with spoken digits; everything is in the package."""

import functools
import hashlib
import os

import numpy as np
import scipy.ndimage
from etils import epath

from data_builders import audio_description, image_sources, words

_FOLDER = epath.resource_path("data_builders") / "digits_ad"
_NUM_TRAIN = 1437  # 80 %. The sheet that seems to be one writer's, rows 1415 to 1544, is in both.


class Builder(audio_description.AudioDescriptionBuilder):
    """1,437 / 360 images that ship with the package, each with a recording of its digit."""

    AUDIO_LENGTH = 18140  # 823 ms (section 4.3)
    WORDS = words.DIGITS
    IMAGE_SHAPE = (28, 28, 1)
    IMAGES_LICENCE = "Optical Recognition of Handwritten Digits (Alpaydin, Kaynak): CC BY 4.0"
    DIGIT_SIZE = 28

    def _make_image_source(self, data_dir: os.PathLike | str | None):
        digest = hashlib.sha256((_FOLDER / "digits.npz").read_bytes()).hexdigest()
        name = f"scikit-learn digits, 28x28 bilinear:{digest[:12]}"
        return image_sources.ArrayImages(name, self.IMAGE_SHAPE, load_splits)


def load_splits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Returns the `(images, labels)` of each split."""
    images, labels = load_digits()
    return {
        "train": (images[:_NUM_TRAIN], labels[:_NUM_TRAIN]),
        "test": (images[_NUM_TRAIN:], labels[_NUM_TRAIN:]),
    }


@functools.cache
def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Reads the embedded digits, white on black.

    Returns:
        `(images, labels)`: uint8 [1797, 28, 28, 1], and uint8 [1797] in 0..9. The images are the
        8x8 originals (0..16) enlarged bilinearly, pixel areas aligned, and scaled to 0..255.
    """
    with (_FOLDER / "digits.npz").open("rb") as file, np.load(file, allow_pickle=False) as data:
        images, labels = data["images"].astype(np.float64), data["labels"]
    images = scipy.ndimage.zoom(images, (1, 3.5, 3.5), order=1, mode="nearest", grid_mode=True)
    images = np.rint(images * (255 / 16)).astype(np.uint8)[..., np.newaxis]
    images.setflags(write=False)
    return images, labels
