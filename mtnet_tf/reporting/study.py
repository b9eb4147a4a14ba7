"""The table of a study beside the paper's, and its report.

A study is a folder of run folders (`<out_dir>/<system>`, what experiments.ablation writes), or a
folder of committed results (`<name>.json` each, `collect`). Either becomes {name: summary}: the
systems in the order of their tables, then the controls.
"""

from __future__ import annotations

import os
import pathlib
import shutil

from mtnet_tf import systems
from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, replacing, whole_files, write_text
from mtnet_tf.reporting.footers import footer
from mtnet_tf.reporting.published import paper_cells
from mtnet_tf.reporting.results import (
    EVALUATE_AGAIN,
    dataset_of,
    read_summary,
    require_equal,
    whole_results,
    write_collection,
)
from mtnet_tf.reporting.tables import METRICS, WORD_COLUMNS, markdown, score, word_cells
from mtnet_tf.runs.examples import RECORD
from mtnet_tf.runs.layout import CONFIG, MODEL, SUMMARY, WAVS, result_folder
from mtnet_tf.systems import registry


def read_study(out_dir: pathlib.Path | str) -> dict[str, dict]:
    """Returns {system or control: summary} of the finished evaluations under a folder.

    Args:
        out_dir: holds a run folder a system, or is the run folder of one.

    Raises:
        InputError: there is no evaluation, a config.json names no system, a system is not
            registered, or rows do not compare.
    """
    folders = _result_folders(pathlib.Path(out_dir))
    return _read_all({name: folder / SUMMARY for name, folder in folders.items()}, out_dir)


