"""Curves from made-up files: the picture, and what stands below it."""

import json

import numpy as np
import pytest
from PIL import Image

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import curves


@pytest.fixture
def write(tmp_path):
    folder = tmp_path / "curves"
    folder.mkdir()

    def write(name, dataset="cifar10_ad", **changes):
        curve = {
            "label": f"label of {name}", "dataset": f"{dataset}/x", "preset": "small",
            "minutes": [1.0, 2.5], "accuracy": [0.25, 0.625], "generation_loss": [60.0, 33.5],
            "command": "python -m x", "versions": {"python": "3"}, "git_commit": "abc",
            "hardware": "h", **changes,
        }  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(curve))

    write.folder = folder
    return write


def test_the_picture_shows_the_curves(write, tmp_path):
    write("a")
    curves.draw_curves(write.folder, tmp_path / "one.png")
    write("b", accuracy=[0.5, 0.75])
    curves.draw_curves(write.folder, tmp_path / "two.png")
    write("c", dataset="mnist_ad")
    curves.draw_curves(write.folder, tmp_path / "wide.png")
    one, two, wide = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("one", "two", "wide"))
    assert one.shape == two.shape and (one != two).any()
    assert wide.shape[1] > 1.5 * one.shape[1]  # a column a data set


def test_the_section_says_where_each_ends_and_how_it_was_made(write):
    write("a")
    write("b", dataset="mnist_ad", accuracy=[0.5, 0.99])
    text = curves.section(write.folder)
    assert "| cifar10_ad | label of a | small | 2.5 | 62.50 % | 33.5 |" in text
    assert "| mnist_ad | label of b | small | 2.5 | 99.00 % | 33.5 |" in text
    assert text.count("`python -m x`") == 1 and "![" not in text
    (write.folder.parent / curves.PICTURE).write_bytes(b"")
    assert curves.section(write.folder).startswith("![")


@pytest.mark.parametrize(
    "changes",
    [
        {"accuracy": [0.5]},
        {"minutes": None},
        {"minutes": [], "accuracy": [], "generation_loss": []},
    ],
)
def test_a_broken_curve_is_one_error(changes, write):
    write("a", **changes)
    with pytest.raises(InputError, match="a.json is no curve"):
        curves.read_curves(write.folder)


def test_no_curves(write):
    with pytest.raises(InputError, match="holds no curve"):
        curves.read_curves(write.folder)
