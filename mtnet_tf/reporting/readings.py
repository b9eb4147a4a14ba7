"""The tables of `experiments.readings`.

They show what each reading of the paper's optimiser does to a stage, seed by seed.
"""

from __future__ import annotations

import math
import pathlib

from mtnet_tf.files import read_json, whole_files
from mtnet_tf.reporting.footers import made_lines, way
from mtnet_tf.reporting.results import divergence, whole_results
from mtnet_tf.reporting.tables import bullets, markdown, percent

_LEARNED = 0.01  # stage 1 counts as learned below this reconstruction error


def section(folder: pathlib.Path) -> str:
    """Returns the tables of some result files, stage 1 before stage 2, and how they were made.

    Args:
        folder: holds the result files of `experiments.readings`.

    Raises:
        InputError: a result file is broken.
    """
    results = [read_json(path) for path in whole_files(folder)]
    parts = []
    with whole_results(folder, "experiments.readings"):
        _take_newest_labels(results)
        for stage, title, table in (
            ("autoencoder", "Stage 1", _autoencoder_table),
            ("joint", "Stage 2", _joint_table),
        ):
            found = [result for result in results if result["stage"] == stage]
            if found:
                found = _best_first(found)
                parts.append(f"### {title}\n\n{table(found)}\n{_footer(found)}")
    return "\n".join(parts)


def _take_newest_labels(results: list[dict]) -> None:
    """Gives all results of a reading the label of its newest one."""
    labels = {r["reading"]: r["label"] for r in sorted(results, key=lambda r: r["started"])}
    for result in results:
        result["label"] = labels[result["reading"]]


def _best_first(results: list[dict]) -> list[dict]:
    """Returns the results of each reading by seed, the reading with the best worst seed first.

    A reading of which a seed diverged comes after the others.
    """
    errors = {}
    for result in results:
        errors.setdefault(result["reading"], []).append(_error(result))
    return sorted(results, key=lambda r: (max(errors[r["reading"]]), r["reading"], r["seed"]))


def _error(result: dict) -> float:
    """Returns what a stage ended with: the reconstruction error, or the generation loss.

    It is infinite where the training diverged.
    """
    if divergence(result):
        return math.inf
    last = result["looks"][-1]
    return last.get("reconstruction_error", last.get("validation_generation"))


def _autoencoder_table(results: list[dict]) -> str:
    rows = []
    for result in results:
        if divergence(result):
            rows.append([*_identity(result), divergence(result), *[""] * 4])
            continue
        last = result["looks"][-1]
        learned = (look for look in result["looks"] if look["reconstruction_error"] < _LEARNED)
        rows.append(
            [
                *_identity(result),
                f"{last['step']} of {result['num_steps']}",
                f"{last['reconstruction_error']:.3g}",
                percent(last["feature_saturation"]),
                f"{last['nearest_cosine']:.3f}",
                str(next(learned, {"step": "none"})["step"]),
            ]
        )
    header = [
        "reading",
        "network",
        "seed",
        "updates",
        "reconstruction error (silence: 1)",
        "feature saturated",
    ]
    return markdown([*header, "cosine of the nearest words", "first below 1 %, at update"], rows)


def _joint_table(results: list[dict]) -> str:
    rows = []
    for result in results:
        if divergence(result):
            rows.append([*_identity(result), divergence(result), *[""] * 6])
            continue
        first, last = result["looks"][0], result["looks"][-1]
        norms = [line["gradient_norm"] for line in result["log"]]
        rows.append(
            [
                *_identity(result),
                f"{last['step']:,} of {result['num_steps']:,}",
                f"{first['validation_generation']:.4g}, {last['validation_generation']:.4g}",
                f"{first['validation_representation']:.4f},"
                f" {last['validation_representation']:.4f}",
                percent(last["validation_accuracy"]),
                percent(last["validation_phi_saturation"]),
                f"{last['validation_phi_nearest_cosine']:.3f}",
                f"{max(norms):.3g}" if norms else "",
            ]
        )
    header = ["reading", "network", "seed", "updates", "generation loss, first and last validation"]
    header += ["representation loss, first and last validation", "accuracy", "phi saturated"]
    return markdown([*header, "cosine of the nearest words", "largest gradient norm"], rows)


def _identity(result: dict) -> list[str]:
    """Returns the reading, the preset, and the seed.

    With the preset it says whether the command made a part of its network smaller.
    """
    part = {"autoencoder": "audio_autoencoder", "joint": "image_encoder"}[result["stage"]]
    smaller = f" with a smaller {part}" if f"{part}." in result["command"] else ""
    return [result["label"], f"`{result['preset']}`{smaller}", str(result["seed"])]


def _footer(results: list[dict]) -> str:
    """Returns how the results were made: each way once, whatever its readings and seeds."""
    line = (
        "At the last measurement: stage 1 over the recordings it is trained on, stage 2 over the"
        " validation part of the training split. A stage 1 whose error is ten times that of"
        " silence, and a stage 2 of whose phi more than 90 % are saturated, are ended there."
    )
    made = ((result, way(result)) for result in results)
    return bullets([line, *made_lines(made, _what_was_trained)])


def _what_was_trained(results: list[dict]) -> str:
    first, seconds = results[0], [result["seconds"] for result in results]
    return (
        f"{first['dataset']}, preset {first['preset']}, precision {first['precision']},"
        f" {first['num_pairs']:,} pairs, {len(first['recordings']['used'])} recordings"
        f" (fingerprint {first['recordings']['fingerprint'][:12]});"
        f" {min(seconds):.0f}-{max(seconds):.0f} s each "
    )
