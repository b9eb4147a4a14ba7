"""Pictures in which no digit is looked for: their middle, scaled to what a model knows."""

import numpy as np
import PIL.Image
import pytest

from mtnet_tf.data.images import read_image
from tests.data.photos import SIZE, read


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


@pytest.mark.parametrize(
    "arguments", [{"shape": (28, 28, 2)}, {"invert": "maybe"}, {"digit_size": 29}]
)
def test_bad_arguments(arguments, tmp_path):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must"):
        read_image(tmp_path / "x.png", **arguments)
