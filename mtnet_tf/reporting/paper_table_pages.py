"""The pages of Tables 3 and 4: Markdown with everything, CSV unrounded, LaTeX with the scores."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable, Sequence

import numpy as np

from mtnet_tf.reporting import verdicts
from mtnet_tf.reporting.footers import (
    data_lines,
    made_lines,
    paper_lines,
    unscored_lines,
    way,
)
from mtnet_tf.reporting.paper_table import Row
from mtnet_tf.reporting.published import paper_cells, paper_scores
from mtnet_tf.reporting.tables import (
    METRICS,
    bullets,
    markdown,
    mean_and_deviation,
    number,
    percent,
    score_spread,
    spread,
)
from mtnet_tf.runs.layout import MODEL
from mtnet_tf.systems import plan


@dataclasses.dataclass(frozen=True)
class _Column:
    """A column beside the three scores.

    Attributes:
        title: of the column in Markdown and LaTeX.
        figures: {name in the CSV: summary -> the figure, None where there is none}. In Markdown
            they share a cell.
        text: figure -> its text.
        varies: whether the seeds differ in it, so that their spread is shown.
        measured_on: what a summary's provenance calls the machine that a figure in time is of, or
            None. Times of different machines have no mean: the seeds of one machine count alone,
            that of most seeds.
    """

    title: str
    figures: dict[str, Callable[[dict], float | None]]
    text: Callable[[float], str]
    varies: bool = True
    measured_on: str | None = None

    def values(self, row: Row) -> dict[str, list[float | None]]:
        """Returns {name in the CSV: the figure of each seed, None where there is none}."""
        runs = self._of_one_machine(row.runs)
        return {name: [run and of(run) for run in runs] for name, of in self.figures.items()}

    def cell(self, row: Row) -> str:
        """Returns the text of a row; "" where it has none of the figures."""
        figures = list(self.values(row).values())
        if all(value is None for values in figures for value in values):
            return ""
        if not self.varies:
            figures = [values[:1] for values in figures]
        return " / ".join(spread(values, self._text_or_dash) for values in figures)

    def _of_one_machine(self, runs: Sequence[dict]) -> list[dict | None]:
        """Returns the runs, with None in place of those whose times do not compare."""
        if self.measured_on is None:
            return list(runs)
        machines = [run["provenance"].get(self.measured_on) for run in runs]
        most = max(machines, key=machines.count, default=None)
        return [run if machine == most else None for run, machine in zip(runs, machines)]

    def _text_or_dash(self, value: float | None) -> str:
        return "-" if value is None else self.text(value)


def _network(name: str, unit: float = 1.0) -> Callable[[dict], float | None]:
    """Returns summary -> a figure of its training; a control, which has none, gives None."""

    def figure(run: dict) -> float | None:
        value = run["provenance"].get(name) if run["candidate"] == MODEL else None
        return None if value is None else value / unit

    return figure


def _training_rate(run: dict) -> float | None:
    """Returns the images that a network learned from in a second of its training."""
    images, seconds = (_network(name)(run) for name in ("images_seen", "training_seconds"))
    return None if images is None else images / seconds


def _part(name: str, metric: str) -> Callable[[dict], float | None]:
    """Returns summary -> the mean of a metric over a part of the pairs, such as "retrieved"."""

    def figure(run: dict) -> float | None:
        part = run.get(name)
        return part["metrics"][metric]["mean"] if part else None

    return figure


def _scores_of(name: str) -> _Column:
    title = f"{' / '.join(METRICS.values())} of the {name}"
    return _Column(title, {f"{name}_{m}": _part(name, m) for m in METRICS}, number)


def _heard(name: str) -> Callable[[dict], float | None]:
    return lambda run: (run.get("word_accuracy") or {}).get(name)


def _standard_error(share: float) -> str:
    """Returns the standard error of a share of 10,000 pairs, in points."""
    return f"{100 * np.sqrt(share * (1 - share) / 10_000):.2f}"


def _retrieval_minus_softmax(run: dict) -> float | None:
    accuracy = run.get("classifier_accuracy")
    return None if accuracy is None else run["retrieval_accuracy"] - accuracy


_RETRIEVAL = _Column(
    "retrieval accuracy", {"retrieval_accuracy": lambda run: run["retrieval_accuracy"]}, percent
)
_SOFTMAX = _Column(
    "softmax accuracy", {"softmax_accuracy": lambda run: run.get("classifier_accuracy")}, percent
)
_OF_SCORES = (
    _RETRIEVAL,
    _SOFTMAX,
    _Column(
        "retrieval − softmax, points",
        {"retrieval_minus_softmax": _retrieval_minus_softmax},
        lambda value: f"{100 * value:.2f}",
    ),
)
_OF_WORDS = (
    _Column("blended", {"blended": lambda run: run.get("blended")}, percent),
    _scores_of("retrieved"),
    _scores_of("classified"),
    _Column(
        "word accuracy / of the recordings themselves",
        {f"word_accuracy_{name}": _heard(name) for name in ("generated", "references")},
        percent,
    ),
    _Column(
        "parameters", {"num_parameters": _network("num_parameters")}, "{:,.0f}".format, varies=False
    ),
    _Column(
        "GFLOPs an image",
        {"flops_per_image": _network("flops_per_image")},
        lambda value: f"{value / 1e9:.3g}",
        varies=False,
    ),
    _Column(
        "training, minutes",
        {"training_minutes": _network("training_seconds", 60)},
        "{:.1f}".format,
        measured_on="training_hardware",
    ),
    _Column(
        "training images a second",
        {"training_images_per_second": _training_rate},
        "{:,.0f}".format,
        measured_on="training_hardware",
    ),
    _Column(
        "one description, ms",
        {"description_milliseconds": _network("description_milliseconds")},
        "{:.1f}".format,
        measured_on="hardware",
    ),
    _Column(
        "descriptions a second",
        {"descriptions_per_second": _network("descriptions_per_second")},
        "{:,.0f}".format,
        measured_on="hardware",
    ),
)
_NOTES = (
    "± is the standard deviation over the seeds, with one degree of freedom lost; a single seed has"
    " none. It holds no error of the sample: over 10,000 pairs the standard error of a share of"
    f" 99.5 % is {_standard_error(0.995)}, of 83 % {_standard_error(0.83)}, of 50 %"
    f" {_standard_error(0.5)} points.",
    "Retrieval accuracy: of all recordings, one of the pair's own word has the highest Corr2D."
    " Blended: no recording has a Corr2D of .9 or more. Retrieved and classified: the scores over"
    " the pairs whose word retrieval, or the softmax head, gets right.",
    "One description: from an image to its waveform, one at a time; descriptions a second: many at"
    " once.",
    "Training minutes are those of the last stages: stage 1, which the rows of a seed share, is"
    " left out. Those of DCMAVG and CMCGAN include the other networks that they train. Training"
    " images a second are the images of the last stage divided by that time, which includes"
    " validations.",
    "Times of different machines do not compare. So the times of a row are of the seeds of one"
    " machine, that of most seeds; the lists below say which row had which.",
    "The last rows of a data set are controls, which are no networks: read each score beside them."
    " Where they need a network's words, they are those of MT-Net's first seed, unless the table"
    " says otherwise.",
)
# {table: what its rows need besides}
_NOTES_OF = {
    "3": (),
    "4": (
        "I2T2A has no softmax head: its softmax accuracy is the share of texts that are right in"
        " every letter. It speaks each text once and keeps it. Its two other voices say the texts"
        " of its own first seed. The controls with a true spectrogram know the recording; the"
        " inverter is that of DCMAVG's first seed.",
    ),
}


def markdown_page(table: dict[str, list[Row]], table_number: str) -> str:
    """Returns its Markdown: two tables a data set, how they were made, and the paper's claims.

    Args:
        table: of `paper_table.read_table`.
        table_number: one of `plan.TABLES`.
    """
    not_run = [f"Not run: {name}." for name in plan.DATASETS if name not in table]
    parts = [
        f"# Table {table_number} of the paper\n\n"
        "Generated by `python -m experiments.report`; do not edit.\n\n",
        bullets([*_NOTES, *_NOTES_OF[table_number], *not_run]),
    ]
    for dataset, rows in table.items():
        parts.append(f"\n## {dataset}\n\n{_scores_table(rows)}\n{_words_table(rows)}\n")
        parts.append(bullets(_made(rows)))
    parts.append(f"\n## The paper's claims\n\n{verdicts.section(table, table_number)}")
    return "".join(parts)


def _scores_table(rows: list[Row]) -> str:
    header = ["row", "seeds"]
    for label in METRICS.values():
        header += [f"{label}, paper", f"{label}, ours"]
    header += [column.title for column in _OF_SCORES]
    lines = [
        [row.label, row.seeds, *_beside_the_paper(row), *(c.cell(row) for c in _OF_SCORES)]
        for row in rows
    ]
    return markdown(header, lines)


def _words_table(rows: list[Row]) -> str:
    header = ["row", *(column.title for column in _OF_WORDS)]
    return markdown(
        header, [[row.label, *(c.cell(row) for c in _OF_WORDS)] for row in rows if row.runs]
    )


def _beside_the_paper(row: Row) -> list[str]:
    """Returns for each metric the paper's score and ours."""
    cells = []
    for metric, published in zip(METRICS, paper_cells(row.name, row.dataset)):
        ours = score_spread([run["metrics"][metric] for run in row.runs]) if row.runs else ""
        cells += [published, ours or row.missing]
    return cells


