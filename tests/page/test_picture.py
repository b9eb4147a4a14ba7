"""The page's reading of a picture, in JavaScript, against the package's own."""

import json
import pathlib
import shutil
import subprocess

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from mtnet_tf.data import digits, images
from mtnet_tf.data.picture_files import ImageError

PAGE = pathlib.Path(__file__).parents[2] / "experiments/page"
SCRIPT = """
import { extractDigit, fitted, hasDarkInk, workingSize } from "PAGE/picture.js";
const { pictures, photos } = JSON.parse(require_stdin());
const results = pictures.map(({ height, width, values }) => {
  const grey = { height, width, values: Float64Array.from(values) };
  try {
    const dark = hasDarkInk(grey);
    const ink = { height, width, values: grey.values.map((v) => (dark ? 1 - v : v)) };
    return { dark, digit: Array.from(extractDigit(ink, 28, 28, 20).values) };
  } catch (error) {
    return { error: error.message };
  }
});
const sizes = [[480, 640], [50, 40], [600, 601]].map((size) => workingSize(...size));
const fits = photos.map((photo) => Array.from(fitted(photo, 32, 24)));
console.log(JSON.stringify({ results, sizes, fits }));
""".replace("require_stdin()", "(await import('node:fs')).readFileSync(0, 'utf8')")

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")


def drawn(text_at, size, ink, paper, width, noise=0.0, shadow=0.0, seed=0):
    """A polyline on paper, as a float picture."""
    picture = PIL.Image.new("L", size, paper)
    PIL.ImageDraw.Draw(picture).line(text_at, fill=ink, width=width, joint="curve")
    grey = np.asarray(picture, np.float64) / 255
    random = np.random.default_rng(seed)
    grey = grey - shadow * np.linspace(0, 1, size[0])[None] + noise * random.normal(size=grey.shape)
    return np.clip(grey, 0, 1)


SEVEN = [(40, 30), (90, 30), (55, 110)]
PICTURES = {
    "ink on paper": drawn(SEVEN, (128, 140), 20, 235, 9),
    "chalk on a board": drawn(SEVEN, (128, 140), 230, 30, 7),
    "thin, in a shadow, noisy": drawn(SEVEN, (150, 130), 60, 220, 2, noise=0.02, shadow=0.3),
    "thick and wide": drawn([(20, 60), (110, 64), (20, 70)], (131, 129), 10, 255, 16),
    "a frame at the edge": drawn([*SEVEN, (55, 111)], (128, 140), 20, 235, 9)
    * np.pad(np.ones((128, 122)), ((6, 6), (3, 3))),
    "two parts and a speck": np.minimum(
        drawn([(30, 30), (60, 30), (60, 100)], (128, 128), 20, 235, 8),
        drawn([(80, 40), (80, 100), (3, 3), (4, 3)], (128, 128), 30, 240, 6),
    ),
    "blank": np.full((128, 128), 0.8),
    "noise": np.clip(0.5 + 0.004 * np.random.default_rng(1).normal(size=(128, 128)), 0, 1),
}


def photo(height, width, channels):
    random = np.random.default_rng(height)
    small = random.integers(0, 256, (9, 7, channels), dtype=np.uint8)
    sides = np.ceil([height / 9, width / 7]).astype(int)
    blocks = small.repeat(sides[0], axis=0).repeat(sides[1], axis=1)[:height, :width]
    noise = random.integers(-20, 20, blocks.shape)
    return np.clip(blocks + noise, 0, 255).astype(np.uint8)


PHOTOS = [
    photo(*shape) for shape in ((300, 401, 3), (97, 50, 3), (20, 16, 3), (32, 24, 3), (64, 99, 1))
]


@pytest.fixture(scope="module")
def found():
    """What the page makes of `PICTURES` and of `PHOTOS`."""
    pictures = [
        {"height": grey.shape[0], "width": grey.shape[1], "values": grey.ravel().tolist()}
        for grey in PICTURES.values()
    ]
    photos = [
        dict(zip(("height", "width", "channels", "pixels"), (*one.shape, one.ravel().tolist())))
        for one in PHOTOS
    ]
    done = subprocess.run(
        ["node", "--input-type=module", "-e", SCRIPT.replace("PAGE", PAGE.as_uri())],
        input=json.dumps({"pictures": pictures, "photos": photos}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_photo_is_cut_and_scaled_as_the_package_does_it(found, tmp_path):
    for one, fitted in zip(PHOTOS, found["fits"], strict=True):
        path = tmp_path / "photo.png"
        PIL.Image.fromarray(one.squeeze(2) if one.shape[2] == 1 else one).save(path)
        expected, _ = images.read_image(path, (32, 24, one.shape[2]), "no", None)
        difference = np.array(fitted) - expected.ravel()
        assert np.abs(difference).max() <= 1, one.shape  # Pillow rounds the weights
        assert expected.std() > 20


def test_every_picture_is_seen_as_the_package_sees_it(found):
    assert found["sizes"] == [[384, 512], [128, 102], [511, 512]]
    for (name, grey), result in zip(PICTURES.items(), found["results"]):
        try:
            dark = digits.has_dark_ink(grey)
            expected = digits.extract_digit(1 - grey if dark else grey)
        except ImageError:
            assert "No digit was found" in result["error"], name
            continue
        assert result.get("dark") == dark, (name, result)
        digit = np.reshape(result["digit"], (28, 28))
        np.testing.assert_allclose(digit, expected, atol=1e-5, err_msg=name)


def test_there_are_pictures_with_and_without_a_digit():
    """Otherwise the comparison above might compare errors alone."""
    kinds = []
    for grey in PICTURES.values():
        try:
            dark = digits.has_dark_ink(grey)
            kinds.append((dark, digits.extract_digit(1 - grey if dark else grey).max()))
        except ImageError:
            kinds.append(None)
    assert kinds.count(None) == 2 and kinds[1][0] is False and kinds[0][0] is True
