"""Pictures of any size and kind -> the pixels that a model was trained on, and pixels -> PNG.

A model of digits (`digit_size` is a number, one channel) gets what MNIST's makers made of their
scans (`digits`): the digit alone, light on black, fitted into a 20x20 box and centred by its mass.
A picture that already has the model's size keeps its geometry and is at most inverted. Every other
model gets the middle of the picture, scaled.
"""

import io
import pathlib
from typing import Literal

import numpy as np
import PIL.Image
import PIL.ImageOps

from mtnet_tf import files
from mtnet_tf.data import picture_files
from mtnet_tf.data.digits import extract_digit, has_dark_ink, working_copy

_SHOWN_SIZE = 256  # of the longer side of a picture that is written


def read_image(
    path: pathlib.Path | str,
    shape: tuple[int, int, int] = (28, 28, 1),
    invert: Literal["auto", "yes", "no"] = "auto",
    digit_size: int | None = 20,
) -> tuple[np.ndarray, bool]:
    """Reads a picture file as the input of a model.

    Args:
        path: a file in any format that `decode_image` takes.
        shape: as in `decode_image`.
        invert: as in `decode_image`.
        digit_size: as in `decode_image`.

    Returns:
        What `decode_image` returns.

    Raises:
        ImageError: there is no such file, it is not an ordinary file, it cannot be read, or
            `decode_image` cannot use it.
        ValueError: an argument is out of its range.
    """
    _check_arguments(shape, invert, digit_size)
    return decode_image(picture_files.read_bytes(path), shape, invert, digit_size, str(path))


def decode_image(
    data: bytes,
    shape: tuple[int, int, int] = (28, 28, 1),
    invert: Literal["auto", "yes", "no"] = "auto",
    digit_size: int | None = 20,
    name: str = "the picture",
) -> tuple[np.ndarray, bool]:
    """Turns the bytes of a picture file into the input of a model.

    EXIF rotation is applied. Transparent parts become white, because that is what viewers show
    and what a drawing without a background was drawn on.

    With one channel and a `digit_size`, `digits.extract_digit` lays the digit out, unless the
    picture already has the wanted height and width. With three channels or no `digit_size`, the
    largest centred part of the wanted aspect is cut out and scaled with antialiasing; it is
    inverted only for `invert="yes"`.

    Args:
        data: the contents of a file in any format that Pillow decodes by itself, in any size, mode
            and bit depth.
        shape: (height, width, channels) of the model's images; channels is 1 or 3.
        invert: "yes" for dark ink on light paper, "no" for light ink on a dark ground, "auto" to
            look (see `digits.has_dark_ink`).
        digit_size: pixels of the square into which a digit is fitted; MNIST's is 20 of 28. None
            for a data set whose images are not digits.
        name: what an error calls the picture.

    Returns:
        (image, inverted): uint8 [height, width, channels] in [0, 255], and whether light and dark
        were exchanged.

    Raises:
        ImageError: the data are empty, too large, no picture, damaged or cut short, or the picture
            holds no digit.
        ValueError: an argument is out of its range.
    """
    _check_arguments(shape, invert, digit_size)
    height, width, channels = shape
    picture = picture_files.decode(data, "L" if channels == 1 else "RGB", name)
    if channels == 3 or digit_size is None:
        picture = PIL.ImageOps.fit(picture, (width, height), PIL.Image.Resampling.LANCZOS)
        image = np.array(picture, np.uint8).reshape(shape)
        return (255 - image, True) if invert == "yes" else (image, False)

    same_size = picture.size == (width, height)
    grey = np.array(picture if same_size else working_copy(picture), np.float64) / 255
    inverted = has_dark_ink(grey, name) if invert == "auto" else invert == "yes"
    ink = 1 - grey if inverted else grey
    if not same_size:
        ink = extract_digit(ink, (height, width), digit_size, name)
    return np.round(ink * 255).astype(np.uint8)[:, :, np.newaxis], inverted


def write_image(path: pathlib.Path | str, image: np.ndarray) -> None:
    """Writes a PNG file, each pixel enlarged to a square, so that it can be looked at.

    Args:
        path: the file.
        image: uint8 [height, width, 1 or 3].

    Raises:
        files.FileError: it cannot be written.
    """
    scale = max(1, _SHOWN_SIZE // max(image.shape[:2]))
    enlarged = image.repeat(scale, axis=0).repeat(scale, axis=1)
    with files.replacing(path) as temporary:
        temporary.write_bytes(encode_png(enlarged))


def encode_png(image: np.ndarray) -> bytes:
    """Returns a picture as the bytes of a PNG file.

    Args:
        image: uint8 [height, width, 1 or 3].
    """
    file = io.BytesIO()
    picture = PIL.Image.fromarray(image.squeeze(axis=2) if image.shape[2] == 1 else image)
    picture.save(file, "PNG")
    return file.getvalue()


def _check_arguments(shape: tuple, invert: str, digit_size: int | None):
    height, width, channels = shape
    if channels not in (1, 3):
        raise ValueError(f"shape must have 1 or 3 channels. Received: shape={tuple(shape)}.")
    if invert not in ("auto", "yes", "no"):
        raise ValueError(f"invert must be 'auto', 'yes' or 'no'. Received: invert={invert!r}.")
    if digit_size is not None and not 0 < digit_size <= min(height, width):
        raise ValueError(
            f"digit_size must be from 1 to {min(height, width)}, the smaller side of the image, or "
            f"None where the images are not digits. Received: digit_size={digit_size}."
        )
