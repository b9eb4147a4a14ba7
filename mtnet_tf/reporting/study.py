"""The table of a study beside the paper's, and its report.

A study is a folder of run folders (`<out_dir>/<system>`, what experiments.ablation writes), or a
folder of committed results (`<name>.json` each, `collect`). Either becomes {name: summary}: the
systems in the order of their tables, then the controls.
"""

from __future__ import annotations

import json
import pathlib
import shutil

from mtnet_tf import systems
from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, replacing, write_json, write_text
from mtnet_tf.reporting.results import read_summary
from mtnet_tf.reporting.tables import METRICS, bullets, markdown, percent, score, versions
from mtnet_tf.systems.controls import CONTROLS

_PAPER = json.loads(
    (pathlib.Path(__file__).parent / "paper_tables.json").read_text(encoding="utf-8")
)
_PAPER_DATASET = {"digits_ad": "mnist_ad"}  # what the paper has instead
_CONTROL_NAMES = tuple(control.name for control in CONTROLS)
_SUMMARY = "evaluation/test/{}/summary.json"


def read_study(out_dir: pathlib.Path | str) -> dict[str, dict]:
    """Returns {system or control: summary} of the finished evaluations under a folder.

    Args:
        out_dir: holds a run folder a system, or is the run folder of one.

    Raises:
        InputError: there is no evaluation, a system is not registered, or rows do not compare.
    """
    out_dir = pathlib.Path(out_dir)
    if (out_dir / "config.json").is_file():
        places = {read_json(out_dir / "config.json").get("system"): out_dir}
    else:
        found = sorted(out_dir.glob(f"*/{_SUMMARY.format('model')}"))
        places = {path.relative_to(out_dir).parts[0]: path.parents[3] for path in found}
    paths = {name: place / _SUMMARY.format("model") for name, place in places.items()}
    if "mtnet" in places:
        paths |= {name: places["mtnet"] / _SUMMARY.format(name) for name in _CONTROL_NAMES}
    return _read_all(paths, out_dir)


def read_committed(folder: pathlib.Path | str) -> dict[str, dict]:
    """Returns {system or control: summary} of a folder that `collect` wrote; raises `InputError`."""
    paths = {path.stem: path for path in pathlib.Path(folder).glob("*.json")}
    return _read_all(paths, folder)


def _read_all(paths: dict[str, pathlib.Path], where: pathlib.Path | str) -> dict[str, dict]:
    paths = {name: path for name, path in paths.items() if path.is_file()}
    if not paths:
        raise InputError(
            f"{where} holds no evaluation of the test split. Run experiments.evaluate or"
            " experiments.ablation."
        )
    order = [*systems.names(), *_CONTROL_NAMES]
    if unknown := sorted(set(paths) - set(order)):
        raise InputError(
            f"{where} holds results of {', '.join(unknown)}, which is no registered system. The"
            f" systems are: {', '.join(systems.names())}. Name the module that registers it with"
            " --system_module."
        )
    study = {name: read_summary(paths[name]) for name in order if name in paths}
    for key in ("dataset", "split", "num_pairs"):
        values = {name: summary[key] for name, summary in study.items()}
        if len(set(values.values())) > 1:
            raise InputError(
                f"The rows of {where} are not comparable, {key} differs: {values}. Evaluate them"
                " on the same data."
            )
    return study


def _rows(study: dict[str, dict]) -> list[systems.System]:
    """Returns all systems of the tables that the study has a row of."""
    tables = {systems.find(name).table for name in study if name in systems.names()}
    return [s for s in map(systems.find, systems.names()) if s.table in tables]


def dataset_of(study: dict[str, dict]) -> str:
    """Returns the builder's name, e.g. "mnist_ad"."""
    return next(iter(study.values()))["dataset"].partition("/")[0]


def paper_scores(name: str, dataset: str) -> list[float] | None:
    """Returns the paper's Corr2D, PESQ and STOI of a system on a data set; None where it has none."""
    for table in ("3", "4"):
        if name in _PAPER[table]:
            return _PAPER[table][name].get(_PAPER_DATASET.get(dataset, dataset))
    return None


