"""Photos of a drawn digit, and the images that are made of them."""

import io

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFilter

from mtnet_tf.data.images import read_image

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


def similarity(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


def file_bytes(picture, picture_format="PNG"):
    file = io.BytesIO()
    picture.save(file, picture_format)
    return file.getvalue()
