"""Pictures of every kind become the images that a model knows."""

import io
import os
import struct
import warnings
import zlib

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter
import pytest

from mtnet_tf.data import images
from mtnet_tf.data.digits import has_dark_ink
from mtnet_tf.data.images import decode_image, read_image
from mtnet_tf.data.picture_files import MAX_FILE_BYTES, ImageError
from mtnet_tf.errors import InputError

SIZE = (640, 480)


def draw_two(size=SIZE, middle=(0.6, 0.4), height=150, pen=16):
    """float [h, w]: a "2" drawn with a pen, 1 where there is ink."""
    picture = PIL.Image.new("L", size, 0)
    draw = PIL.ImageDraw.Draw(picture)
    x, y, h = middle[0] * size[0], middle[1] * size[1], height
    draw.arc([x - 0.3 * h, y - 0.5 * h, x + 0.3 * h, y + 0.1 * h], 180, 380, fill=255, width=pen)
    corners = [(0.26, -0.08), (-0.28, 0.47), (0.32, 0.47)]
    draw.line([(x + dx * h, y + dy * h) for dx, dy in corners], fill=255, width=pen, joint="curve")
    return np.asarray(picture.filter(PIL.ImageFilter.GaussianBlur(1)), np.float64) / 255


def photo(ink, ink_level=40, paper_level=215, light=1.0, noise=3):
    """A grey photo, uint8 [h, w], of `ink` on paper under `light`."""
    grey = (paper_level + (ink_level - paper_level) * ink) * light
    grey = grey + np.random.default_rng(0).normal(0, noise, ink.shape)
    return PIL.Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8))


def read(picture, tmp_path, name="picture.png", save=None, **arguments):
    picture.save(tmp_path / name, **(save or {}))
    return read_image(tmp_path / name, **arguments)


def ramp(shape, darkest=0.4):
    """Light that falls from 1 to `darkest` across the picture."""
    y, x = np.indices(shape)
    return 1 - (1 - darkest) * (0.6 * x / shape[1] + 0.4 * y / shape[0])


