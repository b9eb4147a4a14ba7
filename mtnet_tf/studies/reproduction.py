"""The cells of the paper's tables: data sets x rows x seeds, each trained and scored by itself.

A cell leaves one result file as soon as it is scored. Several processes or machines can each do
some of the cells. Those of one data set share the stage 1 of a seed and the examples of Figure 5.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import logging
import pathlib
import statistics
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import keras

from mtnet_tf.config import Config, DataConfig
from mtnet_tf.data import loading
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.data.prepared import PreparedDataSet
from mtnet_tf.errors import InputError, Interrupted
from mtnet_tf.evaluation.run import evaluate_run
from mtnet_tf.files import FileError, InUseError, locked, read_json, whole_files, write_json
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.metrics.word_accuracy import WordRecognizer
from mtnet_tf.runs.examples import RECORD, folder_of
from mtnet_tf.runs.layout import CONFIG
from mtnet_tf.runs.provenance import environment
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.examples import add_controls, add_system, write_examples
from mtnet_tf.studies.results import is_made
from mtnet_tf.systems import find
from mtnet_tf.systems.controls import Control, installed
from mtnet_tf.systems.plan import TABLES, TUNED, Cell, rows
from mtnet_tf.systems.trained import train

_logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Places:
    """Where the run folders and the result files of a table are.

    Attributes:
        runs: a run folder a cell, `<data set>/<row>_seed<seed>`.
        results: a file a cell, `<data set>_<row>_seed<seed>.json`, and a file a control.
    """

    runs: pathlib.Path
    results: pathlib.Path

    def run(self, cell: Cell) -> RunFolder:
        """Returns the run folder of a cell."""
        return RunFolder(self.runs / cell.dataset / f"{cell.row}_seed{cell.seed}")

    def result(self, cell: Cell) -> pathlib.Path:
        """Returns the result file of a cell."""
        return self.results / f"{cell.dataset}_{cell.row}_seed{cell.seed}.json"

    def failure(self, cell: Cell) -> pathlib.Path:
        """Returns the file that says why a cell failed."""
        return self.result(cell).with_suffix(".failed.json")

    def control(self, dataset: str, name: str) -> pathlib.Path:
        """Returns the result file of a control."""
        return self.results / f"{dataset}_{name}.json"

    def examples(self, dataset: str) -> pathlib.Path:
        """Returns the folder of the examples that Figure 5 shows."""
        return folder_of(self.results, dataset)

    def missing_controls(self, cell: Cell) -> list[Control]:
        """Returns the controls of a cell that have no result file."""
        return [c for c in _controls(cell) if not self.control(cell.dataset, c.name).is_file()]

    def state(self, cell: Cell) -> Literal["done", "failed", "begun", "not run"]:
        """Returns how far a cell and its controls are."""
        if self.result(cell).is_file() and not self.missing_controls(cell):
            return "done"
        if self.failure(cell).is_file():
            return "failed"
        begun = self.result(cell).is_file() or (self.run(cell) / CONFIG).is_file()
        return "begun" if begun else "not run"


def run_cells(
    cells: Sequence[Cell],
    places: Places,
    config_of: Callable[[Cell], Config],
    open_data_set: Callable[[str], PreparedDataSet],
    *,
    device: Literal["cpu", "gpu"],
    num_processes: int,
    metrics: Sequence[str],
    fingerprints: Mapping[str, str],
    recognizers: Mapping[str, WordRecognizer | None],
    keep: Literal["all", "model"],
    num_pairs: int,
) -> None:
    """Trains and scores the cells that are not done, in their order.

    A cell that fails leaves a file that says why, and the next one is begun. A cell that another
    process is at, or has done meanwhile, is left to it. The first seed of a system scores its
    controls too. One whose voice is not installed is left out; once it is, the same call adds it,
    where the run folder is still there.
    The first seed of MT-Net chooses examples, and those of the other rows say them as well
    (Figure 5).

    Args:
        cells: what is asked for.
        places: of the run folders and the results.
        config_of: cell -> its configuration, without the shapes of its data set.
        open_data_set: a data set's name -> the prepared data set.
        device: for the record.
        num_processes: of the metrics.
        metrics: what is scored.
        fingerprints: a data set's name -> that of the recordings.
        recognizers: a data set's name -> what hears its words, or None for no word accuracy.
        keep: as in `training.train.train_system`.
        num_pairs: as in `evaluation.run.evaluate_run`.

    Raises:
        Interrupted: after SIGINT or SIGTERM; the same call goes on.
        InputError: a cell is done, but with another configuration, other recordings or another
            number of pairs, or without a metric or the word accuracy that is asked for.
    """
    missing = dict.fromkeys(c for cell in cells for c in places.missing_controls(cell))
    absent = set(missing) - set(installed(missing))

    def is_to_do(cell: Cell) -> bool:
        asked = _Asked(fingerprints[cell.dataset], metrics, recognizers[cell.dataset], num_pairs)
        if not _is_done(cell, places, config_of(cell), asked):
            return True
        can_be_added = [c.label for c in places.missing_controls(cell) if c not in absent]
        # Not trained again for them: that would be another network than the result's.
        if can_be_added and not places.run(cell).is_finished():
            names, run = ", ".join(can_be_added), places.run(cell).path
            _logger.warning("%s: without %s, for %s is gone.", cell.key, names, run)
            return False
        return bool(can_be_added)

    todo = [cell for cell in cells if is_to_do(cell)]
    place = len(cells) - len(todo)
    for dataset_name, group in itertools.groupby(todo, lambda cell: cell.dataset):
        dataset = loaded = None
        with contextlib.ExitStack() as stack:
            for cell in group:
                place += 1
                if not is_to_do(cell):
                    _logger.info("%s: another process has done it.", cell.key)
                    continue
                _logger.info(
                    "cell %d of %d: %s  %s", place, len(cells), cell.key, _time_left(todo, places)
                )
                with _failures(cell, places, device):
                    dataset = dataset or open_data_set(dataset_name)
                    config = loading.fit_config(config_of(cell), dataset)
                    # Presets may hold out different pairs for validation.
                    if loaded is None or loaded.config != config.data:
                        loaded = None
                        stack.close()
                        data = loading.load(dataset, config.data)
                        references = data.recordings.float_waveforms()
                        pool = stack.enter_context(ScoringPool(references, num_processes, metrics))
                        recognizer = recognizers[dataset_name]
                        loaded = _Loaded(config.data, data, str(dataset.path), pool, recognizer)
                    controls = [c for c in _controls(cell) if c not in absent]
                    _run_cell(cell, places, config, loaded, controls, device, keep, num_pairs)
                keras.backend.clear_session()


@dataclasses.dataclass(frozen=True)
class _Asked:
    """What a cell's result must be of and hold; None for no word accuracy, 0 for all pairs."""

    fingerprint: str
    metrics: Sequence[str]
    recognizer: WordRecognizer | None
    num_pairs: int