def collect(out_dir: pathlib.Path | str, folder: pathlib.Path | str) -> list[str]:
    """Copies the summaries of a study into `folder`, as `<name>.json`; returns the names."""
    study = read_study(out_dir)
    for name, summary in study.items():
        write_json(pathlib.Path(folder) / f"{name}.json", summary)
    return list(study)


def _cells(study: dict[str, dict], complete: bool) -> tuple[list[str], list[list[str]]]:
    """Returns the header and the rows of a table as texts.

    With `complete`, systems that are missing are "not run", and the deviations over the pairs stand
    beside the means.
    """
    dataset = dataset_of(study)
    header = ["system"]
    for label in METRICS.values():
        header += [f"{label}, paper", f"{label}, ours"]
    header += ["scored", "retrieval accuracy", "Corr2D / PESQ / STOI of the retrieved"]
    header += ["softmax accuracy"]
    labels = {system.name: system.label for system in _rows(study)}
    rows = []
    for name in [*labels, *_CONTROL_NAMES]:
        scores = paper_scores(name, dataset)
        published = [f"{value:.4f}" for value in scores] if scores else [""] * 3
        if name not in study:
            if complete and name in labels:
                not_run = [cell for value in published for cell in (value, "not run")]
                rows.append([labels[name], *not_run, *[""] * 4])
            continue
        summary = study[name]
        metrics = summary["metrics"]
        cells = [summary["label"]]
        for metric, value in zip(METRICS, published):
            cells += [value, score(metrics[metric], deviation=complete)]
        retrieved = summary["retrieved"]["metrics"]
        cells.append(_counts([metrics[metric] for metric in METRICS]))
        cells.append(percent(summary["retrieval_accuracy"]))
        cells.append(" / ".join(score(retrieved[metric]) for metric in METRICS))
        cells.append(percent(summary.get("classifier_accuracy")))
        rows.append(cells)
    return header, rows


def _counts(metrics: list[dict]) -> str:
    """Returns how many pairs were scored and failed, once where the three metrics agree."""
    texts = [
        f"{m['num_scored']}, {m['num_failed']} failed" if m["num_failed"] else f"{m['num_scored']}"
        for m in metrics
    ]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def markdown_table(study: dict[str, dict]) -> str:
    """Returns the table beside the paper's: the systems, missing ones "not run", then the controls."""
    header, rows = _cells(study, complete=True)
    return markdown(header, rows)


