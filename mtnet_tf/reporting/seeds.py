"""Runs that differ in their seed alone: the mean of each score over them, and its spread.

Where two settings differ by less than their seeds do, nothing is known of their difference.
"""

from __future__ import annotations

import pathlib

from mtnet_tf.errors import InputError
from mtnet_tf.files import whole_files
from mtnet_tf.reporting.footers import made_lines, way
from mtnet_tf.reporting.results import (
    EVALUATE_AGAIN,
    dataset_of,
    read_summary,
    require_equal,
    whole_results,
    write_collection,
)
from mtnet_tf.reporting.tables import (
    METRICS,
    WORD_COLUMNS,
    bullets,
    markdown,
    spread_cells,
)
from mtnet_tf.runs.layout import SUMMARY, result_folder


def read_runs(folder: pathlib.Path | str) -> list[dict]:
    """Returns the summaries of the runs under a folder that were scored on the test split.

    Args:
        folder: holds run folders, or studies, which hold run folders.

    Returns:
        The summaries by data set, system, preset, precision and seed.

    Raises:
        InputError: there are none, one seed comes twice, or the runs of a setting differ in their
            steps, images or parameters.
    """
    summary = result_folder() / SUMMARY
    found = [*whole_files(folder, f"*/{summary}"), *whole_files(folder, f"*/*/{summary}")]
    return _ordered([read_summary(path) for path in found], folder)


def read_committed(folder: pathlib.Path | str) -> list[dict]:
    """Returns the summaries that `collect` wrote, as `read_runs` returns and raises.

    Args:
        folder: the `results` of `collect`.
    """
    return _ordered([read_summary(path) for path in whole_files(folder)], folder)


def collect(folder: pathlib.Path | str, results: pathlib.Path | str) -> list[str]:
    """Copies the summaries of some runs into one folder, and returns the names of the files.

    Args:
        folder: as in `read_runs`, which says what is raised.
        results: receives a file a run; other .json files in it are removed.
    """
    collection = {}
    for summary in read_runs(folder):
        dataset, system, preset, precision, seed = _key(summary)
        where = dataset.replace("/", "_")
        collection[f"{where}_{system}_{preset}_{precision}_seed{seed}.json"] = summary
    write_collection(results, collection)
    return list(collection)


def markdown_table(summaries: list[dict]) -> str:
    """Returns a Markdown table with a row for each setting.

    A cell is the mean over the seeds ± their standard deviation, with one degree of freedom lost.

    Args:
        summaries: of `read_runs` or `read_committed`.
    """
    rows = []
    for (_, _, preset, precision), runs in _settings(summaries).items():
        seeds = ", ".join(str(run["provenance"]["seed"]) for run in runs)
        cells = [dataset_of(runs[0]), runs[0]["label"], preset, precision, seeds]
        rows.append([*cells, *spread_cells(runs)])
    header = ["data set", "system", "preset", "precision", "seeds"]
    return markdown([*header, *METRICS.values(), *WORD_COLUMNS], rows)


def footer(summaries: list[dict]) -> str:
    """Returns how each setting was made, as a Markdown list.

    Args:
        summaries: as in `markdown_table`.
    """
    lines = [
        "± is the standard deviation over the seeds.",
        "Controls: none were scored with these runs, which compare settings with each other.",
    ]
    for runs in _settings(summaries).values():
        p = runs[0]["provenance"]
        seconds = [run["provenance"]["training_seconds"] for run in runs]
        lines.append(
            f"{runs[0]['dataset']}, {p['precision']}: preset {p['preset']}, {p['steps']:,} steps,"
            f" {p['images_seen']:,} images; {runs[0]['num_pairs']:,} pairs of the"
            f" {runs[0]['split']} split scored; trained in {min(seconds):.0f}-{max(seconds):.0f} s."
        )
        made = [(str(r["provenance"]["seed"]), f": {way(r['provenance'])}") for r in runs]
        lines += made_lines(made, lambda seeds: f"Seed {', '.join(seeds)}")
    return bullets(lines)


def section(folder: pathlib.Path | str) -> str:
    """Returns the table of committed results, and how each setting was made.

    Args:
        folder: as in `read_committed`, which says what is raised.
    """
    return shown(read_committed(folder), folder)


def shown(summaries: list[dict], where: pathlib.Path | str) -> str:
    """Returns the table of some runs, and how each setting was made.

    Args:
        summaries: as in `markdown_table`.
        where: they were read from.

    Raises:
        InputError: a summary lacks what is shown, as one of another version may.
    """
    with whole_results(where, "experiments.evaluate", EVALUATE_AGAIN):
        return f"{markdown_table(summaries)}\n{footer(summaries)}"


def _ordered(summaries: list[dict], where: pathlib.Path | str) -> list[dict]:
    """Returns the summaries in the order of `read_runs`, and raises what it raises."""
    if not summaries:
        raise InputError(
            f"{where} holds no run that was evaluated on the test split. Run experiments.train and"
            " experiments.evaluate."
        )
    with whole_results(where, "experiments.evaluate", EVALUATE_AGAIN):
        summaries = sorted(summaries, key=_key)
        _require_comparable(summaries, where)
    return summaries


def _require_comparable(summaries: list[dict], where: pathlib.Path | str) -> None:
    keys = [_key(summary) for summary in summaries]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise InputError(f"{where} holds the same seed twice: {sorted(twice)}. Keep one of each.")
    for setting, runs in _settings(summaries).items():
        rows = f"The seeds of {setting} in {where}"
        for name in ("steps", "images_seen", "num_parameters"):
            values = {run["provenance"]["seed"]: run["provenance"][name] for run in runs}
            require_equal(rows, name, values, "Move the runs that were trained otherwise away.")
        pairs = {run["provenance"]["seed"]: run["num_pairs"] for run in runs}
        require_equal(rows, "num_pairs", pairs, "Evaluate them with one --num_pairs.")


def _key(summary: dict) -> tuple[str, str, str, str, int]:
    p = summary["provenance"]
    return summary["dataset"], p["system"], p["preset"], p["precision"], p["seed"]


def _settings(summaries: list[dict]) -> dict[tuple[str, str, str, str], list[dict]]:
    """Returns {all of the key but the seed: its runs}."""
    settings = {}
    for summary in summaries:
        settings.setdefault(_key(summary)[:-1], []).append(summary)
    return settings