def _is_done(cell: Cell, places: Places, config: Config, asked: _Asked) -> bool:
    """Returns whether a cell has its result. Raises InputError if that is not what is asked for."""
    path = places.result(cell)
    if not is_made(path, {}, config):
        return False
    result, others = read_json(path), []
    if result["provenance"]["recordings"]["fingerprint"] != asked.fingerprint:
        others.append("it is of other recordings")
    scored, size = result["num_pairs"], result["split_size"]
    if scored != (num_pairs := min(asked.num_pairs or size, size)):
        others.append(f"it has {scored:,} pairs and not {num_pairs:,}")
    if lacking := [metric for metric in asked.metrics if metric not in result["metrics"]]:
        others.append(f"it has no {', '.join(lacking)}")
    if asked.recognizer is not None and result.get("word_accuracy") is None:
        others.append("it has no word accuracy")
    if others:
        raise InputError(
            f"{path} is not what is asked for: {' and '.join(others)}. Leave {cell.key} out, give"
            " another --results, or delete the file, so that its run is scored anew."
        )
    return True


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """A data set in memory, and what scores on it."""

    config: DataConfig
    data: AudioDescriptions
    path: str
    pool: ScoringPool
    recognizer: WordRecognizer | None


@contextlib.contextmanager
def _failures(cell: Cell, places: Places, device: str) -> Iterator[None]:
    """Writes down why a cell failed, so that the next one can be begun."""
    try:
        yield
    except Interrupted:
        raise
    except InUseError:
        _logger.info("%s: another process is at it.", cell.key)
    except Exception as error:
        # Whatever a training may raise: the others are worth having.
        _logger.error("%s failed: %s", cell.key, error)
        if not isinstance(error, InputError):
            _logger.error("%s", traceback.format_exc())
        failure = {"cell": cell.key, "error": str(error) or type(error).__name__}
        write_json(places.failure(cell), {**failure, **environment(device)})


