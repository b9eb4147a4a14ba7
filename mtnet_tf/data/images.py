"""Pictures of any size and kind -> the pixels that a model was trained on.

A model of digits (`digit_size` is a number, one channel) gets what MNIST's makers made of their
scans: the digit alone, light on black, fitted into a 20x20 box and centred by its mass. A picture
that already has the model's size keeps its geometry and is at most inverted. Every other model gets
the middle of the picture, scaled.
"""

import contextlib
import io
import os
import pathlib
import stat
import threading
import warnings
from typing import Literal

import numpy as np
import PIL.Image
import PIL.ImageOps
from scipy import ndimage

from mtnet_tf import files
from mtnet_tf.errors import InputError

# A digit is looked for at this size of the longer side: enough for 20 pixels of a small digit.
WORKING_SIZE = 512
MIN_WORKING_SIZE = 128

# Ink and paper closer than this (of 1, black to white) are taken for a blank picture.
MIN_CONTRAST = 0.1

# Strokes in MNIST are 2 to 4 pixels wide; thinner ones would fade when a photo is scaled down.
MIN_STROKE_WIDTH = 2.2

_SHOWN_SIZE = 256  # of the longer side of a picture that is written

EIGHT_NEIGHBOURS = np.ones((3, 3), bool)

# A small file can hold a picture that fills the memory once it is decoded.
MAX_FILE_BYTES = 100_000_000
MAX_PIXELS = 100_000_000

# Pillow has Ghostscript run an EPS file's program.
_PROGRAM_FORMATS = {"EPS"}

_HEIF_HINT = " A .heic picture needs the extra: pip install 'mtnet-tf[heic]'."

# Which warnings are shown is a setting of the whole process: one thread at a time changes it.
_decoding = threading.Lock()


class ImageError(InputError, ValueError):
    """A picture that cannot be used. The message names it and says what to do."""


def read_image(
    path: pathlib.Path | str,
    shape: tuple[int, int, int] = (28, 28, 1),
    invert: Literal["auto", "yes", "no"] = "auto",
    digit_size: int | None = 20,
) -> tuple[np.ndarray, bool]:
    """Reads a picture file as the input of a model.

    Args:
        path: A file in any format that `decode_image` takes.
        shape: As in `decode_image`.
        invert: As in `decode_image`.
        digit_size: As in `decode_image`.

    Returns:
        What `decode_image` returns.

    Raises:
        ImageError: There is no such file, it is not an ordinary file, it cannot be read, or
            `decode_image` cannot use it.
        ValueError: An argument is out of its range.
    """
    _check_arguments(shape, invert, digit_size)
    return decode_image(_read_bytes(path), shape, invert, digit_size, str(path))


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

    With one channel and a `digit_size` see `extract_digit`, which follows unless the picture
    already has the wanted height and width. Otherwise the largest centred part of the wanted
    aspect is cut out and scaled with antialiasing; it is inverted only for `invert="yes"`.

    Args:
        data: The contents of a file in any format that Pillow decodes by itself, in any size, mode
            and bit depth.
        shape: (height, width, channels) of the model's images; channels is 1 or 3.
        invert: "yes" for dark ink on light paper, "no" for light ink on a dark ground, "auto" to
            look (see `has_dark_ink`).
        digit_size: Pixels of the square into which a digit is fitted; MNIST's is 20 of 28. None
            for a data set whose images are not digits.
        name: What an error calls the picture.

    Returns:
        (image, inverted): uint8 [height, width, channels] in [0, 255], and whether light and dark
        were exchanged.

    Raises:
        ImageError: The data are empty, too large, no picture, damaged or cut short, or the picture
            holds no digit.
        ValueError: An argument is out of its range.
    """
    _check_arguments(shape, invert, digit_size)
    height, width, channels = shape
    picture = _decode(data, "L" if channels == 1 else "RGB", name)
    if channels == 3 or digit_size is None:
        picture = PIL.ImageOps.fit(picture, (width, height), PIL.Image.Resampling.LANCZOS)
        image = np.array(picture, np.uint8).reshape(shape)
        return (255 - image, True) if invert == "yes" else (image, False)

    same_size = picture.size == (width, height)
    grey = np.array(picture if same_size else _working_copy(picture), np.float64) / 255
    inverted = has_dark_ink(grey, name) if invert == "auto" else invert == "yes"
    ink = 1 - grey if inverted else grey
    if not same_size:
        ink = extract_digit(ink, (height, width), digit_size, name)
    return np.round(ink * 255).astype(np.uint8)[:, :, np.newaxis], inverted


def write_image(path: pathlib.Path | str, image: np.ndarray) -> None:
    """Writes a PNG file, each pixel enlarged to a square, so that it can be looked at.

    Args:
        path: The file.
        image: uint8 [height, width, 1 or 3].

    Raises:
        files.FileError: It cannot be written.
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


