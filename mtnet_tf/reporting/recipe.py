"""The tables of `experiments.recipe`: what each change of a training recipe brings."""

from __future__ import annotations

import pathlib

from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, whole_files
from mtnet_tf.reporting.footers import made_lines, way
from mtnet_tf.reporting.results import dataset_of, divergence, require_equal, whole_results
from mtnet_tf.reporting.tables import METRICS, bullets, markdown, number, percent

_ACCURACY, _GENERATION = "validation_accuracy", "validation_generation"
_OF_BEST = "validation_word_accuracy"  # of an adversarial stage, which keeps its best network
# {what a stage without a softmax layer has in place of the first: what it is a share of}
_OTHER_ACCURACIES = {
    _OF_BEST: "the spectrograms that are made of images to which a recording of the right word is"
    " nearest, at the best validation, whose network is kept",
    "validation_text_accuracy": "the texts that are right in every letter",
}


def section(folder: pathlib.Path | str) -> str:
    """Returns a table a data set, and how its results were made.

    Changes stand in groups of one base, those of the preset itself first; in a group the change
    with the best validation accuracy is first, and one that diverged last.

    Args:
        folder: holds the result files of `experiments.recipe`.

    Raises:
        InputError: a result file is broken, a change is there twice, or results do not compare.
    """
    datasets = {}
    for path in whole_files(folder):
        result = read_json(path)
        with whole_results(path, "experiments.recipe"):
            kept = _kept_validation(result)
            datasets.setdefault(dataset_of(result), []).append(result | {"kept": kept})
    parts = []
    with whole_results(folder, "experiments.recipe"):
        for dataset, results in sorted(datasets.items()):
            _require_comparable(dataset, results)
            parts.append(f"### {dataset}\n\n{_table(results)}\n{_footer(results)}")
    return "\n".join(parts)


def _kept_validation(result: dict) -> dict[str, float | None]:
    """Returns the accuracy of the network that is kept, and the last generation loss, if any.

    The last network is kept; of an adversarial stage the one with the best validation.
    """
    if divergence(result):
        return {_ACCURACY: None, _GENERATION: None}
    looks = result["looks"]
    (name,) = looks[-1].keys() & {_ACCURACY, *_OTHER_ACCURACIES}
    accuracies = [look[name] for look in looks]
    kept = max(accuracies) if name == _OF_BEST else accuracies[-1]
    return {_ACCURACY: kept, _GENERATION: looks[-1].get(_GENERATION)}


def _require_comparable(dataset: str, results: list[dict]) -> None:
    keys = [(result["change"], result["seed"]) for result in results]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise InputError(f"The recipe study of {dataset} holds twice: {twice}. Keep one of each.")
    remedy = "Move the results that were made otherwise away."
    for name in ("preset", "precision", "num_pairs", "num_validation_pairs"):
        values = {key: result[name] for key, result in zip(keys, results)}
        require_equal(f"The changes on {dataset}", name, values, remedy)
    # Older results do not say what was overridden.
    said = {key: tuple(r["overrides"]) for key, r in zip(keys, results) if "overrides" in r}
    require_equal(f"The changes on {dataset}", "--override", said, remedy)
    recordings = {key: r["recordings"]["fingerprint"] for key, r in zip(keys, results)}
    require_equal(f"The changes on {dataset}", "the recordings", recordings, remedy)


def _table(results: list[dict]) -> str:
    found = {(result["change"], result["seed"]): result for result in results}
    rows = []
    for group in _groups(results):
        for result in group:
            base = found.get((result["base"], result["seed"]))
            kept = result["kept"]
            rows.append(
                [
                    f"`{result['change']}`: {result['label']}",
                    f"`{result['base'] or result['preset']}`",
                    str(result["seed"]),
                    divergence(result) or percent(kept[_ACCURACY]),
                    _points_to(base, result),
                    "" if kept[_GENERATION] is None else f"{kept[_GENERATION]:.4g}",
                    *_speech(result),
                    *_cost(result),
                ]
            )
    header = ["change", "base", "seed", "validation accuracy", "to its base, points"]
    header += ["generation loss", " / ".join(METRICS.values()), "blended"]
    header += ["training, seconds", "images seen"]
    return markdown(header, rows)


def _speech(result: dict) -> tuple[str, str]:
    """Returns the scores of a result, empty where the program did not score it yet."""
    if "scores" not in result:
        return "", ""
    means = (result["scores"]["metrics"][name]["floor_mean"] for name in METRICS)
    return " / ".join(map(number, means)), percent(result["scores"]["blended"])


def _cost(result: dict) -> tuple[str, str]:
    """Returns the seconds and the images of a training, empty for one that diverged."""
    if divergence(result):
        return "", ""
    return f"{result['training_seconds']:,.0f}", f"{result['images_seen']:,}"


def _groups(results: list[dict]) -> list[list[dict]]:
    """Returns the results of each base, best first: the preset's, then by the bases' own places."""
    by_base = {}
    for result in sorted(results, key=lambda r: -(r["kept"][_ACCURACY] or 0)):
        by_base.setdefault(result["base"], []).append(result)
    bases = [None]
    for base in bases:  # which grows
        for result in by_base.get(base, []):
            if result["change"] in by_base and result["change"] not in bases:
                bases.append(result["change"])
    bases += [base for base in by_base if base not in bases]  # whose own result is not there
    return [by_base[base] for base in bases if base in by_base]


def _points_to(base: dict | None, result: dict) -> str:
    """Returns how much more accurate a result is than its base, in points."""
    if result["kept"][_ACCURACY] is None:
        return ""
    if base is None:
        return "not run" if result["base"] else ""
    if base["kept"][_ACCURACY] is None:
        return ""
    return f"{100 * (result['kept'][_ACCURACY] - base['kept'][_ACCURACY]):+.2f}"


def _scored(results: list[dict]) -> str:
    numbers = {f"{r['scores']['num_pairs']:,}" for r in results if "scores" in r}
    return f"Speech is scored over {' or '.join(sorted(numbers))} of them. " if numbers else ""


def _footer(results: list[dict]) -> str:
    """Returns what the figures are of, and how they were made: each way once."""
    first = results[0]
    lines = [
        f"Of the network that is kept, over {first['num_validation_pairs']:,} pairs of the training"
        f" split that are held out from its {first['num_pairs']:,}. No change looks at the test"
        f" split, and each difference is of one seed. {_scored(results)}Preset {first['preset']},"
        f" precision {first['precision']}, recordings {first['recordings']['fingerprint'][:12]}.",
        "The preset is as it was at the commit of a result: later ones have what earlier changes"
        " brought. The generation loss of a change of that loss is not that of its base.",
    ]
    # One that diverged has no validations, and does not say which study it is of.
    found = {name for result in results for look in result.get("looks", []) for name in look}
    lines += [
        f"Validation accuracy is here the share of {share}."
        for name, share in _OTHER_ACCURACIES.items()
        if name in found
    ]
    made = ((f"`{result['change']}`", f": {way(result)}") for result in results)
    return bullets([*lines, *made_lines(made)])