def _run_cell(
    cell: Cell,
    places: Places,
    config: Config,
    loaded: _Loaded,
    controls: Sequence[Control],
    device: Literal["cpu", "gpu"],
    keep: Literal["all", "model"],
    num_pairs: int,
) -> None:
    run = places.run(cell)
    train(
        config,
        loaded.data,
        run,
        device,
        shared=run.neighbours(),
        keep=keep,
        data_path=loaded.path,
    )
    own, *others = evaluate_run(
        run,
        loaded.data,
        loaded.pool,
        split="test",
        device=device,
        controls=controls,
        recognizer=loaded.recognizer,
        num_pairs=num_pairs,
    )
    for other in others:
        key = f"{cell.dataset}/{other['candidate']}"
        write_json(places.control(cell.dataset, other["candidate"]), {"cell": key, **other})
    # Of two cells that end together, one must see the other's result or its examples.
    with locked(run.path.parent, wait=True):
        if cell.seed == 0:
            try:
                _show(cell, places, loaded.data)
            except InputError as error:  # The scores do not need the examples.
                _logger.error("%s has no examples: %s", cell.key, error)
        # Last: a cell is done when its result is there.
        written = {"cell": cell.key, "config": dataclasses.asdict(config)}
        write_json(places.result(cell), {**written, **own, "looks": run.looks()})
    places.failure(cell).unlink(missing_ok=True)


def _controls(cell: Cell) -> tuple[Control, ...]:
    """Returns the controls that are scored beside a cell: those of a system, once."""
    return find(cell.row).controls if cell.seed == 0 and cell.row != TUNED else ()


def _show(cell: Cell, places: Places, data: AudioDescriptions) -> None:
    """Adds a cell and its controls to the examples of its data set, which MT-Net chooses."""
    folder, speakers = places.examples(cell.dataset), [cell]
    if cell.row == "mtnet":
        write_examples(places.run(cell), data, folder)
        others = dict.fromkeys(row for table in TABLES for row in rows(table) if row != cell.row)
        for other in (dataclasses.replace(cell, row=row) for row in others):
            if places.result(other).is_file() and places.run(other).is_finished():
                speakers.append(other)
    if not (folder / RECORD).is_file():  # MT-Net has not chosen yet, or there is nothing to choose
        return
    for speaker in speakers:
        run = places.run(speaker)
        if speaker.row != "mtnet":  # which has said them
            add_system(run, data, folder, speaker.row)
        missing = places.missing_controls(speaker)
        if scored := [control for control in _controls(speaker) if control not in missing]:
            add_controls(run, data, folder, scored)


def _time_left(todo: Sequence[Cell], places: Places) -> str:
    """Returns how long the cells that are left will take, by what those that are done took."""
    seconds = dict(filter(None, map(_seconds, whole_files(places.results, "*_seed*.json"))))
    left = [cell for cell in todo if cell.key not in seconds]
    known = {}
    for key, taken in seconds.items():
        known.setdefault(key.partition("/")[0], []).append(taken)
    if not known:
        return "time left: known after the first cell"
    everything = [taken for of_dataset in known.values() for taken in of_dataset]
    total = sum(statistics.fmean(known.get(cell.dataset, everything)) for cell in left)
    return f"time left: {int(total // 3600)}:{int(total % 3600 // 60):02d} h"


def _seconds(path: pathlib.Path) -> tuple[str, float] | None:
    """Returns a cell's key and how long its training and scoring took; None where not known."""
    try:
        result = read_json(path)
        provenance = result["provenance"]
        return result["cell"], provenance["training_seconds"] + provenance["seconds"]
    except (FileError, LookupError, TypeError):
        return None