def has_dark_ink(grey: np.ndarray, name: str = "the picture") -> bool:
    """Tells whether a picture shows dark ink on a light ground (MNIST is the other way round).

    Ink covers the smaller part of any neighbourhood, so it is what differs most from the local mean
    brightness. Comparing locally keeps a shadow or a lamp's bright spot from deciding.

    Args:
        grey: float [height, width] in [0, 1], black to white.
        name: What an error calls the picture.

    Returns:
        Whether the ink is darker than the ground.

    Raises:
        ImageError: The picture is blank.
    """
    difference = grey - ndimage.uniform_filter(grey, max(grey.shape) // 2, mode="nearest")
    darkest, brightest = np.percentile(difference, [0.05, 99.95])
    if max(-darkest, brightest) < MIN_CONTRAST / 2:
        raise _blank(name)
    return bool(-darkest > brightest)


def extract_digit(
    ink: np.ndarray,
    size: tuple[int, int] = (28, 28),
    digit_size: int = 20,
    name: str = "the picture",
) -> np.ndarray:
    """Cuts a digit out of a photo and lays it out as MNIST's makers did with theirs.

    1. The ground is estimated and taken away: a morphological opening keeps what is wider than a
       stroke (paper, shadows, the table) and drops the ink.
    2. Otsu's threshold tells ink from paper; specks and what touches the edge are left out.
    3. Strokes thinner than MNIST's are widened (a ball-pen on a photo; MNIST needed no such step).
    4. Contrast is stretched to the whole range, the ink's bounding box is scaled with antialiasing
       into a square of `digit_size` pixels, keeping its aspect.
    5. The result stands in the field with its centre of mass in the field's centre.

    Args:
        ink: float [h, w] in [0, 1], light ink on a dark ground.
        size: (height, width) of the result.
        digit_size: Side in pixels of the square that the digit fills.
        name: What an error calls the picture.

    Returns:
        float [height, width] in [0, 1].

    Raises:
        ImageError: No ink stands out from the ground.
    """
    ground = ndimage.grey_opening(ink, size=max(3, min(ink.shape) // 3), mode="nearest")
    # Relative to what the ground leaves room for: ink in a shadow differs less from its paper.
    ink = (ink - ground) / np.maximum(1 - ground, 0.1)
    mask = _ink_mask(ink, name)
    black = ink[~mask].mean() + 2 * ink[~mask].std() if not mask.all() else 0.0
    white = max(np.median(ink[mask]), black + MIN_CONTRAST / 2)
    # One pixel around the mask: the antialiased rim of the strokes.
    rim = ndimage.binary_dilation(mask, iterations=2)
    digit = np.where(rim, np.clip((ink - black) / (white - black), 0, 1), 0)
    # In noise the threshold finds pixels that stand out from the others by less than those vary.
    if digit.max() <= 0.5:
        raise _blank(name)

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    scale = digit_size / max(np.ptp(rows) + 1, np.ptp(columns) + 1)
    # In a bar w pixels wide the mean distance to the nearest pixel outside is (w + 2) / 4.
    stroke_width = 4 * ndimage.distance_transform_edt(mask)[mask].mean() - 2
    radius = round((MIN_STROKE_WIDTH / scale - stroke_width) / 2)
    if radius > 0:
        y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
        digit = np.pad(digit, radius)
        digit = ndimage.grey_dilation(digit, footprint=x * x + y * y <= radius * radius)
        rows, columns = (np.flatnonzero(digit.max(axis=axis) > 0.5) for axis in (1, 0))
    digit = digit[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _centre(_fit(digit, digit_size), size)


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


def _read_bytes(path: pathlib.Path | str):
    """The contents of an ordinary file."""
    try:
        # Not opened before: opening a named pipe waits for a writer, reading a device may not end.
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(f"{path}: is a folder. Name one picture file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(f"{path}: is a device, a pipe or a socket. Name a picture file.")
        if status.st_size > MAX_FILE_BYTES:
            raise _too_large(str(path), f"{status.st_size:,} bytes; {MAX_FILE_BYTES:,} are allowed")
        return pathlib.Path(path).read_bytes()
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{path}: there is no such file. Check the path.") from None
    except PermissionError:
        raise ImageError(
            f"{path}: may not be read by this user. Change the file's or its folder's permissions."
        ) from None
    # A ValueError says that the path holds a NUL character.
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{str(path)!r}: cannot be opened ({reason}). Check the path.") from None


def _decode(data: bytes, mode: str, name: str):
    """The picture in `mode` ("L" or "RGB"), 8 bits, without transparency, turned as EXIF says."""
    if not data:
        raise ImageError(f"{name}: is empty (0 bytes). Copy or save the picture again.")
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(name, f"{len(data):,} bytes; {MAX_FILE_BYTES:,} are allowed")
    PIL.Image.init()
    _register_heif()
    formats = sorted(set(PIL.Image.OPEN) - _PROGRAM_FORMATS)
    try:
        with _decoding, warnings.catch_warnings():
            # What a decoder warns of is either an error below or does not change the picture.
            warnings.simplefilter("ignore")
            with PIL.Image.open(io.BytesIO(data), formats=formats) as picture:
                width, height = picture.size
                if width * height > MAX_PIXELS:
                    raise _too_large(
                        name, f"{width}x{height} pixels; {MAX_PIXELS:,} in all are allowed"
                    )
                picture.load()
                return _flatten(PIL.ImageOps.exif_transpose(picture), mode, name)
    except ImageError:
        raise
    except PIL.UnidentifiedImageError:
        hint = _HEIF_HINT if data[4:8] == b"ftyp" else ""
        raise ImageError(
            f"{name}: is not a picture in a format that can be read. Save it as PNG or JPEG.{hint}"
        ) from None
    except PIL.Image.DecompressionBombError as error:
        raise _too_large(name, str(error)) from None
    # A decoder that is given damaged data raises whatever its code meets first.
    except Exception as error:
        raise ImageError(
            f"{name}: is damaged or cut short ({error or type(error).__name__}). "
            "Copy or save the picture again."
        ) from None


def _register_heif():
    """Lets Pillow read .heic, the format of telephones, where its plugin is installed."""
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()


def _flatten(picture: PIL.Image.Image, mode: str, name: str):
    """The picture in `mode` ("L" or "RGB"), 8 bits, without transparency."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        values = np.array(picture, np.float64)
        # Pillow clips these modes at 255 when it converts them: scale instead.
        largest = 1 if picture.mode == "F" else 65535
        if not np.all((values >= 0) & (values <= largest)):
            raise ImageError(f"{name}: has values outside [0, {largest}]. Save it as an 8-bit PNG.")
        picture = PIL.Image.fromarray(np.round(values * (255 / largest)).astype(np.uint8))
    try:
        if picture.has_transparency_data:
            picture = picture.convert("RGBA")
            paper = PIL.Image.new("RGBA", picture.size, "white")
            picture = PIL.Image.alpha_composite(paper, picture)
        elif picture.mode == "P":
            picture = picture.convert("RGB")
        return picture.convert(mode)
    except ValueError as error:
        raise ImageError(
            f"{name}: colours of mode {picture.mode} cannot be converted ({error}). "
            "Save it as an ordinary PNG or JPEG."
        ) from None


def _working_copy(picture: PIL.Image.Image):
    """The picture scaled to a size at which a digit is looked for."""
    longer = max(picture.size)
    scale = np.clip(longer, MIN_WORKING_SIZE, WORKING_SIZE) / longer
    if scale == 1:
        return picture
    size = [max(1, round(side * scale)) for side in picture.size]
    return picture.resize(size, PIL.Image.Resampling.BICUBIC)


def _ink_mask(ink: np.ndarray, name: str):
    """The pixels of the digit, bool [h, w], in `ink`, the picture without its ground."""
    mask = ink > _otsu_threshold(ink)
    inner = mask & ~_at_edge(mask)
    # What touches the edge is table or frame, unless nothing else is large enough to be a digit.
    if _largest_extent(inner) * 20 > max(ink.shape):
        rest = ink[inner | ~mask]
        mask = (ink > _otsu_threshold(rest)) & ~ndimage.binary_dilation(mask & ~inner, iterations=3)
    if not mask.any() or mask.all() or ink[mask].mean() - ink[~mask].mean() < MIN_CONTRAST:
        raise _blank(name)
    parts, _ = ndimage.label(mask, EIGHT_NEIGHBOURS)
    sizes = np.bincount(parts[mask])
    return mask & (sizes * 10 > sizes.max())[parts]


def _at_edge(mask: np.ndarray):
    """The part of `mask` that hangs together with the picture's edge."""
    edge = np.ones_like(mask)
    edge[1:-1, 1:-1] = False
    return ndimage.binary_propagation(mask & edge, EIGHT_NEIGHBOURS, mask)


def _largest_extent(mask: np.ndarray):
    """The longest side, in pixels, of the bounding boxes of the parts of `mask`; 0 for none."""
    boxes = ndimage.find_objects(ndimage.label(mask, EIGHT_NEIGHBOURS)[0])
    return max((side.stop - side.start for box in boxes for side in box), default=0)


def _otsu_threshold(values: np.ndarray):
    """The threshold that separates `values` into two groups with the least variance inside."""
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts)[:-1], np.cumsum(counts[::-1])[::-1][1:]
    sum_below = np.cumsum(counts * middles)[:-1]
    sum_above = (counts * middles).sum() - sum_below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sum_below / below - sum_above / above) ** 2
    return edges[1 + np.argmax(np.nan_to_num(between))]


def _fit(digit: np.ndarray, digit_size: int):
    """`digit` scaled so that its longer side has `digit_size` pixels, and its brightest is 1."""
    scale = digit_size / max(digit.shape)
    height, width = (max(1, round(side * scale)) for side in digit.shape)
    picture = PIL.Image.fromarray(digit.astype(np.float32))
    digit = np.array(picture.resize((width, height), PIL.Image.Resampling.BOX), np.float64)
    return digit / max(digit.max(), 1e-6)


def _centre(digit: np.ndarray, size: tuple[int, int]):
    """`digit` in a black field of `size`, its centre of mass in the middle, nothing cut off."""
    field = np.zeros(size)
    mass = ndimage.center_of_mass(digit)
    corner = [
        int(np.clip(round((whole - 1) / 2 - centre), 0, whole - part))
        for whole, part, centre in zip(size, digit.shape, mass)
    ]
    field[corner[0] : corner[0] + digit.shape[0], corner[1] : corner[1] + digit.shape[1]] = digit
    return field


def _blank(name: str):
    return ImageError(
        f"{name}: no digit found, the picture is blank or nearly so. Write the digit darker, light "
        "the paper better, or give a transparent drawing a dark ground."
    )


def _too_large(name: str, how: str):
    return ImageError(f"{name}: is too large ({how}). Scale the picture down.")
