"""Photos of a digit become what MNIST's images are, whatever the light, the pen and the paper."""

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from mtnet_tf.data.digits import has_dark_ink
from mtnet_tf.data.images import decode_image
from mtnet_tf.data.picture_files import ImageError
from tests.data.photos import SIZE, draw_two, file_bytes, photo, read, similarity


def ramp(shape, darkest=0.4):
    """Light that falls from 1 to `darkest` across the picture."""
    y, x = np.indices(shape)
    return 1 - (1 - darkest) * (0.6 * x / shape[1] + 0.4 * y / shape[0])


def hard_shadow(shape):
    """Light with a shadow whose edge runs through the digit."""
    y, x = np.indices(shape)
    return np.where(x + 0.4 * y > 0.68 * shape[1], 0.5, 1.0)


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
