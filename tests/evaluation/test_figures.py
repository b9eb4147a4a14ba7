import numpy as np
from PIL import Image

from mtnet_tf.evaluation.figures import draw_examples, draw_images, draw_systems


def test_draws_grey_and_colour_examples(tmp_path):
    random = np.random.default_rng(0)
    sounds = 0.3 * random.normal(size=(2, 2, 6000)).astype(np.float32)
    for channels in (1, 3):
        images = random.integers(0, 256, (2, 16, 16, channels)).astype(np.uint8)
        path = tmp_path / f"{channels}.png"
        draw_examples(path, images, *sounds, ["cat", "aquarium fish"], 22050)
        picture = np.asarray(Image.open(path).convert("RGB"))
        assert picture.shape[1] > 1000
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500  # not an empty canvas


def colours(path):
    return len(np.unique(np.asarray(Image.open(path).convert("RGB")).reshape(-1, 3), axis=0))


def test_draws_what_several_systems_say(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, 16, 16, 3)).astype(np.uint8)
    sounds = {name: 0.3 * random.normal(size=(2, 6000)) for name in ("true", "mtnet", "i2t2a")}
    heard = {"mtnet": ["cat", ""], "i2t2a": ["dog", "cat"]}
    draw_systems(tmp_path / "a.png", images, sounds, ["cat", "dog"], heard, 22050)
    # A silent sound has no loudest part to be seen beside.
    sounds["mtnet"][1] = 0
    draw_systems(tmp_path / "b.png", images, sounds, ["cat", "dog"], heard, 22050)
    assert colours(tmp_path / "a.png") > colours(tmp_path / "b.png") > 500


def test_draws_a_row_of_images_a_word(tmp_path):
    rows = [np.random.default_rng(k).integers(0, 256, (5, 8, 8, 1), np.uint8) for k in range(2)]
    draw_images(tmp_path / "a.png", rows, ["cat", "dog"])
    assert colours(tmp_path / "a.png") > 100
