import numpy as np
from PIL import Image

from mtnet_tf.evaluation.figures import draw_examples


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