def _result_folders(out_dir: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns {system or control: the folder of its result}, for the arguments of `read_study`.

    A control is that of the run of its own system; where that has none, of the first run that has
    it, since `experiments.evaluate --controls` scores the controls of MT-Net beside any run.
    """
    runs = _run_folders(out_dir)
    folders = {name: run / result_folder() for name, run in runs.items()}
    for control, (owner, _) in registry.controls().items():
        owner_first = sorted(runs, key=lambda name: name != owner.name)
        places = [runs[name] / result_folder(control) for name in owner_first]
        if scored := [place for place in places if (place / SUMMARY).is_file()]:
            folders[control] = scored[0]
    return folders


def _run_folders(out_dir: pathlib.Path) -> dict[str, pathlib.Path]:
    """Returns {system: its run folder}, for the arguments of `read_study`."""
    if os.path.isfile(config := out_dir / CONFIG):
        system = read_json(config).get("system")
        if not isinstance(system, str):
            raise InputError(
                f"{config} names no system: it is of no run of this version. Name a run folder of"
                " experiments.train, or a folder of such."
            )
        return {system: out_dir}
    found = whole_files(out_dir, f"*/{result_folder() / SUMMARY}")
    return {path.relative_to(out_dir).parts[0]: path.parents[3] for path in found}


def read_committed(folder: pathlib.Path | str) -> dict[str, dict]:
    """Returns {system or control: summary} of a folder with committed results.

    Args:
        folder: the `folder` of `collect`.

    Raises:
        InputError: as `read_study`.
    """
    paths = {path.stem: path for path in whole_files(folder)}
    return _read_all(paths, folder)


def _read_all(paths: dict[str, pathlib.Path], where: pathlib.Path | str) -> dict[str, dict]:
    paths = {name: path for name, path in paths.items() if path.is_file()}
    if not paths:
        raise InputError(
            f"{where} holds no evaluation of the test split. Run experiments.evaluate or"
            " experiments.ablation."
        )
    order = [*systems.names(), *registry.controls()]
    if unknown := sorted(set(paths) - set(order)):
        raise InputError(
            f"{where} holds results of {', '.join(unknown)}, which is no registered system. The"
            f" systems are: {', '.join(systems.names())}. Name the module that registers it with"
            " --system_module."
        )
    study = {name: read_summary(paths[name]) for name in order if name in paths}
    with whole_results(where, "experiments.evaluate", EVALUATE_AGAIN):
        _require_comparable(study, where)
    return study


def _require_comparable(study: dict[str, dict], where: pathlib.Path | str) -> None:
    """Raises InputError unless all rows were scored alike, and the systems trained alike.

    Their footer tells preset, precision and seed once, for all systems. A control is no training.
    """
    rows = f"The rows of {where}"
    for key in ("dataset", "split", "num_pairs"):
        values = {name: summary[key] for name, summary in study.items()}
        require_equal(rows, key, values, "Evaluate them on the same data.")
    trained = {name: s["provenance"] for name, s in study.items() if s["candidate"] == MODEL}
    for key in ("preset", "precision", "seed"):
        values = {name: provenance.get(key) for name, provenance in trained.items()}
        require_equal(rows, key, values, "Move the runs that were trained otherwise away.")


def _rows(study: dict[str, dict]) -> list[systems.System]:
    """Returns all systems of the tables that the study has a row of."""
    tables = {systems.find(name).tables[0] for name in study if name in systems.names()}
    return [s for s in map(systems.find, systems.names()) if tables & set(s.tables)]


def collect(out_dir: pathlib.Path | str, folder: pathlib.Path | str) -> list[str]:
    """Copies the summaries of a study, as `<folder>/<name>.json`, and returns the names.

    Args:
        out_dir: as in `read_study`, which says what is raised.
        folder: receives the files; other .json files in it are removed.
    """
    study = read_study(out_dir)
    write_collection(folder, {f"{name}.json": summary for name, summary in study.items()})
    return list(study)


def _cells(study: dict[str, dict], complete: bool) -> tuple[list[str], list[list[str]]]:
    """Returns the header and the rows of a table as texts.

    Where it is complete, systems that are missing are "not run", and the standard deviations over
    the pairs stand beside the means.
    """
    dataset = dataset_of(next(iter(study.values())))
    header = ["system"]
    for label in METRICS.values():
        header += [f"{label}, paper", f"{label}, ours"]
    header += ["scored", *WORD_COLUMNS]
    labels = {system.name: system.label for system in _rows(study)}
    rows = []
    for name in [*labels, *registry.controls()]:
        published = paper_cells(name, dataset)
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
        cells.append(_counts([metrics[metric] for metric in METRICS]))
        rows.append([*cells, *word_cells([summary])])
    return header, rows


def _counts(metrics: list[dict]) -> str:
    """Returns how many pairs were scored and failed, once where the three metrics agree."""
    texts = [
        f"{m['num_scored']}, {m['num_failed']} failed" if m["num_failed"] else f"{m['num_scored']}"
        for m in metrics
    ]
    return texts[0] if len(set(texts)) == 1 else " / ".join(texts)


def section(study: dict[str, dict], where: pathlib.Path | str) -> str:
    """Returns the table of a study and what a reader needs to judge it.

    Args:
        study: as in `markdown_table`.
        where: it was read from.

    Raises:
        InputError: a summary lacks what is shown, as one of another version may.
    """
    with whole_results(where, "experiments.evaluate", EVALUATE_AGAIN):
        return f"{markdown_table(study)}\n{footer(study)}"


def markdown_table(study: dict[str, dict]) -> str:
    """Returns a study beside the paper's numbers: all systems of its tables, then the controls.

    Args:
        study: {system or control: summary}. Systems that it has no row of are "not run".
    """
    header, rows = _cells(study, complete=True)
    return markdown(header, rows)


def text_table(summaries: list[dict]) -> str:
    """Returns the table of some evaluations for a terminal, with the means alone.

    Args:
        summaries: of systems and controls, all on the same pairs.
    """
    study = {
        s["provenance"]["system"] if s["candidate"] == MODEL else s["candidate"]: s
        for s in summaries
    }
    header, rows = _cells(study, complete=False)
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
        for line in [header, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def controls_note(study: dict[str, dict], others: dict[str, dict[str, dict]]) -> str | None:
    """Returns where the controls of a study are that has none itself.

    Args:
        study: {system or control: summary}.
        others: {name: study}. One of them may have the controls of the same pairs and recordings.

    Returns:
        A sentence, or None where the study has controls.
    """
    controls = registry.controls().keys()
    if study.keys() & controls:
        return None
    pairs = _pairs_scored(study)
    same = [
        name
        for name, other in others.items()
        if _pairs_scored(other) == pairs and other.keys() & controls
    ]
    if same:
        return (
            f"Controls: not scored again; those of {same[0]} are over the same pairs and"
            " recordings."
        )
    return "Controls: none were scored with these pairs, so read the scores beside each other only."


def _pairs_scored(study: dict[str, dict]) -> tuple[str, str, int, str]:
    """Returns what two studies must agree in for the controls of one to stand beside the other."""
    summary = next(iter(study.values()))
    fingerprint = summary["provenance"]["recordings"]["fingerprint"]
    return summary["dataset"], summary["split"], summary["num_pairs"], fingerprint


def _picture(record: pathlib.Path, study: dict[str, dict]) -> str:
    """Returns the picture of some examples under the label of the system that was asked first."""
    with whole_results(record, "experiments.ablation"):
        name = list(read_json(record)["said"])[0]
    label = study[name]["label"] if name in study else name
    text = f"image, true and generated waveform and spectrogram of {label}"
    return f"## Examples of {label}\n\n![{text}](examples.png)\n"


def write_report(out_dir: pathlib.Path | str, report_dir: pathlib.Path | str) -> pathlib.Path:
    """Writes the report of a study: its table, a picture and some sounds.

    Args:
        out_dir: as in `read_study`.
        report_dir: receives report.md and the sounds. Where `studies.examples.write_examples` was
            given it before, the report shows the picture of the examples.

    Returns:
        The path of report.md.

    Raises:
        InputError: as `read_study`, or the record of the examples is broken.
        FileError: the report cannot be written.
    """
    study = read_study(out_dir)
    report_dir = pathlib.Path(report_dir)
    parts = ["# MT-Net: what was measured\n", section(study, out_dir)]
    if (report_dir / RECORD).is_file():
        parts.append(_picture(report_dir / RECORD, study))
    sounds, folders = [], _result_folders(pathlib.Path(out_dir))
    for name in study:
        for wav in sorted((folders[name] / WAVS).glob("*.wav")):
            copy = pathlib.Path(WAVS, name, wav.name)
            with replacing(report_dir / copy) as temporary:
                shutil.copyfile(wav, temporary)
            sounds.append(f"- {study[name]['label']}: [{wav.name}]({copy.as_posix()})\n")
    if sounds:
        parts.append("## Sounds (the first test images)\n\n" + "".join(sounds))
    write_text(report_dir / "report.md", "\n".join(parts))
    return report_dir / "report.md"
