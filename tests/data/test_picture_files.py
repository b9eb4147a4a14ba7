"""Picture files of every kind: each is read, or is one error."""

import os
import struct
import sys
import warnings
import zlib

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from mtnet_tf.data import images
from mtnet_tf.data.images import decode_image, read_image
from mtnet_tf.data.picture_files import MAX_FILE_BYTES, ImageError
from mtnet_tf.errors import InputError
from tests.data.photos import SIZE, draw_two, file_bytes, photo, read, similarity


def test_exif_rotation(two, tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to show
    turned = photo(draw_two()).transpose(PIL.Image.Transpose.ROTATE_90)
    image, _ = read(turned, tmp_path, "photo.jpg", {"exif": exif, "quality": 95})
    assert similarity(image, two) > 0.97


def test_a_picture_whose_exif_is_damaged_is_not_turned(two, tmp_path):
    image, _ = read(photo(draw_two()), tmp_path, save={"exif": b"no TIFF file"})
    assert similarity(image, two) > 0.97


def convert(mode):
    return lambda picture: picture.convert(mode)


def to_palette(picture):
    return picture.convert("P", palette=PIL.Image.Palette.ADAPTIVE)


def to_16_bits(picture):
    return PIL.Image.fromarray(np.array(picture, np.uint16) * 257)


def to_32_bits(white, dtype):
    """A change to a mode of 32 bits ("I" or "F") in which white has this value."""
    return lambda picture: PIL.Image.fromarray((np.array(picture) / 255 * white).astype(dtype))


def to_transparent_ink(picture):
    ink = PIL.Image.new("RGBA", picture.size, (10, 20, 60, 0))
    ink.putalpha(PIL.Image.fromarray(255 - np.array(picture)))
    return ink


@pytest.mark.parametrize(
    "change, name",
    [
        (convert("RGB"), "picture.jpg"),
        (convert("RGB"), "picture.webp"),
        (convert("CMYK"), "picture.tif"),
        (convert("RGBA"), "picture.png"),
        (convert("LA"), "picture.png"),
        (convert("1"), "picture.png"),
        (to_palette, "picture.gif"),
        (to_16_bits, "picture.png"),
        (to_32_bits(255, np.int32), "picture.tif"),
        (to_32_bits(65535, np.int32), "picture.tif"),
        (to_32_bits(1, np.float32), "picture.tif"),
        (to_32_bits(255, np.float32), "picture.tif"),
        (to_transparent_ink, "picture.png"),
    ],
)
def test_modes_and_formats(change, name, two, tmp_path):
    image, inverted = read(change(photo(draw_two(), noise=0)), tmp_path, name)
    assert inverted
    assert similarity(image, two) > 0.95


def test_transparent_palette_entry_is_white(tmp_path):
    picture = PIL.Image.new("P", (28, 28), 0)
    picture.putpalette([0, 0, 0, 0, 0, 0])
    PIL.ImageDraw.Draw(picture).rectangle([12, 4, 15, 23], fill=1)
    image, inverted = read(picture, tmp_path, save={"transparency": 0})
    assert inverted
    assert (image[0, 0, 0], image[10, 13, 0]) == (0, 255)


def png_start(width, height):
    """The beginning of a black and white PNG of this size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunks + struct.pack(">I", 9) + b"IDAT"


def write_bad_file(kind, path):
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("no picture")
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "endless":
        path.symlink_to("/dev/zero")
    elif kind == "circle":
        path.symlink_to(path)
    elif kind == "large file":
        path.touch()
        os.truncate(path, MAX_FILE_BYTES + 1)
    elif kind == "large picture":
        path.write_bytes(png_start(12000, 9000))
    elif kind == "huge picture":
        path.write_bytes(png_start(100_000, 100_000))
    elif kind == "program":
        photo(draw_two()).convert("RGB").save(path, "EPS")
    elif kind == "cut short":
        photo(draw_two(), noise=20).save(path)
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "of 17 bits":
        to_32_bits(2**17, np.int32)(photo(draw_two())).save(path, "TIFF")
    elif kind == "not a number":
        PIL.Image.fromarray(np.full((28, 28), np.nan, np.float32)).save(path, "TIFF")
    elif kind == "blank":
        PIL.Image.new("L", SIZE, 200).save(path)
    elif kind == "noise":
        photo(np.zeros((480, 640)), noise=6).save(path)
    elif kind == "white ink on nothing":
        ink = PIL.Image.new("RGBA", SIZE, (255, 255, 255, 0))
        ink.putalpha(PIL.Image.fromarray(np.uint8(255 * draw_two())))
        ink.save(path)


@pytest.mark.parametrize(
    "kind, message",
    [
        ("missing", "no such file"),
        ("empty", "empty"),
        ("text", "not a picture"),
        ("folder", "is a folder"),
        ("pipe", "is a device, a pipe or a socket"),
        ("endless", "is a device, a pipe or a socket"),
        ("circle", "cannot be opened .*symbolic links"),
        ("large file", "too large .*100,000,001 bytes; 100,000,000 are allowed"),
        ("large picture", "too large .*12000x9000 pixels; 100,000,000 in all are allowed"),
        ("huge picture", "too large .*10000000000 pixels"),
        ("program", "not a picture in a format that can be read"),
        ("cut short", "damaged or cut short"),
        ("of 17 bits", r"values outside \[0, 65535\]. Save it as an 8-bit PNG"),
        ("not a number", r"values outside \[0, 255\]"),
        ("blank", "no digit found"),
        ("noise", "no digit found"),
        ("white ink on nothing", "transparent drawing a dark ground"),
    ],
)
def test_bad_files(kind, message, tmp_path):
    path = tmp_path / "bad.png"
    write_bad_file(kind, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageError, match=message) as caught:
            read_image(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize("path", ["x" * 5000, "a\0b.png"], ids=["too long", "NUL"])
def test_impossible_paths(path):
    with pytest.raises(ImageError, match=r"cannot be opened \(.*\)\. Check the path"):
        read_image(path)


def test_unreadable_file(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    photo(draw_two()).save(tmp_path / "secret.png")
    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)  # root may read what it likes
    with pytest.raises(ImageError, match="secret.png: may not be read by this user"):
        read_image(tmp_path / "secret.png")


@pytest.mark.parametrize("shape", [(7, 5, 1), (5, 7, 3)])
def test_png_bytes_hold_the_pixels(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    found, _ = decode_image(images.encode_png(pixels), shape, "no", None)
    np.testing.assert_array_equal(found, pixels)


def test_bytes_and_file_give_the_same(tmp_path):
    data = file_bytes(photo(draw_two()))
    (tmp_path / "two.png").write_bytes(data)
    expected, inverted = read_image(tmp_path / "two.png")
    image, same = decode_image(data)
    np.testing.assert_array_equal(image, expected)
    assert same == inverted
    with pytest.raises(ImageError, match="^the upload: is empty"):
        decode_image(b"", name="the upload")
    monstrous = bytes(MAX_FILE_BYTES + 1)
    with pytest.raises(ImageError, match="^the upload: is too large"):
        decode_image(monstrous, name="the upload")


FORMATS = (
    "AVIF BLP BMP DDS DIB GIF ICNS ICO IM JPEG JPEG2000 MPO MSP PCX PNG PPM QOI SGI SPIDER TGA TIFF"
    " WEBP XBM"
).split()


@pytest.mark.parametrize("picture_format", FORMATS)
def test_damaged_files_of_every_format(picture_format):
    mode = {"BLP": "P", "MSP": "1", "XBM": "1", "SPIDER": "F"}.get(picture_format, "RGB")
    stripes = PIL.Image.fromarray(np.tile(np.uint8([[0, 60, 200]]), (24, 8))).convert(mode)
    try:
        whole = file_bytes(stripes, picture_format)
    except (KeyError, OSError):
        pytest.skip(f"Pillow was built without {picture_format}")
    random = np.random.default_rng(0)
    for trial in range(60):
        data = bytearray(whole)
        if trial % 3 == 0:
            data = data[: random.integers(1, len(data))]
        else:  # anywhere, or in the header
            end = len(data) if trial % 3 == 1 else min(len(data), 200)
            for place in random.integers(end, size=random.integers(1, 6)):
                data[place] = random.integers(256)
        try:
            image, _ = decode_image(bytes(data), (32, 32, 3), name="upload")
        except ImageError as error:
            assert str(error).startswith("upload: ")
        else:
            assert image.shape == (32, 32, 3)


def test_interruption_of_a_decoder_is_no_damage(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(PIL.Image, "open", interrupt)
    with pytest.raises(KeyboardInterrupt):
        decode_image(b"picture")


@pytest.mark.parametrize("invert", ["auto", "yes", "no"])
def test_blank_photo_is_refused_whatever_is_told(invert, tmp_path):
    write_bad_file("blank", tmp_path / "blank.png")
    with pytest.raises(ImageError, match="no digit found"):
        read_image(tmp_path / "blank.png", invert=invert)


def test_a_picture_of_a_telephone(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    image = np.full([64, 64, 3], 240, np.uint8)
    image[16:48, 28:36] = 20
    pillow_heif.from_bytes("RGB", (64, 64), image.tobytes()).save(tmp_path / "photo.heic")
    found, inverted = images.read_image(tmp_path / "photo.heic", (32, 32, 3), digit_size=None)
    assert not inverted and found.shape == (32, 32, 3)
    assert found[16, 16].max() < 80 and found[2, 2].min() > 200


def test_a_film_is_not_told_of_the_extra_for_pictures(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # and where another test registered it:
    monkeypatch.setattr("PIL.Image.OPEN", {"PNG": PIL.Image.OPEN["PNG"]})
    for brand, is_told in ((b"heic", True), (b"isom", False), (b"mp42", False), (b"qt  ", False)):
        with pytest.raises(ImageError, match="is not a picture") as caught:
            decode_image(b"\0\0\0\x18ftyp" + brand + bytes(100))
        assert ("pip install -e '.[heic]'" in str(caught.value)) == is_told, brand
