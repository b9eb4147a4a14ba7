"""Reads the result files of Tables 3 and 4 (`experiments.reproduce`): data sets x rows x seeds.

A cell that ended has a file, a cell that failed has one that says why, and a control has one a data
set. What is not there was not run. One folder holds the cells of both tables: MT-Net is in both.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
from collections.abc import Iterable

from mtnet_tf import config as config_lib
from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, whole_files
from mtnet_tf.reporting.results import dataset_of, read_summary, require_equal
from mtnet_tf.runs.layout import FAILED, MODEL
from mtnet_tf.systems import plan, registry

_EVALUATE = "Evaluate them on the same data."
_TRAIN = "Move the cells that were trained otherwise away."


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of a table on a data set: a system, one of `plan.BEYOND`, or a control.

    Attributes:
        dataset: the name of the data set.
        name: of the system, of `plan.BEYOND`, or of the control.
        label: what the table calls it.
        is_control: whether it is no network.
        runs: the summaries by seed; a control has one at most.
        failed: what the cells that failed left, by seed.
    """

    dataset: str
    name: str
    label: str
    is_control: bool = False
    runs: tuple[dict, ...] = ()
    failed: tuple[dict, ...] = ()

    @property
    def num_planned(self) -> int:
        """How many seeds it should have; 0 for a control, which has none."""
        return 0 if self.is_control else plan.num_seeds(self.dataset, self.name)

    @property
    def seeds(self) -> str:
        """How many of its seeds there are, such as "2 of 3, 1 failed"; "" for a control."""
        if self.is_control:
            return ""
        failed = f", {len(self.failed)} failed" if self.failed else ""
        return f"{len(self.runs)} of {self.num_planned}{failed}"

    @property
    def missing(self) -> str:
        """What stands in place of its scores where it has none."""
        return "failed" if self.failed else "not run"


def read_table(folder: pathlib.Path | str, table: str) -> dict[str, list[Row]]:
    """Returns the rows of each data set: the paper's, those of `plan.BEYOND`, the controls.

    Rows that are planned and were not run are there, without runs. Data sets and controls that
    nothing was run of are not.

    Args:
        folder: holds the result files.
        table: one of `plan.TABLES`.

    Raises:
        InputError: there is no result, a file is broken or of no cell of a table, a cell is there
            twice, or cells do not compare.
    """
    runs, failed = _read_files(folder)
    if not runs and not failed:
        raise InputError(f"{folder} holds no result of a table. Run experiments.reproduce.")
    found = {}
    for dataset in plan.in_order(plan.place_of(key)[0] for key in (*runs, *failed)):
        rows = []
        for row in _rows(dataset, table):
            row = dataclasses.replace(
                row,
                runs=_of_row(runs, dataset, row.name),
                failed=_of_row(failed, dataset, row.name),
            )
            if row.runs or row.failed or row.num_planned:
                rows.append(row)
        if any(row.runs or row.failed for row in rows):
            _require_comparable(rows, table)
            found[dataset] = rows
    return found


def of_row(rows: list[Row], name: str) -> Row:
    """Returns a row of a data set, which may have no runs.

    Args:
        rows: of the data set.
        name: of the row, one of a table.
    """
    found = next((row for row in rows if row.name == name), None)
    return found or Row(rows[0].dataset, name, _label(name))


def _rows(dataset: str, table: str) -> list[Row]:
    """Returns the rows that a table may have, without runs."""
    networks = [Row(dataset, name, _label(name)) for name in plan.rows(table)]
    controls = registry.controls(table)
    return networks + [Row(dataset, name, _label(name), is_control=True) for name in controls]


def _label(row: str) -> str:
    beyond = " (beyond the paper)" if row in plan.BEYOND else ""
    return f"{plan.label(row)}{beyond}"


def _read_files(folder: pathlib.Path | str) -> tuple[dict[str, dict], dict[str, dict]]:
    """Returns {cell: summary} and {cell: failure}. A failure that was mended since is none."""
    runs, failed = {}, {}
    for path in whole_files(folder):
        is_failure = path.name.endswith(FAILED)
        record = read_json(path) if is_failure else read_summary(path)
        key = record.get("cell")
        place = plan.place_of(key)
        if place is None or (not is_failure and not _is_of(record, place)):
            raise InputError(
                f"{path} is no result of the cell {key!r} of a table. Move it away, or run the cell"
                " again."
            )
        found = failed if is_failure else runs
        if key in found:
            raise InputError(f"{folder} holds the cell {key} twice. Keep one of its files.")
        found[key] = record
    return runs, {key: record for key, record in failed.items() if key not in runs}