def text_table(summaries: list[dict]) -> str:
    """Returns the table of some summaries for a terminal, means only."""
    study = {
        s["provenance"]["system"] if s["candidate"] == "model" else s["candidate"]: s
        for s in summaries
    }
    header, rows = _cells(study, complete=False)
    header = [
        cell.replace("Corr2D / PESQ / STOI of the retrieved", "retrieved: Corr2D / PESQ / STOI")
        for cell in header
    ]
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
        for line in [header, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def controls_note(study: dict[str, dict], others: dict[str, dict[str, dict]]) -> str | None:
    """Returns why a study has no controls and where to find them, None where it has some.

    Args:
        study: {row or control: summary}.
        others: {name: study}, where the controls of the same pairs and recordings may be.
    """
    if any(name in study for name in _CONTROL_NAMES):
        return None
    pairs = _pairs_scored(study)
    same = [
        name
        for name, other in others.items()
        if _pairs_scored(other) == pairs and any(name in other for name in _CONTROL_NAMES)
    ]
    if same:
        return f"Controls: not scored again; those of {same[0]} are over the same pairs and recordings."
    return "Controls: none were scored with these pairs, so read the scores beside each other only."


def _pairs_scored(study):
    summary = next(iter(study.values()))
    fingerprint = summary["provenance"]["recordings"]["fingerprint"]
    return summary["dataset"], summary["split"], summary["num_pairs"], fingerprint


def footer(study: dict[str, dict]) -> str:
    """Returns what a reader needs to judge a table, as a Markdown list: data, recordings, versions, time, commands."""
    summary = study.get("mtnet") or next(iter(study.values()))
    provenance = summary["provenance"]
    recordings = provenance["recordings"]
    voices = sorted({r["voice_id"] for r in recordings["used"]})
    size = summary.get("split_size", summary["num_pairs"])
    pairs = f"{summary['num_pairs']:,} pairs"
    if summary["num_pairs"] < size:
        pairs += f", evenly spread over its {size:,}"
    lines = [
        (
            f"Data: {summary['dataset']}, {summary['split']} split, {pairs}; "
            f"{summary['num_recordings']} recordings behind them (policy {recordings['policy']}, "
            f"voice {', '.join(voices)}, fingerprint {recordings['fingerprint'][:12]})."
        ),
        f"Recordings: {_made_by(recordings)}",
        (
            f"Preset {provenance['preset']}, precision {provenance.get('precision', 'not recorded')}, seed"
            f" {provenance['seed']}; ± is the standard deviation over the pairs."
        ),
        f"Hardware: {provenance['training_hardware']}. {versions(provenance)}.",
    ]
    for row in study.values():
        if row["candidate"] == "model":
            p = row["provenance"]
            lines.append(
                f"{row['label']}: {p['steps']:,} steps, {p['images_seen']:,} images ({epochs(row):.1f} epochs), "
                f"{p['num_parameters']:,} parameters; "
                f"trained in {p['training_seconds']:.0f} s, scored in {p['seconds']:.0f} s. `{p['training_command']}`"
            )
    if any(row["metrics"][m]["num_failed_references"] for row in study.values() for m in METRICS):
        lines.append(
            "Pairs that failed because of their reference are in no mean: see the result files."
        )
    accuracy = summary.get("word_accuracy")
    if accuracy:
        lines.append(
            f"A speech recogniser understood {percent(accuracy['generated'])} of MT-Net's words, and "
            f"{percent(accuracy['references'])} of the recordings themselves."
        )
    return bullets(lines)


def _made_by(recordings: dict) -> str:
    made_by = recordings.get("made_by")
    if not made_by:
        return "how they were made is not recorded."
    command = made_by.get("command")
    return f"`{command}`." if command else f"{made_by.get('made_by')}, {made_by.get('parameters')}."


def epochs(summary: dict) -> float:
    """Returns how often a network saw each pair of its training split, in the mean.

    Result files that do not say how many pairs there were are older, and of the paper's splits, all of them used.
    """
    provenance = summary["provenance"]
    pairs = provenance.get("num_training_pairs")
    if pairs is None:
        pairs = _PAPER["training_pairs"][dataset_of({"": summary})]
    return provenance["images_seen"] / pairs


def network_size(summary: dict) -> str:
    """Returns preset, number of parameters and epochs of a network, e.g. "small, 6.2 M, 1.9 epochs"."""
    provenance = summary["provenance"]
    parameters = provenance["num_parameters"] / 1e6
    return f"{provenance['preset']}, {parameters:.1f} M, {epochs(summary):.1f} epochs"


def write_report(out_dir: pathlib.Path | str, report_dir: pathlib.Path | str) -> pathlib.Path:
    """Writes `<report_dir>/report.md`: the table, the picture if `examples.png` lies there, and the sounds.

    Returns its path. Raises InputError if `out_dir` holds no evaluation.
    """
    study = read_study(out_dir)
    report_dir = pathlib.Path(report_dir)
    parts = ["# MT-Net: what was measured\n", markdown_table(study), footer(study)]
    if (report_dir / "examples.png").is_file():
        parts.append("![image, true and generated waveform and spectrogram](examples.png)\n")
    sounds = []
    for name in study:
        run, candidate = ("mtnet", name) if name in _CONTROL_NAMES else (name, "model")
        wavs = pathlib.Path(out_dir, run, "evaluation/test", candidate, "wavs")
        for wav in sorted(wavs.glob("*.wav")):
            with replacing(report_dir / "wavs" / name / wav.name) as temporary:
                shutil.copyfile(wav, temporary)
            sounds.append(f"- {study[name]['label']}: [{wav.name}](wavs/{name}/{wav.name})\n")
    if sounds:
        parts.append("## Sounds (the first test images)\n\n" + "".join(sounds))
    write_text(report_dir / "report.md", "\n".join(parts))
    return report_dir / "report.md"
