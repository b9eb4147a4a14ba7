"""The results of DCMAVG's other half, which makes images of sounds."""

from __future__ import annotations

import pathlib

from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, whole_files
from mtnet_tf.reporting.footers import way
from mtnet_tf.reporting.results import whole_results
from mtnet_tf.reporting.tables import bullets, markdown, number, percent


def section(folder: pathlib.Path | str) -> str:
    """Returns a line a training, the pictures, and how they were made.

    Args:
        folder: holds result files of `experiments.images_of_sounds`, <data set>.json, and their
            pictures, <data set>.png.

    Raises:
        InputError: there are none, or a file is broken.
    """
    rows, pictures, made = [], [], []
    for path in whole_files(folder):
        result = read_json(path)
        with whole_results(path, "experiments.images_of_sounds"):
            accuracies = [look["validation_word_accuracy"] for look in result["looks"]]
            rows.append(
                [
                    path.stem,
                    percent(result["word_accuracy"]),
                    percent(result["word_accuracy_of_true_images"]),
                    f"epoch {1 + accuracies.index(max(accuracies))} of {len(accuracies)}",
                    percent(accuracies[-1]),
                    number(result["looks"][-1].get("validation_diversity")),
                    f"{result['training_seconds'] / 60:.1f}",
                ]
            )
            made.append(
                f"{path.stem}: {result['dataset']}, preset {result['preset']}, seed"
                f" {result['seed']}, {result['precision']}, {result['num_images']:,} images,"
                f" {result['steps']:,} steps; {way(result)}"
            )
        if path.with_suffix(".png").is_file():
            pictures.append(
                f"![Images of sounds, {path.stem}]({path.parent.name}/{path.stem}.png)\n"
            )
    if not rows:
        raise InputError(
            f"{folder} holds no result. Run experiments.images_of_sounds, and copy its"
            " images_of_sounds.json and .png there as <data set>.json and .png."
        )
    header = ["data set", "images that show the word", "of true images", "best validation"]
    header += ["last validation", "diversity, last", "minutes"]
    return "\n".join([markdown(header, rows), *pictures, bullets(made)])