def _is_of(summary: dict, place: tuple[str, str, int | None]) -> bool:
    """Returns whether a summary says itself that it is of the cell that its file names."""
    dataset, row, seed = place
    if dataset_of(summary) != dataset:
        return False
    if seed is None:
        return summary["candidate"] == row
    system, preset, said_seed = map(summary["provenance"].get, ("system", "preset", "seed"))
    beyond = plan.BEYOND.get(row)
    of_row = (system, preset) == ("mtnet", beyond.preset) if beyond else system == row
    return summary["candidate"] == MODEL and of_row and said_seed == seed


def _of_row(found: dict[str, dict], dataset: str, name: str) -> tuple[dict, ...]:
    places = {key: plan.place_of(key) for key in found}
    keys = [key for key, place in places.items() if place[:2] == (dataset, name)]
    return tuple(found[key] for key in sorted(keys, key=lambda key: places[key][2] or 0))


def _require_comparable(rows: list[Row], table: str) -> None:
    """Raises InputError unless all cells of a data set were scored alike, and its rows trained so.

    The rows of the paper differ in their system alone, the seeds of a row in their seed alone. The
    systems of Table 4 have stages of their own, so their steps are no measure.
    """
    where = f"The cells of {rows[0].dataset}"
    cells = [run for row in rows for run in row.runs]
    for name in ("split", "num_pairs"):
        require_equal(where, name, {run["cell"]: run[name] for run in cells}, _EVALUATE)
    fingerprints = {r["cell"]: r["provenance"]["recordings"]["fingerprint"] for r in cells}
    require_equal(where, "the fingerprint of the recordings", fingerprints, _EVALUATE)
    _require_trained_alike(where, cells, ("precision",))
    networks = [row for row in rows if not row.is_control]
    of_paper = [run for row in networks if row.name not in plan.BEYOND for run in row.runs]
    _require_trained_alike(where, of_paper, ("preset", "steps") if table == "3" else ("preset",))
    for row in networks:
        where, names = f"The seeds of {row.label} on {row.dataset}", ("preset", "steps")
        _require_trained_alike(where, row.runs, (*names, "num_parameters"))
        _require_one_recipe(where, row.runs)
    if table == "3":
        _require_ablations(f"The cells of {rows[0].dataset}", of_paper)


def _require_trained_alike(where: str, runs: list[dict] | tuple[dict, ...], names: tuple) -> None:
    for name in names:
        values = {run["cell"]: run["provenance"].get(name) for run in runs}
        require_equal(where, name, values, _TRAIN)


def _require_one_recipe(where: str, runs: tuple[dict, ...]) -> None:
    """Raises InputError unless runs differ in their seed alone; older ones do not say."""
    for (one, first), (other, second) in itertools.pairwise(_configs(runs)):
        _require_same(f"{where} are not comparable: from {one} to {other}", first, second)


def _require_ablations(where: str, runs: list[dict]) -> None:
    """Raises InputError unless rows of Table 3 are the ablations of one MT-Net."""
    said = _configs(runs)
    base = next(((cell, config) for cell, config in said if config.system == "mtnet"), None)
    if base is None:
        return
    for cell, config in said:
        expected = registry.configure(config.system, base[1])
        beginning = f"{where} are not comparable: {cell} is no ablation of {base[0]}:"
        _require_same(beginning, expected, config)


def _configs(runs: Iterable[dict]) -> list[tuple[str, config_lib.Config]]:
    """Returns [(cell, configuration)] of the runs that say theirs."""
    return [
        (run["cell"], config_lib.from_json(json.dumps(run["config"])))
        for run in runs
        if "config" in run
    ]


def _require_same(beginning: str, first: config_lib.Config, second: config_lib.Config) -> None:
    """Raises InputError where two configurations differ in more than their seed."""
    found = config_lib.differences(first, second)
    if changed := [line for line in found if not line.startswith("training.seed:")]:
        raise InputError(f"{beginning} {'; '.join(changed)}. {_TRAIN}")
