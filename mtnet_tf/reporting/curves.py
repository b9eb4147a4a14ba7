"""What one gets for how many minutes of training: accuracy and speech of trainings by length."""

from __future__ import annotations

import pathlib

import numpy as np
from matplotlib.figure import Figure

from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, replacing, whole_files
from mtnet_tf.reporting.footers import made_lines, way
from mtnet_tf.reporting.results import dataset_of, divergence, require_equal, whole_results
from mtnet_tf.reporting.tables import METRICS, bullets, markdown, number, percent
from mtnet_tf.systems import plan

PICTURE = "accuracy.png"  # beside the folder of the results
_ROWS = (("corr2d", "stoi"), ("pesq",))  # of the picture: metrics of one range


def read_curves(folder: pathlib.Path | str) -> dict[str, dict[str, list[dict]]]:
    """Returns {data set: {preset: its trainings, the shortest first}}.

    Args:
        folder: holds result files of `experiments.recipe --study=lengths`. Each gets "minutes",
            "accuracy", that of its last validation, and the mean of each metric.

    Raises:
        InputError: there are none, all diverged, one is broken, or those of a data set have not
            one seed, precision and machine.
    """
    datasets = {}
    for path in whole_files(folder):
        result = read_json(path)
        with whole_results(path, "experiments.recipe"):
            if divergence(result):  # which has no accuracy to draw
                continue
            scored = result["scores"]["metrics"]
            result |= {
                "minutes": result["training_seconds"] / 60,
                "accuracy": float(result["looks"][-1]["validation_accuracy"]),
                **{metric: scored[metric]["floor_mean"] for metric in METRICS},
            }
            presets = datasets.setdefault(dataset_of(result), {})
            presets.setdefault(result["preset"], []).append(result)
    if not datasets:
        raise InputError(
            f"{folder} holds no result of a training that did not diverge. Run experiments.recipe"
            " --study=lengths; where it diverged, with another --preset or --seed."
        )
    for dataset, presets in datasets.items():
        for results in presets.values():
            results.sort(key=lambda result: result["minutes"])
        with whole_results(folder, "experiments.recipe"):
            _require_comparable(dataset, [r for results in presets.values() for r in results])
    return {dataset: datasets[dataset] for dataset in plan.in_order(datasets)}


def _require_comparable(dataset: str, results: list[dict]) -> None:
    keys = [f"{result['preset']}, {result['label']}, seed {result['seed']}" for result in results]
    for name in ("seed", "precision", "num_pairs", "training_hardware"):
        values = dict(zip(keys, (result[name] for result in results)))
        require_equal(f"The trainings on {dataset}", name, values, "Move the others away.")


def draw_curves(results: pathlib.Path | str, path: pathlib.Path | str) -> None:
    """Draws a column a data set as a PNG: accuracy above, the scores of the speech below.

    Args:
        results: the `folder` of `read_curves`, which says what is raised.
        path: the file.
    """
    datasets = read_curves(results)
    figure = Figure(figsize=(0.6 + 4.4 * len(datasets), 8), layout="constrained")
    axes = figure.subplots(1 + len(_ROWS), len(datasets), squeeze=False, sharex="col")
    for column, (dataset, presets) in zip(axes.T, datasets.items()):
        accuracy, *scores = column
        for color, (preset, of_preset) in enumerate(presets.items()):
            minutes = [result["minutes"] for result in of_preset]
            percents = [100 * result["accuracy"] for result in of_preset]
            accuracy.plot(minutes, percents, f"oC{color}-", label=preset)
            for axis, metrics in zip(scores, _ROWS):
                for line, metric in zip(("o-", "s--"), metrics):
                    values = [np.nan if r[metric] is None else r[metric] for r in of_preset]
                    label = f"{METRICS[metric]}, {preset}"
                    axis.plot(minutes, values, f"C{color}{line}", label=label)
        accuracy.set_title(dataset)
        shown = (", ".join(METRICS[metric] for metric in metrics) for metrics in _ROWS)
        for axis, label in zip(column, ("validation accuracy, %", *shown)):
            axis.set_ylabel(label)
            axis.legend(fontsize=8)
        column[-1].set_xlabel("stage 2, minutes")
        column[-1].set_xlim(left=0)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")


def section(folder: pathlib.Path | str) -> str:
    """Returns the picture, a table of its points, and how they were made.

    Args:
        folder: as in `read_curves`, which says what is raised. The picture is beside it.
    """
    rows, made = [], []
    for dataset, presets in read_curves(folder).items():
        for preset, results in presets.items():
            for result in results:
                rows.append(
                    [
                        dataset,
                        preset,
                        result["label"],
                        f"{result['minutes']:.1f}",
                        percent(result["accuracy"]),
                        percent(result["scores"]["blended"]),
                        *(number(result[metric]) for metric in METRICS),
                    ]
                )
                made.append((result["precision"], f", {way(result)}"))
    header = [
        "data set",
        "preset",
        "length",
        "minutes of stage 2",
        "validation accuracy",
        "blended",
    ]
    header += METRICS.values()
    parts = [markdown(header, rows), bullets(made_lines(made))]
    if (pathlib.Path(folder).parent / PICTURE).is_file():
        parts.insert(0, f"![Accuracy and scores against minutes of training]({PICTURE})\n")
    return "\n".join(parts)
