"""How the adversarial systems of Table 4 fared on their way: whether they collapsed, and when."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Iterator

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mtnet_tf.files import replacing
from mtnet_tf.reporting.paper_table import Row
from mtnet_tf.reporting.tables import bullets, markdown, number, percent

PICTURE = "stability.png"  # beside the folder of the results
_ACCURACY, _DIVERSITY = "validation_word_accuracy", "validation_diversity"
_FIGURES = {
    _ACCURACY: "nearest-word accuracy, validation",
    _DIVERSITY: "diversity over z",
    "discriminator_total": "loss of the discriminator",
    "generator_total": "loss of the generators",
}
_NOTES = (
    "The validation part is looked at as often as the adversarial stage has epochs, rounded, evenly"
    " spread, and the weights of the best validation are kept. Nearest-word"
    " accuracy: the share of images for which the recording whose spectrogram is nearest is of the"
    " image's word.",
    "Diversity: how far the spectrograms of one image for several latents z are apart, over how far"
    " those of two words are. With one recording a word there is nothing to be diverse in, and 0 is"
    " no fault.",
    "A training has collapsed here where the last validation has less than three quarters of the"
    " best accuracy. The loss of CMCGAN's generators has the weighted cycle consistency in it, and"
    " that of its discriminator the weight of mismatched pairs.",
)
_COLLAPSED = 0.75  # of the best accuracy


def draw_stability(table: dict[str, list[Row]], path: pathlib.Path | str) -> bool:
    """Draws a column a data set as a PNG, with a line a training; returns whether there is one.

    Args:
        table: of `paper_table.read_table`.
        path: the file.
    """
    trainings = list(_trainings(table))
    if not trainings:
        return False
    datasets = list(dict.fromkeys(row.dataset for row, _, _ in trainings))
    figure = Figure(figsize=(0.6 + 4.4 * len(datasets), 2.2 * len(_FIGURES)), layout="constrained")
    axes = figure.subplots(len(_FIGURES), len(datasets), squeeze=False, sharex="col")
    for row, seed, validations in trainings:
        column = axes[:, datasets.index(row.dataset)]
        for axis, (name, title) in zip(column, _FIGURES.items()):
            epochs = range(1, 1 + len(validations))
            values = [validation.get(name, math.nan) for validation in validations]
            axis.plot(epochs, values, label=f"{row.label}, seed {seed}")
            axis.set_ylabel(title, fontsize=8)
        column[0].set_title(row.dataset)
        column[0].legend(fontsize=7)
        column[-1].set_xlabel("validations")
        column[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=130, format="png")
    return True


def section(table: dict[str, list[Row]], picture: pathlib.Path) -> str:
    """Returns a line a training: its best validation, its last, and the picture where it is drawn.

    Args:
        table: of `paper_table.read_table`.
        picture: where the picture would be.

    Returns:
        Markdown; "" where no adversarial system was run.
    """
    rows = []
    for row, seed, validations in _trainings(table):
        accuracies = [validation[_ACCURACY] for validation in validations]
        best = accuracies.index(max(accuracies))
        rows.append(
            [
                row.dataset,
                row.label,
                str(seed),
                f"{percent(accuracies[best])}, validation {best + 1} of {len(validations)}",
                percent(accuracies[-1]),
                "yes" if accuracies[-1] < _COLLAPSED * accuracies[best] else "no",
                number(validations[best].get(_DIVERSITY)),
                number(validations[-1].get(_DIVERSITY)),
            ]
        )
    if not rows:
        return ""
    header = ["data set", "row", "seed", "best nearest-word accuracy, which is kept"]
    header += [
        "last accuracy",
        "collapsed",
        "diversity, the validation that is kept",
        "diversity, last validation",
    ]
    alt = "Accuracy, diversity and both losses of each training, validation by validation"
    shown = f"![{alt}]({picture.name})\n\n" if picture.is_file() else ""
    return f"## Stability\n\n{shown}{markdown(header, rows)}\n{bullets(_NOTES)}"


def _trainings(table: dict[str, list[Row]]) -> Iterator[tuple[Row, int, list[dict]]]:
    """Yields (row, seed, validations) of the adversarial trainings."""
    for rows in table.values():
        for row in rows:
            for run in row.runs:
                validations = run.get("looks") or [{}]
                if _ACCURACY in validations[0]:
                    yield row, run["provenance"]["seed"], validations
