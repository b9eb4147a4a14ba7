"""The listening page: the same pictures, spoken by every row of the tables."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json
from mtnet_tf.reporting.players import document, from_page, link, picture, player, section, told
from mtnet_tf.reporting.results import whole_results
from mtnet_tf.runs.examples import (
    RECORD,
    SPECTROGRAMS,
    TRUE,
    TRUE_LABEL,
    Example,
    datasets_with_examples,
    folder_of,
    image_of,
    sound_of,
)
from mtnet_tf.systems import plan, registry
from mtnet_tf.systems.controls import CEILING

_REMEDY = "Run MT-Net's first seed again."
_TITLE = "Tables 3 and 4, to be heard"
_INTRO = """MT-Net's first seed chose the pictures of each data set by a rule: of three words,
evenly spread over the alphabet, the pair with the median Corr2D of those that it said right
("good"), and of those that it said wrong ("bad"). Below each player stands the word whose recording
the sound is nearest to, and what a speech recogniser heard that was made to choose among the
words."""


def page(folder: pathlib.Path | str) -> str:
    """Returns the page as HTML, with paths relative to the folder above the results.

    Args:
        folder: holds the examples of the data sets, `<data set>_examples`.

    Returns:
        "" where there are none.

    Raises:
        InputError: an examples.json is broken, or a sound is missing.
    """
    folder = pathlib.Path(folder)
    sections = [
        _section(folder_of(folder, dataset), dataset)
        for dataset in plan.in_order(datasets_with_examples(folder))
    ]
    return document(_TITLE, _INTRO, sections) if sections else ""


def _section(folder: pathlib.Path, dataset: str) -> str:
    record = read_json(folder / RECORD)
    with whole_results(folder / RECORD, "experiments.reproduce", _REMEDY):
        examples = [Example(**values) for values in record["chosen"]]
        nearest = {TRUE: [example.word for example in examples]}
        nearest |= {**record["said"], **record["controls"]}
        names = [name for name in _in_order() if name in nearest]
        rows = [
            _row(
                folder,
                place,
                example,
                [(name, nearest[name][place], _heard(record, name, place)) for name in names],
            )
            for place, example in enumerate(examples)
        ]
    shown = section(dataset, ["picture", *map(_label, names)], rows)
    spectrograms = folder / SPECTROGRAMS
    if spectrograms.is_file():
        shown += f"<p>{link(from_page(folder, spectrograms), 'As spectrograms')}</p>\n"
    return shown


def _heard(record: dict, name: str, place: int) -> str | None:
    """Returns the word that the recogniser heard; None where it was not asked."""
    return record["heard"][name][place] if name in record["heard"] else None


def _row(
    folder: pathlib.Path, place: int, example: Example, said: list[tuple[str, str, str | None]]
) -> tuple[str, list[str]]:
    word, number = example.word, place + 1
    cells = []
    for name, nearest, heard in said:
        sound = sound_of(folder, number, example, name)
        if not sound.is_file():
            raise InputError(f"{sound} is missing. {_REMEDY}")
        cell = player(from_page(folder, sound), f"{word}, {_label(name)}")
        cell += told(nearest, word, "silence")
        if heard is not None:
            cell += f"<br>heard: {told(heard, word, 'no word')}"
        cells.append(cell)
    image = from_page(folder, image_of(folder, number))
    return f"{picture(image, word)}<br>({example.kind})", cells


def _in_order() -> Iterator[str]:
    """Yields the recording, the rows of both tables, and the controls but the recording itself."""
    yield TRUE
    yield from dict.fromkeys(row for table in plan.TABLES for row in plan.rows(table))
    yield from (name for name in registry.controls() if name != CEILING.name)


def _label(name: str) -> str:
    return TRUE_LABEL if name == TRUE else plan.label(name)