def _made(rows: list[Row]) -> list[str]:
    """Returns how the cells of a data set were made, what they share once."""
    runs = [run for row in rows for run in row.runs]
    lines, made = [], []
    if runs:
        p = runs[0]["provenance"]
        lines += [
            *data_lines(runs[0]),
            *unscored_lines({run["cell"].partition("/")[2]: run for run in runs}),
            f"Precision {p.get('precision', 'not recorded')}.",
            *paper_lines(runs[0]),
        ]
    for row in rows:
        for run in row.runs:
            p = run["provenance"]
            what = scored = ""
            if not row.is_control:
                what = f": preset {p['preset']}, {p['steps']:,} steps, {p['images_seen']:,} images"
                what += " in the last stage"
            if p["command"] != p["training_command"]:
                scored = f", scored by `{p['command']}`"
            if p["hardware"] != p["training_hardware"]:
                scored += f"{'' if scored else ', scored'} on {p['hardware']}"
            made.append((run["cell"].partition("/")[2], f"{what}; {way(p)}{scored}."))
    lines += made_lines(made)
    for row in rows:
        for failure in row.failed:
            reason = failure["error"].partition("\n")[0]
            lines.append(f"{failure['cell'].partition('/')[2]} failed: {reason}")
    return lines


def csv_page(table: dict[str, list[Row]]) -> str:
    """Returns its CSV: a line a row and data set, unrounded; what there is not is empty.

    A figure's `_sd` is its standard deviation over the seeds, and `_seeds` says of how many seeds
    both are, where that may be fewer than the row has. `planned` is the number of seeds that the
    row should have, `_failed_pairs` those pairs that count at the floor, and `_unscored_pairs`
    those that the metric leaves out because their recording cannot be scored.

    Args:
        table: of `paper_table.read_table`.
    """
    lines = [_csv_line(row) for rows in table.values() for row in rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _csv_line(row: Row) -> dict[str, str | float | None]:
    line = {"dataset": row.dataset, "row": row.name, "label": row.label, "seeds": len(row.runs)}
    line |= {"planned": row.num_planned, "failed": len(row.failed)}
    for metric, published in zip(METRICS, paper_scores(row.name, row.dataset)):
        of_metric = [run["metrics"][metric] for run in row.runs]
        line[f"{metric}_paper"] = published
        for name, of in ((metric, "mean"), (f"{metric}_floor", "floor_mean")):
            mean, deviation, _ = mean_and_deviation([values[of] for values in of_metric])
            line |= {name: mean, f"{name}_sd": deviation}
        line[f"{metric}_failed_pairs"] = sum(values["num_failed"] for values in of_metric)
        line[f"{metric}_unscored_pairs"] = sum(
            values["num_failed_references"] for values in of_metric
        )
    for column in (*_OF_SCORES, *_OF_WORDS):
        for name, values in column.values(row).items():
            mean, deviation, count = mean_and_deviation(values)
            line |= {name: mean, f"{name}_sd": deviation, f"{name}_seeds": count}
    return line


def latex_page(table: dict[str, list[Row]]) -> str:
    """Returns its LaTeX: a `tabular` for booktabs, with the scores beside the paper's.

    Args:
        table: of `paper_table.read_table`.
    """
    columns = (_RETRIEVAL, _SOFTMAX)
    width = 2 + 2 * len(METRICS) + len(columns)
    heads = [rf"\multicolumn{{2}}{{c}}{{{label}}}" for label in METRICS.values()]
    titles = ["row", "seeds", *["paper", "ours"] * len(METRICS), *(c.title for c in columns)]
    lines = [
        "% Generated by python -m experiments.report; do not edit. Needs the package booktabs.",
        rf"\begin{{tabular}}{{l{'r' * (width - 1)}}}",
        r"\toprule",
        " & ".join(["", "", *heads, *[""] * len(columns)]) + r" \\",
        " & ".join(titles) + r" \\",
    ]
    for dataset, rows in table.items():
        lines += [r"\midrule", rf"\multicolumn{{{width}}}{{l}}{{{_latex(dataset)}}} \\"]
        for row in rows:
            cells = [row.label, row.seeds, *_beside_the_paper(row), *(c.cell(row) for c in columns)]
            lines.append(" & ".join(map(_latex, cells)) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex(text: str) -> str:
    """Returns a text with what LaTeX reads as a command escaped."""
    return re.sub(r"([&%$#_{}])", r"\\\1", text).replace("±", r"$\pm$")
