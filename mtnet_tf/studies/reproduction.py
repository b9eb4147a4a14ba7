"""The cells of the paper's tables: data sets x rows x seeds, each trained and scored by itself.

A cell leaves one result file as soon as it is scored. Several processes or machines can each do
some of the cells. Those of one data set share the stage 1 of a seed and the examples of Figure 5.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
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
from mtnet_tf.runs.layout import CONFIG, FAILED
from mtnet_tf.runs.provenance import environment
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.examples import add_controls, add_system, write_examples
from mtnet_tf.studies.results import is_made
from mtnet_tf.systems import find
from mtnet_tf.systems.controls import Control, installed
from mtnet_tf.systems.plan import BEYOND, TABLES, Cell, rows
from mtnet_tf.systems.train import train

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
        return self.result(cell).with_suffix(FAILED)

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
        keep: as in `systems.train.train`.
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
        # Of no other network than the result's, such as one that is trained again.
        if can_be_added and not _holds_network(places.run(cell), places.result(cell)):
            names, run = ", ".join(can_be_added), places.run(cell).path
            _logger.warning("%s: without %s, for its network is not in %s.", cell.key, names, run)
            return False
        return bool(can_be_added)

    todo = [cell for cell in cells if is_to_do(cell)]
    with _DataSets(open_data_set, num_processes, metrics, recognizers) as data_sets:
        for place, cell in enumerate(todo, len(cells) - len(todo) + 1):
            if not is_to_do(cell):
                _logger.info("%s: another process has done it.", cell.key)
                continue
            _logger.info(
                "cell %d of %d: %s  %s", place, len(cells), cell.key, _time_left(todo, places)
            )
            with _failures(cell, places, device):
                config, loaded = data_sets.load(cell.dataset, config_of(cell))
                is_scored = places.result(cell).is_file()
                wanted = places.missing_controls(cell) if is_scored else _controls(cell)
                controls = [control for control in wanted if control not in absent]
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


def _holds_network(run: RunFolder, result: pathlib.Path) -> bool:
    """Returns whether a run folder has the network that a cell's result is of."""
    if not run.is_finished():
        return False
    made, record = read_json(result)["provenance"], run.environment()
    # Older results have no fingerprint.
    fingerprint = made.get("network_fingerprint") or run.network_fingerprint()
    same_training = made["training_seconds"] == record["training_seconds"]
    return same_training and fingerprint == run.network_fingerprint()


@dataclasses.dataclass(frozen=True)
class _Loaded:
    """A data set in memory, and what scores on it."""

    config: DataConfig
    data: AudioDescriptions
    path: str
    pool: ScoringPool
    recognizer: WordRecognizer | None


class _DataSets(contextlib.ExitStack):
    """Keeps one data set in memory: that of the last cell."""

    def __init__(
        self,
        open_data_set: Callable[[str], PreparedDataSet],
        num_processes: int,
        metrics: Sequence[str],
        recognizers: Mapping[str, WordRecognizer | None],
    ) -> None:
        super().__init__()
        self._open, self._recognizers = open_data_set, recognizers
        self._make_pool = functools.partial(
            ScoringPool, num_processes=num_processes, metrics=metrics
        )
        self._name = self._dataset = self._loaded = None

    def load(self, name: str, config: Config) -> tuple[Config, _Loaded]:
        """Returns a configuration with the shapes of a data set, and the data set itself."""
        if name != self._name:
            self._forget()
            self._dataset, self._name = self._open(name), name
        config = loading.fit_config(config, self._dataset)
        # Presets may hold out different pairs for validation.
        if self._loaded is None or self._loaded.config != config.data:
            self._forget()
            data = loading.load(self._dataset, config.data)
            pool = self.enter_context(self._make_pool(data.recordings.float_waveforms()))
            path, recognizer = str(self._dataset.path), self._recognizers[name]
            self._loaded = _Loaded(config.data, data, path, pool, recognizer)
        return config, self._loaded

    def _forget(self) -> None:
        """Lets go of what is loaded, before more is."""
        self._loaded = None
        self.close()


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
    """Trains and scores a cell, or scores the controls that a scored one lacks."""
    run, is_scored = places.run(cell), places.result(cell).is_file()
    train(
        config,
        loaded.data,
        run,
        device,
        shared=run.neighbours(),
        keep=keep,
        data_path=loaded.path,
    )
    if not is_scored:  # What an earlier network of the cell left would pass for this one's.
        for control in _controls(cell):
            places.control(cell.dataset, control.name).unlink(missing_ok=True)
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
                if is_scored:
                    _show_controls(cell, places, loaded.data, controls)
                else:
                    _show(cell, places, loaded.data)
            except InputError as error:  # The scores do not need the examples.
                _logger.error("%s has no examples: %s", cell.key, error)
        # Last: a cell is done when its result is there.
        if not is_scored:
            written = {"cell": cell.key, "config": dataclasses.asdict(config)}
            write_json(places.result(cell), {**written, **own, "looks": run.validations()})
    places.failure(cell).unlink(missing_ok=True)


def _controls(cell: Cell) -> tuple[Control, ...]:
    """Returns the controls that are scored beside a cell: those of a system, once."""
    return find(cell.row).controls if cell.seed == 0 and cell.row not in BEYOND else ()


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
        if speaker.row != "mtnet":  # which has said them
            add_system(places.run(speaker), data, folder, speaker.row)
        missing = places.missing_controls(speaker)
        scored = [control for control in _controls(speaker) if control not in missing]
        _show_controls(speaker, places, data, scored)


def _show_controls(
    cell: Cell, places: Places, data: AudioDescriptions, controls: Sequence[Control]
) -> None:
    """Adds controls of a cell to the examples of its data set, if there are any."""
    folder = places.examples(cell.dataset)
    if controls and (folder / RECORD).is_file():
        add_controls(places.run(cell), data, folder, controls)


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
