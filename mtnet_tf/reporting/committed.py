"""The tables that the source checkout shows, made of the result files that it holds."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from mtnet_tf.errors import InputError
from mtnet_tf.reporting import (
    curves,
    exports,
    images_of_sounds,
    model_card,
    paper_table,
    readings,
    recipe,
    seeds,
    table_pages,
    voices,
)
from mtnet_tf.reporting.footers import network_size
from mtnet_tf.reporting.published import paper_cells
from mtnet_tf.reporting.results import dataset_of, recordings_of
from mtnet_tf.reporting.study import controls_note, read_committed, section
from mtnet_tf.reporting.tables import (
    METRICS,
    WORD_COLUMNS,
    bullets,
    markdown,
    spread_cells,
)
from mtnet_tf.runs.layout import MODEL
from mtnet_tf.systems import plan

BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
# It has a folder for each study of experiments.ablation, and these.
RESULTS = "experiments/results"
TABLES = f"{RESULTS}/tables"
SEEDS = f"{RESULTS}/seeds"
CURVES = f"{RESULTS}/curves"
PRETRAINED = f"{RESULTS}/pretrained"  # a folder a network
# {folder: title} of the studies of experiments.voices. Each has a page to be heard.
_VOICES = {
    f"{RESULTS}/voices": "One network, the voices of six people, MNIST AD",
    f"{RESULTS}/synthetic_voices": "One network, three synthetic voices, MNIST AD",
    f"{RESULTS}/cifar10_voices": "One network, three synthetic voices, CIFAR10 AD",
}
# {folder: (title, folder -> text)}
_SECTIONS = {
    SEEDS: ("Seeds", seeds.section),
    f"{RESULTS}/recipe": ("The recipe, on the validation split", recipe.section),
    f"{RESULTS}/cmcgan": ("The recipe of CMCGAN, on the validation split", recipe.section),
    f"{RESULTS}/dcmavg": ("The recipe of DCMAVG, on the validation split", recipe.section),
    f"{RESULTS}/i2t2a": ("The recipe of I2T2A, on the validation split", recipe.section),
    f"{RESULTS}/open_points": ("Open points, on the validation split", recipe.section),
    f"{RESULTS}/voices_recipe": ("How voices are learned, on the validation split", recipe.section),
    f"{RESULTS}/many_voices": (
        "Six speakers, fifty takes of a word by each, on the validation split",
        recipe.section,
    ),
    f"{RESULTS}/takes": ("Many takes of a word, on the validation split", recipe.section),
    f"{RESULTS}/takes_as_voices": (
        "Each take of a speaker as a voice of its own, on the validation split",
        recipe.section,
    ),
    **{folder: (title, voices.section) for folder, title in _VOICES.items()},
    CURVES: ("Accuracy and scores over the time of a training", curves.section),
    f"{RESULTS}/readings": ("Readings of the optimiser", readings.section),
    f"{RESULTS}/exports": (
        "Exported forms of the digits' network that ships with the package",
        exports.section,
    ),
    f"{RESULTS}/images_of_sounds": (
        "Images of sounds, the other half of DCMAVG",
        images_of_sounds.section,
    ),
}
# What README.md shows of a table: the network of the paper, what is beyond it, what knows nothing
# of the picture, and what beats them all.
_TELLING = ("mtnet", *plan.BEYOND, "mean_waveform", "classifier_and_recording")


def study_folder(root: pathlib.Path | str, name: str) -> pathlib.Path:
    """Returns the folder of a study's results, which a collection takes the place of.

    Args:
        root: the source checkout.
        name: of the folder.

    Raises:
        InputError: the name is that of other results, or of no folder of `RESULTS`.
    """
    folder = pathlib.Path(root) / RESULTS / name
    if name in ("", ".", "..") or pathlib.Path(name).name != name or folder in _others(root):
        raise InputError(
            f"--name must be a folder of a study in {RESULTS}, for what is collected takes its"
            f" place. Received: {name!r}."
        )
    return folder


def _others(root: pathlib.Path | str) -> list[pathlib.Path]:
    """Returns the folders whose results are no study's."""
    return [pathlib.Path(root) / name for name in (TABLES, PRETRAINED, *_SECTIONS)]


