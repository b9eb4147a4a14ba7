"""What a reader needs to judge a result: its data, recordings, size, times and versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mtnet_tf.reporting.published import paper_dataset, paper_training_pairs
from mtnet_tf.reporting.results import dataset_of
from mtnet_tf.reporting.tables import METRICS, bullets, percent, versions
from mtnet_tf.runs.layout import MODEL


def footer(study: dict[str, dict]) -> str:
    """Returns what a reader needs to judge a table, as a Markdown list.

    It names the data, the recordings, and of each training the time, the hardware, the versions and
    the command.

    Args:
        study: {system or control: summary}.
    """
    summary = study.get("mtnet") or next(iter(study.values()))
    provenance = summary["provenance"]
    lines = [
        *data_lines(summary),
        (
            f"Preset {provenance['preset']}, precision"
            f" {provenance.get('precision', 'not recorded')}, seed {provenance['seed']}; ± is the"
            " standard deviation over the pairs."
        ),
    ]
    made = []
    for row in study.values():
        if row["candidate"] == MODEL:
            p = row["provenance"]
            lines.append(
                f"{row['label']}: {p['steps']:,} steps, {p['images_seen']:,} images"
                f" ({epochs(row):.1f} epochs) in the last stage, {p['num_parameters']:,}"
                f" parameters; trained in {p['training_seconds']:.0f} s, scored in"
                f" {p['seconds']:.0f} s."
            )
            made.append((row["label"], f": {way(p)}"))
    lines += made_lines(made)
    return bullets([*lines, *paper_lines(summary), *unscored_lines(study), *heard_lines(summary)])


def paper_lines(summary: dict) -> list[str]:
    """Returns whose numbers stand as the paper's beside a data set that the paper does not have.

    Args:
        summary: of a system or a control.
    """
    name = dataset_of(summary)
    if (instead := paper_dataset(name)) == name:
        return []
    return [f"The paper has no {name}. Its numbers are those of {instead}, and do not compare."]


def way(provenance: dict) -> str:
    """Returns how a result was made, such as "on 2 cores of ... python 3.11.7 ... `python -m ...`".

    Args:
        provenance: of a summary, or a flat result. Where it says how its network was trained, and
            how that was continued, that is told, else how the result was made.
    """
    of = "training_" if "training_command" in provenance else ""
    hardware, command = provenance[f"{of}hardware"], provenance[f"{of}command"]
    return f"on {hardware}. {versions(provenance)}. `{command}`{_continued(provenance)}"


def _continued(provenance: dict) -> str:
    """Returns how a training was continued otherwise than it was begun; "" where it was not."""
    return "".join(
        f", continued on {one['hardware']} with code {one['git_commit']} by `{one['command']}`"
        for one in provenance.get("training_resumed", ())
    )


def _names(names: list[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def made_lines(
    made: Iterable[tuple[Any, str]], say: Callable[[list[Any]], str] = _names
) -> list[str]:
    """Returns how some results were made, each way once, behind what was made so.

    Args:
        made: (a result or its name, the text of how it was made) of each.
        say: those of one way -> the text before it; by default their names.
    """
    ways = {}
    for result, how in made:
        ways.setdefault(how, []).append(result)
    return [f"{say(results)}{how}" for how, results in ways.items()]


def data_lines(summary: dict) -> list[str]:
    """Returns which data and recordings are behind a summary, and how the recordings were made.

    Args:
        summary: of a system or a control.
    """
    recordings = summary["provenance"]["recordings"]
    voices = sorted({r["voice_id"] for r in recordings["used"]})
    size = summary.get("split_size", summary["num_pairs"])
    pairs = f"{summary['num_pairs']:,} pairs"
    if summary["num_pairs"] < size:
        pairs += f", evenly spread over its {size:,}"
    return [
        (
            f"Data: {summary['dataset']}, {summary['split']} split, {pairs}; "
            f"{summary['num_recordings']} recordings behind them (policy {recordings['policy']}, "
            f"voice {', '.join(voices)}, fingerprint {recordings['fingerprint'][:12]})."
        ),
        f"Recordings: {_made_by(recordings)}",
    ]


def _made_by(recordings: dict) -> str:
    made_by = recordings.get("made_by")
    if not made_by:
        return "how they were made is not recorded."
    command = made_by.get("command")
    return f"`{command}`." if command else f"{made_by.get('made_by')}, {made_by.get('parameters')}."


def unscored_lines(rows: dict[str, dict]) -> list[str]:
    """Returns how many pairs a metric has no value of because of their recording.

    Args:
        rows: {row: summary}.

    Returns:
        A sentence for each metric and number of pairs; it names the rows where they differ.
    """
    lines = []
    for metric, label in METRICS.items():
        by_number = {}
        for name, row in rows.items():
            number = row["metrics"][metric]["num_failed_references"], row["num_pairs"]
            by_number.setdefault(number, []).append(name)
        for (number, num_pairs), names in by_number.items():
            if number:
                of_rows = f" of {', '.join(names)}" if len(by_number) > 1 else ""
                lines.append(
                    f"{label} has no value for {number:,} of the {num_pairs:,} pairs{of_rows},"
                    " because of their recordings: they are in no mean."
                )
    return lines


def heard_lines(summary: dict) -> list[str]:
    """Returns what a speech recogniser understood; [] where it was not asked.

    Args:
        summary: of a system or a control.
    """
    accuracy = summary.get("word_accuracy")
    if not accuracy:
        return []
    return [
        f"A speech recogniser understood {percent(accuracy['generated'])} of {summary['label']}'s"
        f" words, and {percent(accuracy['references'])} of the recordings themselves."
    ]


def network_size(summary: dict) -> str:
    """Returns preset, parameters and epochs of a network, such as "small, 6.2 M, 1.9 epochs".

    Args:
        summary: of a trained network.
    """
    provenance = summary["provenance"]
    parameters = provenance["num_parameters"] / 1e6
    return f"{provenance['preset']}, {parameters:.1f} M, {epochs(summary):.1f} epochs"


def epochs(summary: dict) -> float:
    """Returns how often a network saw each training pair on average, in its last stage.

    Older result files do not say how many pairs there were. They are of the paper's data sets, and
    of all pairs of the training split.

    Args:
        summary: of a trained network.
    """
    provenance = summary["provenance"]
    pairs = provenance.get("num_training_pairs")
    if pairs is None:
        pairs = paper_training_pairs(dataset_of(summary))
    return provenance["images_seen"] / pairs
