"""What all tables share: the names of the metrics, numbers as text, and Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

METRICS = {"corr2d": "Corr2D", "pesq": "PESQ", "stoi": "STOI"}
# What `word_cells` fills: whether a network speaks the right word, and how well where it does.
WORD_COLUMNS = (
    "retrieval accuracy",
    f"{' / '.join(METRICS.values())} of the retrieved",
    "softmax accuracy",
)


def number(value: float | None) -> str:
    """Returns a mean with four decimals.

    Args:
        value: the mean; None gives "-".
    """
    return "-" if value is None else f"{value:.4f}"


def score(metric: dict, deviation: bool = False) -> str:
    """Returns the mean of a metric as text.

    Where pairs failed, it adds how many, and the mean with the failures at the metric's floor.

    Args:
        metric: the statistics of `evaluation.summary.summarize`.
        deviation: whether to add the standard deviation over the pairs.
    """
    failed, scored = metric["num_failed"], metric["num_scored"]
    if metric["mean"] is None:
        return f"- ({failed} failed: floor mean {number(metric['floor_mean'])})" if failed else "-"
    text = number(metric["mean"])
    if deviation:
        text += f" ± {number(metric['sd'])}"
    if failed:
        text += f" ({scored} scored, {failed} failed: floor mean {number(metric['floor_mean'])})"
    return text


def percent(value: float | None, nothing: str = "") -> str:
    """Returns a fraction as a percentage with two decimals.

    Args:
        value: the fraction, in [0, 1].
        nothing: what None gives.
    """
    return nothing if value is None else f"{100 * value:.2f} %"


def spread(values: Sequence[float | None], text: Callable[[float | None], str]) -> str:
    """Returns the mean over the seeds ± their standard deviation, with one degree of freedom lost.

    Args:
        values: one a seed; a single one has no spread. Those that are None are left out, and the
            text says of how many seeds it is.
        text: value -> its text.
    """
    mean, deviation, count = mean_and_deviation(values)
    said = text(mean)
    if deviation is not None:
        said += f" ± {text(deviation)}"
    if 0 < count < len(values):
        said += f" ({count} of {len(values)} seeds)"
    return said


def mean_and_deviation(values: Sequence[float | None]) -> tuple[float | None, float | None, int]:
    """Returns the mean, the standard deviation with one degree of freedom lost, and of how many.

    Args:
        values: those that are None are left out. Of none there is no mean, and of one no deviation.
    """
    known = [value for value in values if value is not None]
    mean = float(np.mean(known)) if known else None
    deviation = float(np.std(known, ddof=1)) if len(known) > 1 else None
    return mean, deviation, len(known)


def score_spread(metrics: Sequence[dict]) -> str:
    """Returns the spread of a metric's mean over the seeds.

    Where pairs failed, it adds how many, and the spread of the floor mean.

    Args:
        metrics: the statistics of `evaluation.summary.summarize`, of each seed.
    """
    text = spread([metric["mean"] for metric in metrics], number)
    failed = sum(metric["num_failed"] for metric in metrics)
    if not failed:
        return text
    scored = sum(metric["num_scored"] for metric in metrics)
    floor = spread([metric["floor_mean"] for metric in metrics], number)
    counts = f"{scored} scored, {failed} failed" if scored else f"{failed} failed"
    return f"{text} ({counts}: floor mean {floor})"


def spread_cells(runs: Sequence[dict]) -> list[str]:
    """Returns the cells under `METRICS` and `WORD_COLUMNS` of runs that differ in their seed alone.

    Args:
        runs: their summaries.
    """
    scores = [score_spread([run["metrics"][metric] for run in runs]) for metric in METRICS]
    return [*scores, *word_cells(runs)]


def word_cells(runs: Sequence[dict]) -> list[str]:
    """Returns the cells under `WORD_COLUMNS` alone.

    Args:
        runs: as in `spread_cells`.
    """
    retrieved = [[run["retrieved"]["metrics"][metric] for run in runs] for metric in METRICS]
    return [
        spread([run["retrieval_accuracy"] for run in runs], percent),
        " / ".join(score_spread(metrics) for metrics in retrieved),
        spread([run.get("classifier_accuracy") for run in runs], percent),
    ]


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """Returns a Markdown table.

    Args:
        header: the titles of the columns.
        rows: the cells of each row, one a column.
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def bullets(lines: list[str]) -> str:
    """Returns a Markdown list.

    Args:
        lines: its items.
    """
    return "".join(f"- {line}\n" for line in lines)


def versions(provenance: dict) -> str:
    """Returns the versions behind a result, as "python 3.11.7, tensorflow ...; code <commit>".

    Of a network they are its training's. Older result files have the packages of the scoring alone.

    Args:
        provenance: of a summary (`runs.provenance.environment`).
    """
    packages = provenance.get("training_versions") or provenance["versions"]
    code = provenance["git_commit"]
    if (trained := provenance.get("training_git_commit", code)) != code:
        code = f"{trained}, scored with code {code}"
    return f"{', '.join(f'{name} {version}' for name, version in packages.items())}; code {code}"
