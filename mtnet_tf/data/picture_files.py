"""Picture files -> pictures of 8 bits, as strangers send them: any format, size, mode and depth."""

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

from mtnet_tf.errors import InputError, install

# A small file can hold a picture that fills the memory once it is decoded.
MAX_FILE_BYTES = 100_000_000
MAX_PIXELS = 100_000_000

# Pillow has Ghostscript run an EPS file's program.
_PROGRAM_FORMATS = {"EPS"}

_HEIF_SUFFIXES = {".heic", ".heif"}
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"}
_HEIF_HINT = f" A .heic picture needs a package more. {install('heic')}"

# Which warnings are shown is a setting of the whole process: one thread at a time changes it.
_decoding = threading.Lock()


class ImageError(InputError, ValueError):
    """A picture that cannot be used. The message names it and says what to do."""


def read_bytes(path: pathlib.Path | str) -> bytes:
    """Returns the contents of an ordinary file.

    Raises:
        ImageError: there is no such file, it is not an ordinary file, too large, or may not be
            read.
    """
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


def suffixes() -> set[str]:
    """Returns the suffixes of picture files, such as ".png"; in lower case."""
    formats = _formats()
    known = PIL.Image.registered_extensions().items()
    return _HEIF_SUFFIXES | {suffix for suffix, name in known if name in formats}


def decode(data: bytes, mode: Literal["L", "RGB"], name: str) -> PIL.Image.Image:
    """Returns a picture of 8 bits, on white where it is transparent, turned as its EXIF says.

    Where the EXIF is damaged, the picture is not turned.

    Args:
        data: the contents of a picture file.
        mode: "L", grey, or "RGB".
        name: what an error calls the picture.

    Raises:
        ImageError: the data are empty, too large, no picture, damaged or cut short.
    """
    if not data:
        raise ImageError(f"{name}: is empty (0 bytes). Copy or save the picture again.")
    if len(data) > MAX_FILE_BYTES:
        raise _too_large(name, f"{len(data):,} bytes; {MAX_FILE_BYTES:,} are allowed")
    formats = sorted(_formats())
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
                return _flatten(_turned(picture), mode, name)
    except ImageError:
        raise
    except PIL.UnidentifiedImageError:
        # Films begin with "ftyp" too.
        hint = _HEIF_HINT if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS else ""
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


def _formats() -> set[str]:
    """Returns Pillow's names of the formats that are read."""
    PIL.Image.init()
    _register_heif()
    return set(PIL.Image.OPEN) - _PROGRAM_FORMATS


def _register_heif():
    """Lets Pillow read .heic, the format of telephones, where its plugin is installed."""
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()


def _turned(picture: PIL.Image.Image) -> PIL.Image.Image:
    try:
        return PIL.ImageOps.exif_transpose(picture)
    except Exception:  # of many types, by what is damaged
        return picture


def _flatten(picture: PIL.Image.Image, mode: str, name: str):
    """The picture in `mode` ("L" or "RGB"), 8 bits, without transparency."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        values = np.array(picture, np.float64)
        # Pillow clips these modes at 255 when it converts them: scale instead.
        largest = _white(picture.mode, values)
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


def _white(mode: str, values: np.ndarray) -> int:
    """Returns the value of white, which a mode of 32 bits does not say but its values show."""
    if mode == "F":
        return 1 if values.max() <= 1 else 255
    return 255 if mode == "I" and values.max() <= 255 else 65535


def _too_large(name: str, how: str):
    return ImageError(f"{name}: is too large ({how}). Scale the picture down.")