def hard_shadow(shape):
    """Light with a shadow whose edge runs through the digit."""
    y, x = np.indices(shape)
    return np.where(x + 0.4 * y > 0.68 * shape[1], 0.5, 1.0)


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The "2" as it should look to a model."""
    return read(photo(draw_two(), noise=0), tmp_path_factory.mktemp("two"))[0]


def similarity(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def assert_laid_out_like_mnist(image, digit_size=20):
    """Light on black, the digit fills `digit_size`, its mass in the middle."""
    assert (image.shape, image.dtype) == ((28, 28, 1), np.uint8)
    ink = image[:, :, 0].astype(np.float64)
    assert ink.max() == 255
    rows, columns = np.flatnonzero(ink.max(axis=1)), np.flatnonzero(ink.max(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == digit_size
    for axis in (0, 1):
        middle = (ink.sum(axis=1 - axis) * np.arange(28)).sum() / ink.sum()
        assert middle == pytest.approx(13.5, abs=0.6)
    assert np.mean(ink == 0) > 0.5


def test_digit_is_laid_out_like_mnist(two):
    assert_laid_out_like_mnist(two)
    upper, lower = two[4:14, :, 0], two[14:24, :, 0]
    assert lower[-3:].max(axis=0).astype(bool).sum() > 10  # the foot of the 2, right way up
    assert upper.any()


@pytest.mark.parametrize(
    "arguments",
    [
        {"ink_level": 230, "paper_level": 30},
        {"ink_level": 150, "paper_level": 200},
        {"noise": 15},
        {"light": ramp(SIZE[::-1])},
        {"light": hard_shadow(SIZE[::-1])},
    ],
    ids=["light on dark", "faint", "noisy", "uneven light", "shadow"],
)
def test_same_digit_under_other_conditions(arguments, two, tmp_path):
    image, inverted = read(photo(draw_two(), **arguments), tmp_path)
    assert inverted == (arguments.get("ink_level", 40) < arguments.get("paper_level", 215))
    assert similarity(image, two) > 0.95
    assert_laid_out_like_mnist(image)


@pytest.mark.parametrize(
    "arguments",
    [
        {"middle": (0.15, 0.8), "height": 90, "pen": 10},
        {"middle": (0.5, 0.5), "height": 440, "pen": 46},
        {"size": (1600, 900), "height": 300, "pen": 32},
        {"size": (60, 80), "middle": (0.5, 0.5), "height": 50, "pen": 5},
    ],
    ids=["small in a corner", "fills the photo", "large photo", "tiny photo"],
)
def test_same_digit_at_other_sizes_and_places(arguments, two, tmp_path):
    image, inverted = read(photo(draw_two(**arguments)), tmp_path)
    assert inverted
    assert similarity(image, two) > 0.9


def test_thin_pen_is_widened_to_strokes_of_mnist(tmp_path):
    image, _ = read(photo(draw_two(size=(1200, 900), height=260, pen=5)), tmp_path)
    assert_laid_out_like_mnist(image)
    middle_row = image[12:18, :, 0].astype(np.float64).sum(axis=1) / 255
    assert middle_row.min() > 1.5


def test_table_around_the_paper_and_specks_are_left_out(two, tmp_path):
    grey = np.array(photo(draw_two()))
    grey[:25], grey[:, :40] = 50, 60
    grey[300:303, 100:103] = 30
    image, inverted = read(PIL.Image.fromarray(grey), tmp_path)
    assert inverted
    assert similarity(image, two) > 0.9


def test_ring_is_not_taken_for_the_disc_inside(tmp_path):
    picture = PIL.Image.new("L", SIZE, 220)
    PIL.ImageDraw.Draw(picture).ellipse([250, 100, 400, 350], outline=30, width=20)
    image, inverted = read(picture, tmp_path)
    assert inverted
    assert image[14, 14, 0] == 0
    assert image[14].max() > 200


def test_digit_size(tmp_path):
    image, _ = read(photo(draw_two()), tmp_path, digit_size=28)
    rows = np.flatnonzero(image[:, :, 0].max(axis=1))
    assert len(rows) == 28


def test_invert_can_be_told(two, tmp_path):
    image, inverted = read(photo(draw_two()), tmp_path, invert="yes")
    assert inverted and similarity(image, two) > 0.99
    image, inverted = read(photo(draw_two()), tmp_path, invert="no")
    assert not inverted and similarity(image, two) < 0.9


@pytest.mark.parametrize("dark_ink", [False, True])
def test_image_of_the_models_size_keeps_its_pixels(dark_ink, two, tmp_path):
    shifted = np.roll(two[:, :, 0], (3, -4), axis=(0, 1))
    stored = 255 - shifted if dark_ink else shifted
    image, inverted = read(PIL.Image.fromarray(stored), tmp_path)
    assert inverted == dark_ink
    np.testing.assert_array_equal(image[:, :, 0], shifted)
    as_it_is, _ = read(PIL.Image.fromarray(stored), tmp_path, invert="no")
    np.testing.assert_array_equal(as_it_is[:, :, 0], stored)


def test_has_dark_ink_looks_at_the_neighbourhood():
    ink = draw_two(middle=(0.5, 0.5))
    y, x = np.indices(ink.shape) / np.reshape(ink.shape, (2, 1, 1)) - 0.5
    lamp = 1 - 1.2 * (x * x + y * y)  # border darker than the paper around the ink
    assert has_dark_ink((0.9 - 0.7 * ink) * lamp)
    assert not has_dark_ink(0.1 + 0.7 * ink * lamp)


def test_exif_rotation(two, tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 270 degrees to show
    turned = photo(draw_two()).transpose(PIL.Image.Transpose.ROTATE_90)
    image, _ = read(turned, tmp_path, "photo.jpg", {"exif": exif, "quality": 95})
    assert similarity(image, two) > 0.97


def convert(mode):
    return lambda picture: picture.convert(mode)


def to_palette(picture):
    return picture.convert("P", palette=PIL.Image.Palette.ADAPTIVE)


def to_16_bits(picture):
    return PIL.Image.fromarray(np.array(picture, np.uint16) * 257)


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


def test_colour_is_cut_from_the_middle_and_scaled(tmp_path):
    colours = np.zeros((90, 300, 3), np.uint8)
    colours[:, :105] = (255, 0, 0)
    colours[:, 105:195] = (0, 200, 40)
    colours[:, 195:] = (0, 0, 255)
    image, inverted = read(PIL.Image.fromarray(colours), tmp_path, shape=(32, 32, 3))
    assert (image.shape, image.dtype, inverted) == ((32, 32, 3), np.uint8, False)
    assert np.all(np.abs(image[:, 2:-2].astype(int) - [0, 200, 40]) <= 2)
    assert np.all(image[..., 1] > 180)  # nothing of the sides
    negative, inverted = read(
        PIL.Image.fromarray(colours), tmp_path, shape=(32, 32, 3), invert="yes"
    )
    assert inverted
    np.testing.assert_array_equal(negative, 255 - image)


def test_scaling_is_antialiased(tmp_path):
    stripes = np.tile(np.uint8([[0, 255]]), (256, 128))
    image, _ = read(PIL.Image.fromarray(stripes), tmp_path, shape=(32, 32, 3))
    assert np.all(np.abs(image[:, 2:-2].astype(int) - 127) < 10)


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


def file_bytes(picture, picture_format="PNG"):
    file = io.BytesIO()
    picture.save(file, picture_format)
    return file.getvalue()


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


def random_pictures():
    """Noise, gradients and few pixels, of ordinary, tiny and extreme sizes."""
    random = np.random.default_rng(2)
    for trial in range(120):
        sides = [(6, 300), (6, 300), (1, 6), (1, 2)][trial % 4]
        height, width = random.integers(*sides, size=2)
        if trial % 4 == 3:
            height, width = random.permutation([1, random.integers(1, 3000)])
        y, x = np.indices((height, width))
        yield (
            random.choice(
                [
                    lambda: random.uniform(0, 255, (height, width)),
                    lambda: random.normal(random.uniform(0, 255), random.uniform(1, 60), y.shape),
                    lambda: 255 * (x / width * random.uniform() + y / height * random.uniform()),
                    lambda: 255.0 * (random.uniform(size=y.shape) < random.uniform(0, 0.3)),
                    lambda: (
                        255.0 * ((y == random.integers(height)) & (x == random.integers(width)))
                    ),
                ]
            )()
            .clip(0, 255)
            .astype(np.uint8)
        )


def test_a_random_picture_is_a_digit_or_none():
    results = []
    for values in random_pictures():
        data = file_bytes(PIL.Image.fromarray(values))
        try:
            image, _ = decode_image(data)
        except ImageError as error:
            assert "no digit found" in str(error)
            results.append(False)
        else:
            assert (image.shape, image.dtype, image.max()) == ((28, 28, 1), np.uint8, 255)
            results.append(True)
        assert decode_image(data, (32, 32, 3))[0].shape == (32, 32, 3)
    assert 20 < sum(results) < 100


def test_one_channel_without_digits_is_the_middle_in_grey(tmp_path):
    colours = np.zeros((90, 300, 3), np.uint8)
    colours[:, :105] = (255, 255, 255)
    colours[:, 105:195] = (0, 200, 40)
    picture = PIL.Image.fromarray(colours)
    image, inverted = read(picture, tmp_path, shape=(28, 28, 1), digit_size=None)
    assert (image.shape, image.dtype, inverted) == ((28, 28, 1), np.uint8, False)
    green = np.array(PIL.Image.new("RGB", (1, 1), (0, 200, 40)).convert("L"))[0, 0]
    assert np.all(np.abs(image[:, 2:-2, 0].astype(int) - green) <= 2)
    negative, inverted = read(picture, tmp_path, digit_size=None, invert="yes")
    assert inverted
    np.testing.assert_array_equal(negative, 255 - image)
    blank, _ = read(PIL.Image.new("L", SIZE, 200), tmp_path, digit_size=None)
    assert np.all(blank == 200)


@pytest.mark.parametrize("invert", ["auto", "yes", "no"])
def test_blank_photo_is_refused_whatever_is_told(invert, tmp_path):
    write_bad_file("blank", tmp_path / "blank.png")
    with pytest.raises(ImageError, match="no digit found"):
        read_image(tmp_path / "blank.png", invert=invert)


@pytest.mark.parametrize(
    "arguments", [{"shape": (28, 28, 2)}, {"invert": "maybe"}, {"digit_size": 29}]
)
def test_bad_arguments(arguments, tmp_path):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must"):
        read_image(tmp_path / "x.png", **arguments)


def test_a_picture_of_a_telephone(tmp_path):
    pillow_heif = pytest.importorskip("pillow_heif")
    image = np.full([64, 64, 3], 240, np.uint8)
    image[16:48, 28:36] = 20
    pillow_heif.from_bytes("RGB", (64, 64), image.tobytes()).save(tmp_path / "photo.heic")
    found, inverted = images.read_image(tmp_path / "photo.heic", (32, 32, 3), digit_size=None)
    assert not inverted and found.shape == (32, 32, 3)
    assert found[16, 16].max() < 80 and found[2, 2].min() > 200
