"""The table of `experiments.compare_exports`."""

from __future__ import annotations

import pathlib

from mtnet_tf.files import read_json, whole_files
from mtnet_tf.reporting.footers import data_lines, made_lines
from mtnet_tf.reporting.results import require_equal, whole_results
from mtnet_tf.reporting.tables import METRICS, bullets, markdown, number, percent, versions

_FIRST = "keras"


def section(folder: pathlib.Path | str) -> str:
    """Returns the table of some result files, Keras' own first, and how they were made.

    Args:
        folder: holds the result files of `experiments.compare_exports`.

    Raises:
        InputError: a result file is broken, or results do not compare.
    """
    results = [read_json(path) for path in whole_files(folder)]
    with whole_results(folder, "experiments.compare_exports"):
        for name in ("dataset", "num_pairs"):
            values = {result["candidate"]: result[name] for result in results}
            require_equal(f"The forms in {folder}", name, values, "Compare them again.")
        results.sort(key=lambda result: (result["candidate"] != _FIRST, result["candidate"]))
        header = ["form", "MB", "largest difference of a sample", *METRICS.values()]
        header += ["retrieval accuracy", "softmax accuracy", "one picture, ms", "pictures/s"]
        table = markdown(header, [_row(result) for result in results])
        lines = [
            *data_lines(results[0]),
            *made_lines((result["label"], f": {_way(result)}") for result in results),
            "One picture: the median of 30. Pictures/s: in batches of 64, which LiteRT describes"
            " one by one. Each form computes on all cores.",
            "MB: of Keras the run folder's own file. The one of a network that ships with the"
            " package holds float16, as the forms of that name do; those without a name hold"
            " float32.",
        ]
    return f"{table}\n{bullets(lines)}"


def _way(result: dict) -> str:
    """Returns how a form was measured, which is not how its network was trained."""
    provenance = result["provenance"]
    made = {name: provenance[name] for name in ("versions", "git_commit")}
    return f"on {provenance['hardware']}. {versions(made)}. `{provenance['command']}`"


def _row(result: dict) -> list[str]:
    difference, provenance = result["largest_difference"], result["provenance"]
    return [
        result["label"],
        f"{result['num_bytes'] / 1e6:.2f}",
        f"{difference['waveform']:.1g}" if difference else "",
        *(number(result["metrics"][metric]["floor_mean"]) for metric in METRICS),
        percent(result["retrieval_accuracy"]),
        percent(result["classifier_accuracy"]),
        f"{provenance['description_milliseconds']:.1f}",
        f"{provenance['descriptions_per_second']:.0f}",
    ]
