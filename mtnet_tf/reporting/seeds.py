"""Runs that differ in nothing but their seed: the mean of each score over them, and how far they spread.

Two settings that differ by less than their seeds do are not known to differ.
"""

from __future__ import annotations

import pathlib

import numpy as np

from mtnet_tf.errors import InputError
from mtnet_tf.files import write_json
from mtnet_tf.reporting.results import read_summary
from mtnet_tf.reporting.tables import (
    METRICS,
    bullets,
    markdown,
    number,
    percent,
    versions,
)


def read_runs(folder) -> list[dict]:
    """Returns the summaries of the runs under a folder that were scored on the test split.

    Args:
        folder: holds run folders, or studies, which hold run folders.

    Raises:
        InputError: as `_ordered`.
    """
    folder, summary = pathlib.Path(folder), "evaluation/test/model/summary.json"
    found = [*folder.glob(f"*/{summary}"), *folder.glob(f"*/*/{summary}")]
    return _ordered([read_summary(path) for path in found], folder)


def read_committed(folder) -> list[dict]:
    """Returns the summaries that `collect` wrote into `folder`; see `_ordered`."""
    return _ordered([read_summary(path) for path in pathlib.Path(folder).glob("*.json")], folder)


def collect(folder, results) -> list[str]:
    """Copies the summaries of the runs in `folder` into `results`, a file a run; returns their names."""
    names = []
    for summary in read_runs(folder):
        dataset, system, preset, precision, seed = _key(summary)
        where = dataset.replace("/", "_")
        names.append(f"{where}_{system}_{preset}_{precision}_seed{seed}.json")
        write_json(pathlib.Path(results) / names[-1], summary)
    return names


def markdown_table(summaries: list[dict]) -> str:
    """Returns a row a setting: each score's mean over the seeds ± their standard deviation, one degree of freedom lost."""
    rows = []
    for (dataset, _, preset, precision), runs in _settings(summaries).items():
        seeds = ", ".join(str(run["provenance"]["seed"]) for run in runs)
        cells = [dataset.partition("/")[0], runs[0]["label"], preset, precision, seeds]
        cells += [_scores([run["metrics"][metric] for run in runs]) for metric in METRICS]
        cells.append(_spread([run["retrieval_accuracy"] for run in runs], percent))
        right = [[run["retrieved"]["metrics"][metric] for run in runs] for metric in METRICS]
        cells.append(" / ".join(_scores(metrics) for metrics in right))
        cells.append(_spread([run.get("classifier_accuracy") for run in runs], percent))
        rows.append(cells)
    header = [
        "data set",
        "system",
        "preset",
        "precision",
        "seeds",
        *METRICS.values(),
        "retrieval accuracy",
    ]
    header += [f"{' / '.join(METRICS.values())} of the retrieved", "softmax accuracy"]
    return markdown(header, rows)


def _scores(metrics) -> str:
    """Returns the spread of a metric's mean over runs; where pairs failed, how many, and the spread of the floor mean."""
    text = _spread([metric["mean"] for metric in metrics], number)
    failed = sum(metric["num_failed"] for metric in metrics)
    if not failed:
        return text
    scored = sum(metric["num_scored"] for metric in metrics)
    floor = _spread([metric["floor_mean"] for metric in metrics], number)
    return f"{text} ({scored} scored, {failed} failed: floor mean {floor})"


def footer(summaries: list[dict]) -> str:
    """Returns how each setting was made, as a Markdown list."""
    lines = [
        "± is the standard deviation over the seeds.",
        "Controls: none were scored with these runs, which compare settings with each other.",
    ]
    for runs in _settings(summaries).values():
        p = runs[0]["provenance"]
        seconds = [run["provenance"]["training_seconds"] for run in runs]
        lines.append(
            f"{runs[0]['dataset']}, {p['precision']}: preset {p['preset']}, {p['steps']:,} steps, {p['images_seen']:,} images; "
            f"{runs[0]['num_pairs']:,} pairs of the {runs[0]['split']} split scored; trained in "
            f"{min(seconds):.0f}-{max(seconds):.0f} s on {p['training_hardware']}. {versions(p)}. Seed {p['seed']}: `{p['training_command']}`"
        )
    return bullets(lines)


def _ordered(summaries, where):
    """Returns them by data set, system, precision and seed.

    Raises InputError if there are none, one comes twice, or the runs of a setting differ in more than the seed.
    """
    if not summaries:
        raise InputError(
            f"{where} holds no run that was evaluated on the test split. Run experiments.train and experiments.evaluate."
        )
    summaries = sorted(summaries, key=_key)
    keys = [_key(summary) for summary in summaries]
    if twice := {key for key in keys if keys.count(key) > 1}:
        raise InputError(f"{where} holds the same seed twice: {sorted(twice)}. Keep one of each.")
    for setting, runs in _settings(summaries).items():
        for what in ("steps", "images_seen", "num_parameters"):
            values = {run["provenance"]["seed"]: run["provenance"][what] for run in runs}
            if len(set(values.values())) > 1:
                raise InputError(
                    f"The seeds of {setting} in {where} are not comparable, {what} differs: {values}."
                )
        if len({run["num_pairs"] for run in runs}) > 1:
            raise InputError(
                f"The seeds of {setting} in {where} were scored on different numbers of pairs."
            )
    return summaries


def _key(summary):
    p = summary["provenance"]
    return summary["dataset"], p["system"], p["preset"], p["precision"], p["seed"]


def _settings(summaries):
    settings = {}
    for summary in summaries:
        settings.setdefault(_key(summary)[:-1], []).append(summary)
    return settings


def _spread(values, text):
    if None in values:
        return text(None)
    if len(values) == 1:
        return text(values[0])
    return f"{text(np.mean(values))} ± {text(np.std(values, ddof=1))}"
