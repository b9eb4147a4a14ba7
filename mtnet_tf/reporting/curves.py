"""Curves of a training: validation accuracy and generation loss against minutes of training."""

from __future__ import annotations

import pathlib

from matplotlib.figure import Figure

from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, replacing
from mtnet_tf.reporting.tables import bullets, markdown, percent, versions

PICTURE = "accuracy.png"  # beside the folder of the curves


def read_curves(folder: pathlib.Path | str) -> dict[str, list[dict]]:
    """Returns the curves of each data set, by the names of their files.

    Args:
        folder: holds a JSON file a curve: {"label", "dataset", "preset", "minutes", "accuracy",
            "generation_loss", and the fields of `runs.provenance.environment`}. The three lists are
            of the same length.

    Raises:
        InputError: there are none, or one is broken.
    """
    datasets = {}
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        curve = read_json(path)
        try:
            lengths = {len(curve[name]) for name in ("minutes", "accuracy", "generation_loss")}
            if len(lengths) != 1 or 0 in lengths:
                raise ValueError("its lists have no points, or not as many as each other")
            datasets.setdefault(curve["dataset"].partition("/")[0], []).append(curve)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path} is no curve ({error!r}). Make it again.") from error
    if not datasets:
        raise InputError(f"{folder} holds no curve.")
    return datasets


def draw_curves(results: pathlib.Path | str, path: pathlib.Path | str) -> None:
    """Draws a column a data set as a PNG: accuracy above, generation loss below.

    Args:
        results: the `folder` of `read_curves`, which says what is raised.
        path: the file.
    """
    datasets = read_curves(results)
    figure = Figure(figsize=(0.6 + 4.4 * len(datasets), 6), layout="constrained")
    axes = figure.subplots(2, len(datasets), squeeze=False, sharex="col")
    for column, (dataset, curves) in enumerate(datasets.items()):
        accuracy, loss = axes[:, column]
        for curve in curves:
            accuracy.plot(
                curve["minutes"], [100 * a for a in curve["accuracy"]], label=curve["label"]
            )
            loss.plot(curve["minutes"], curve["generation_loss"], label=curve["label"])
        accuracy.set_title(dataset)
        accuracy.set_ylabel("validation accuracy, %")
        accuracy.legend(fontsize=8)
        loss.set_ylabel("generation loss")
        loss.set_xlabel("training, minutes")
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")


def section(folder: pathlib.Path | str) -> str:
    """Returns the picture, where each curve ends, and how it was made.

    Args:
        folder: as in `read_curves`, which says what is raised. The picture is beside it.
    """
    curves = [curve for of_dataset in read_curves(folder).values() for curve in of_dataset]
    rows, made = [], {}
    for curve in curves:
        rows.append(
            [
                curve["dataset"].partition("/")[0],
                curve["label"],
                curve["preset"],
                f"{curve['minutes'][-1]:.1f}",
                percent(curve["accuracy"][-1]),
                f"{curve['generation_loss'][-1]:.4g}",
            ]
        )
        how = f"On {curve['hardware']}. {versions(curve)}. `{curve['command']}`"
        made[how] = None
    header = ["data set", "curve", "preset", "minutes", "validation accuracy", "generation loss"]
    parts = [markdown(header, rows), bullets(list(made))]
    if (pathlib.Path(folder).parent / PICTURE).is_file():
        parts.insert(0, f"![Validation accuracy against minutes of training]({PICTURE})\n")
    return "\n".join(parts)
