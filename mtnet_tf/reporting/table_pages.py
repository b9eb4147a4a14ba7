"""Everything that a folder of cells shows: Tables 3 and 4, their picture, and what is heard.

It lies beside the folder: table3.md, .csv and .tex, table4.*, stability.png and index.html.
"""

from __future__ import annotations

import pathlib

from mtnet_tf.reporting import listening, stability
from mtnet_tf.reporting.paper_table import Row, read_table
from mtnet_tf.reporting.paper_table_pages import csv_page, latex_page, markdown_page
from mtnet_tf.reporting.results import whole_results
from mtnet_tf.systems import plan

LISTENING = "index.html"


def read_tables(folder: pathlib.Path | str) -> dict[str, dict[str, list[Row]]]:
    """Returns {number of a table: what `read_table` returns} of the tables that have cells.

    Args:
        folder: holds the result files of `experiments.reproduce`.

    Raises:
        InputError: as `read_table`.
    """
    tables = {number: read_table(folder, number) for number in plan.TABLES}
    # The cells may be of one table alone.
    return {number: table for number, table in tables.items() if table}


def pages(folder: pathlib.Path | str) -> dict[pathlib.Path, str]:
    """Returns {path: text} of the pages of a folder of cells.

    Args:
        folder: as in `read_tables`.

    Raises:
        InputError: as `read_tables`, or what is heard is broken.
    """
    folder = pathlib.Path(folder).resolve()  # "." has no parent
    found = {}
    for number, table in read_tables(folder).items():
        path = folder.parent / f"table{number}"
        stable = stability.section(table, folder.parent / stability.PICTURE)
        with whole_results(folder, "experiments.reproduce"):
            text = markdown_page(table, number)
            found[path.with_suffix(".md")] = f"{text}\n{stable}" if stable else text
            found[path.with_suffix(".csv")] = csv_page(table)
            found[path.with_suffix(".tex")] = latex_page(table)
    if heard := listening.page(folder):
        found[folder.parent / LISTENING] = heard
    return found


def draw_picture(folder: pathlib.Path | str) -> list[pathlib.Path]:
    """Draws how stable the adversarial trainings were; returns the path, if there are any.

    Args:
        folder: as in `read_tables`.

    Raises:
        InputError: as `read_tables`.
    """
    path = pathlib.Path(folder).resolve().parent / stability.PICTURE
    drawn = stability.draw_stability(read_tables(folder).get("4", {}), path)
    return [path] if drawn else []