def generated_files(root: pathlib.Path | str) -> dict[pathlib.Path, str]:
    """Returns what the files with committed tables should hold.

    They are experiments/results/README.md, with all tables; README.md, with the most telling rows
    between its two marks; and, where there are results of them, Tables 3 and 4 as .md, .csv and
    .tex, index.html, on which they can be heard, and the model cards.

    Args:
        root: the source checkout.

    Returns:
        {path: text}.

    Raises:
        InputError: `root` is no checkout, a result file is broken, or README.md has no marks.
    """
    root = pathlib.Path(root)
    if not (root / "README.md").is_file():
        raise InputError(
            f"The committed tables are part of the source checkout, and {root} is none. Run it in"
            " the checkout."
        )
    folders = sorted(path for path in (root / RESULTS).iterdir() if path.is_dir())
    others = _others(root)
    studies = {folder.name: read_committed(folder) for folder in folders if folder not in others}
    tables, pages = {}, {}
    if root / TABLES in folders:
        tables = table_pages.read_tables(root / TABLES)
        pages = table_pages.pages(root / TABLES)
    parts = ["# Committed results\n\nGenerated by `python -m experiments.report`; do not edit.\n"]
    if tables:
        heard = table_pages.LISTENING
        parts.append(f"\nThe tables, to be heard: [{heard}]({heard})\n")
    for results in sorted((root / PRETRAINED).glob("*")):
        card = f"../../mtnet_tf/pretrained/{results.name}/README.md"
        parts.append(f"\nA network that ships with the package: [{results.name}]({card})\n")
    for number in tables:
        parts.append(
            f"\nTable {number} over data sets and seeds: [table{number}.md](table{number}.md)\n"
        )
    for name, study in studies.items():
        note = controls_note(study, studies)
        lines = section(study, root / RESULTS / name) + (bullets([note]) if note else "")
        parts.append(f"\n## {name}\n\n{lines}")
    for name, (title, section_of) in _SECTIONS.items():
        if root / name in folders:
            parts.append(f"\n## {title}\n\n{section_of(root / name)}")
    readme = root / "README.md"
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{readme} has no {BEGIN} ... {END}.")
    short = _short_table(tables.get("3", {}), studies) or "No results are committed yet.\n"
    for results in sorted((root / PRETRAINED).glob("*")):
        shipped = root / "mtnet_tf/pretrained" / results.name
        pages[shipped / "README.md"] = model_card.card(results, shipped)
    for name, title in _VOICES.items():
        if heard := voices.page(root / name, title):
            pages[root / RESULTS / voices.name_of_page(name)] = heard
    return {
        root / RESULTS / "README.md": "".join(parts),
        readme: f"{before}{BEGIN}\n{short}{END}{after}",
        **pages,
    }


def draw_pictures(root: pathlib.Path | str) -> list[pathlib.Path]:
    """Draws the pictures of the committed results that there are, and returns their paths.

    Args:
        root: the source checkout.

    Raises:
        InputError: a result file is broken.
    """
    root, drawn = pathlib.Path(root), []
    if (root / CURVES).is_dir():
        drawn.append(root / RESULTS / curves.PICTURE)
        curves.draw_curves(root / CURVES, drawn[-1])
    if (root / TABLES).is_dir():
        drawn += table_pages.draw_picture(root / TABLES)
    return drawn


def stale_files(root: pathlib.Path | str) -> list[pathlib.Path]:
    """Returns the files that do not hold what `generated_files` says.

    Args:
        root: the source checkout.

    Raises:
        InputError: as `generated_files`.
    """
    return [
        path
        for path, text in generated_files(root).items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def _short_table(
    table: dict[str, list[paper_table.Row]], studies: dict[str, dict[str, dict]]
) -> str:
    """Returns the most telling rows of Table 3, then those of each study.

    A study stands there only where Table 3 has no run of MT-Net with its data set and recordings.
    The paper's means stand there once for each data set that the paper has. A list below says where
    the controls of a study are that has none.

    Returns:
        Markdown; "" where there is no row.
    """
    rows, notes, of_table3 = [], [], set()
    for dataset, found in table.items():
        telling = [row for row in found if row.name in _TELLING and row.runs]
        for row in sorted(telling, key=lambda row: _TELLING.index(row.name)):
            seeds_of = f", {row.seeds} seeds" if row.seeds else ""
            rows.append(_short_row(f"Table 3, {dataset}: {row.label}{seeds_of}", row.runs))
            if row.name == "mtnet":
                of_table3.add(recordings_of(row.runs[0]))
        rows += _paper_row(dataset, rows)
    for folder, study in studies.items():
        first = next(iter(study.values()))
        if recordings_of(first) in of_table3:
            continue
        for name in _TELLING:
            if name in study:
                rows.append(_short_row(f"{folder}: {study[name]['label']}", [study[name]]))
        if note := controls_note(study, studies):
            notes.append(f"{folder}: {note}")
        rows += _paper_row(dataset_of(first), rows)
    if not rows:
        return ""
    header = ["run", "preset, parameters, epochs", *METRICS.values(), *WORD_COLUMNS]
    text = markdown(header, rows)
    return f"{text}\n{bullets(notes)}" if notes else text


def _short_row(label: str, runs: Sequence[dict]) -> list[str]:
    """Returns the cells of runs that differ in their seed alone."""
    size = network_size(runs[0]) if runs[0]["candidate"] == MODEL else ""
    return [label, size, *spread_cells(runs)]


def _paper_row(dataset: str, rows: list[list[str]]) -> list[list[str]]:
    """Returns the row of the paper's MT-Net; none where the paper has none, or it is there."""
    published = paper_cells("mtnet", dataset)
    row = [f"*the paper's MT-Net, {dataset}*", "full width, not pooled; epochs not given"]
    row += [*published, "", "", ""]
    return [row] if any(published) and row not in rows else []
