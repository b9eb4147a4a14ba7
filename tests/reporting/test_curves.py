"""Curves from made-up results: the picture, and what stands below it."""

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

    def write(name, minutes, accuracy, dataset="cifar10_ad", preset="small", **changes):
        steps = (5, 0.1), (10, accuracy)
        looks = [{"step": step, "validation_accuracy": value} for step, value in steps]
        means = {"corr2d": 0.75, "pesq": 2.5, "stoi": 0.5}
        metrics = {metric: {"floor_mean": mean} for metric, mean in means.items()}
        result = {
            "label": f"label of {name}", "dataset": f"{dataset}/x", "preset": preset,
            "precision": "float32", "training_seconds": 60 * minutes, "looks": looks,
            "scores": {"metrics": metrics, "blended": 0.125},
            "training_command": "python -m x", "versions": {"python": "3"}, "git_commit": "abc",
            "training_hardware": "h", "seed": 0, "num_pairs": 100, **changes,
        }  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(result))

    write.folder = folder
    return write


def test_the_picture_shows_the_curves(write, tmp_path):
    write("a", 5, 0.5)
    write("b", 10, 0.6)
    curves.draw_curves(write.folder, tmp_path / "one.png")
    write("c", 5, 0.7, preset="tuned")
    curves.draw_curves(write.folder, tmp_path / "two.png")
    write("d", 5, 0.9, dataset="mnist_ad")
    curves.draw_curves(write.folder, tmp_path / "wide.png")
    one, two, wide = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("one", "two", "wide"))
    assert one.shape == two.shape and (one != two).any()
    assert wide.shape[1] > 1.5 * one.shape[1]  # a column a data set


def test_the_shortest_training_comes_first(write):
    write("a", 20, 0.7)
    write("b", 2.5, 0.6)
    (found,) = curves.read_curves(write.folder)["cifar10_ad"].values()
    assert [result["minutes"] for result in found] == [2.5, 20]


def test_a_training_that_diverged_is_no_point_of_a_curve(write):
    write("a", 20, 0.7)
    write("b", 2.5, 0.6, diverged={"error": "Stage 2 ..."}, looks=[])
    (found,) = curves.read_curves(write.folder)["cifar10_ad"].values()
    assert [result["minutes"] for result in found] == [20]


def test_the_section_says_what_each_reaches_and_how_it_was_made(write):
    write("a", 2.5, 0.625)
    write("b", 5, 0.99, dataset="mnist_ad", preset="tuned")
    text = curves.section(write.folder)
    scores = "12.50 % | 0.7500 | 2.5000 | 0.5000 |"
    assert f"| cifar10_ad | small | label of a | 2.5 | 62.50 % | {scores}" in text
    assert f"| mnist_ad | tuned | label of b | 5.0 | 99.00 % | {scores}" in text
    assert text.count("`python -m x`") == 1 and "![" not in text
    (write.folder.parent / curves.PICTURE).write_bytes(b"")
    assert curves.section(write.folder).startswith("![")


def test_a_metric_that_scored_no_pair_has_no_point(write, tmp_path):
    metrics = {name: {"floor_mean": None} for name in ("corr2d", "pesq", "stoi")}
    write("a", 1, 0.5, scores={"metrics": metrics, "blended": 0.5})
    curves.draw_curves(write.folder, tmp_path / "one.png")
    assert "| 50.00 % | 50.00 % | - | - | - |" in curves.section(write.folder)


@pytest.mark.parametrize("changes", [{"seed": 1}, {"training_hardware": "other"}])
def test_trainings_that_do_not_compare_are_no_curve(changes, write):
    write("a", 1, 0.5)
    write("b", 2, 0.6, dataset="mnist_ad", **changes)
    assert len(curves.read_curves(write.folder)) == 2
    write("c", 2, 0.6, preset="tuned", **changes)
    with pytest.raises(InputError, match=f"on cifar10_ad are not comparable, {list(changes)[0]}"):
        curves.read_curves(write.folder)


@pytest.mark.parametrize("changes", [{"looks": []}, {"training_seconds": None}, {"scores": {}}])
def test_a_broken_result_is_one_error(changes, write):
    write("a", 1, 0.5, **changes)
    with pytest.raises(InputError, match="a.json is no result of experiments.recipe"):
        curves.read_curves(write.folder)


def test_where_there_is_no_curve_the_error_says_what_to_run(write):
    message = "no result of a training that did not diverge. Run experiments.recipe --study=lengths"
    with pytest.raises(InputError, match=message):
        curves.read_curves(write.folder)
    write("a", 1, 0.5, diverged={"error": "Stage 2 ..."})
    with pytest.raises(InputError, match=f"{message}; where it diverged, with another --preset"):
        curves.read_curves(write.folder)
