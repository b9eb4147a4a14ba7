"""The cells of a table: what they are trained on, and which are to do."""

import dataclasses
import types

import pytest

import data_builders
from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.data.prepared import open_prepared
from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, write_json, write_text
from mtnet_tf.runs.examples import RECORD
from mtnet_tf.runs.layout import ENVIRONMENT, LOG, NETWORK
from mtnet_tf.speech import SpeechError
from mtnet_tf.studies import reproduction
from mtnet_tf.systems import speech_controls
from mtnet_tf.systems.plan import Cell


def test_the_time_left_is_not_told_by_what_a_killed_process_left(tmp_path):
    cell, places = Cell("mnist_ad", "mtnet", 0), reproduction.Places(tmp_path, tmp_path)
    other = Cell("mnist_ad", "mtnet", 1)
    path, seconds = places.result(other), {"training_seconds": 3000.0, "seconds": 600.0}
    taken = {"cell": other.key, "provenance": seconds}
    write_json(path.with_name(f".4711_{path.name}"), taken)
    assert "known after the first cell" in reproduction._time_left([cell], places)
    write_json(path, taken)
    assert reproduction._time_left([cell], places) == "time left: 1:00 h"


def test_each_cell_has_the_validation_part_of_its_own_configuration(
    data_dir, tmp_path, monkeypatch
):
    fractions = {"mtnet": 0.1, "no_holes": 0.1, "tuned": 0.0, "gen_only": 0.2}
    found, opened = {}, []

    def note(cell, places, config, loaded, *_):
        assert config.data == loaded.config
        found[cell.row] = len(loaded.data.validation) / 1437, loaded

    def config_of(cell):
        change = f"data.validation_fraction={fractions[cell.row]}"
        return config_lib.override(preset("tiny"), [change])

    def open_data_set(name):
        opened.append(name)
        return open_prepared(data_builders.open_builder(name, data_dir=data_dir).data_path)

    monkeypatch.setattr(reproduction, "_run_cell", note)
    places = reproduction.Places(tmp_path / "runs", tmp_path / "results")
    reproduction.run_cells(
        [Cell("digits_ad", row, 0) for row in fractions], places, config_of, open_data_set,
        device="cpu", num_processes=1, metrics=["corr2d"], fingerprints={"digits_ad": "f"},
        recognizers={"digits_ad": None}, keep="model", num_pairs=0,
    )  # fmt: skip
    for row, fraction in fractions.items():
        assert found[row][0] == pytest.approx(fraction, abs=1e-3)
    assert found["mtnet"][1] is found["no_holes"][1]  # read once
    assert opened == ["digits_ad"]
    assert not list(tmp_path.rglob("*.failed.json"))


SCORED = {
    "num_pairs": 360, "split_size": 360, "word_accuracy": None, "metrics": {"corr2d": {}},
    "provenance": {"recordings": {"fingerprint": "f"}, "training_seconds": 1.0},
}  # fmt: skip


def finish(run, seconds=1.0):
    """Makes a run folder that looks like one whose training has ended."""
    record = {"command": "c", "hardware": "h", "recordings_fingerprint": "f", "steps": 1}
    write_json(run / ENVIRONMENT, {**record, "training_seconds": seconds})
    (run / NETWORK).touch()


@pytest.fixture
def table(data_dir, tmp_path, monkeypatch):
    """Runs cells of digits_ad without training, and returns the (row, seed) that were run."""
    places = reproduction.Places(tmp_path / "runs", tmp_path / "results")
    places.results.mkdir()
    ran = []

    def open_data_set(name):
        return open_prepared(data_builders.open_builder(name, data_dir=data_dir).data_path)

    def write(cell, places, config, loaded, controls, *_):
        ran.append((cell.row, cell.seed))
        written = [places.control(cell.dataset, control.name) for control in controls]
        result = {**SCORED, "config": dataclasses.asdict(config)}
        write_json(places.result(cell), result)
        for path in written:
            path.write_text("{}")
        finish(places.run(cell))

    def run(
        *cells, overrides=(), num_pairs=0, recognizer=None, metrics=("corr2d",), fingerprint="f"
    ):
        ran.clear()
        config = config_lib.override(preset("tiny"), overrides)
        reproduction.run_cells(
            [Cell("digits_ad", *cell) for cell in cells], places, lambda cell: config,
            open_data_set, device="cpu", num_processes=1, metrics=metrics,
            fingerprints={"digits_ad": fingerprint}, recognizers={"digits_ad": recognizer},
            keep="model", num_pairs=num_pairs,
        )  # fmt: skip
        return list(ran)

    monkeypatch.setattr(reproduction, "_run_cell", write)
    return types.SimpleNamespace(run=run, places=places, write=write)


def test_a_control_without_its_engine_is_told_once_and_made_later(table, monkeypatch, caplog):
    def missing():
        raise SpeechError("espeak-ng is not installed")

    first, second = (Cell("digits_ad", "i2t2a", seed) for seed in (0, 1))
    both, places = [("i2t2a", 0), ("i2t2a", 1)], table.places
    monkeypatch.setattr(speech_controls, "Piper", lambda **_: None)
    monkeypatch.setattr(speech_controls, "EspeakNg", missing)
    assert table.run(*both) == both
    assert caplog.text.count("eSpeak NG' is left out: espeak-ng is not installed") == 1
    assert places.result(first).is_file()
    assert places.control("digits_ad", "i2t2a_own_speed").is_file()
    assert (places.state(first), places.state(second)) == ("begun", "done")
    assert table.run(*both) == []  # nothing can be added yet
    monkeypatch.setattr(speech_controls, "EspeakNg", lambda: None)
    assert table.run(*both) == [("i2t2a", 0)]
    assert places.state(first) == "done" and table.run(*both) == []
    places.control("digits_ad", "i2t2a_own_speed").unlink()
    assert table.run(*both) == [("i2t2a", 0)]


def test_a_cell_whose_run_is_gone_is_not_trained_again_for_a_control(table, caplog):
    cell, places = Cell("digits_ad", "dcmavg", 0), table.places
    assert table.run(("dcmavg", 0)) == [("dcmavg", 0)]
    places.control("digits_ad", "griffin_lim").unlink()
    (places.run(cell) / NETWORK).unlink()
    assert table.run(("dcmavg", 0)) == []
    finish(places.run(cell), seconds=2.0)  # trained again meanwhile: another network
    assert table.run(("dcmavg", 0)) == []
    told = "without true spectrogram + Griffin-Lim, for its network is not in"
    assert caplog.text.count(f"{told} {places.run(cell).path}") == 2
    finish(places.run(cell))
    assert table.run(("dcmavg", 0)) == [("dcmavg", 0)]


def test_a_cell_that_another_process_has_done_meanwhile_is_left_to_it(table, monkeypatch, caplog):
    def write_both(cell, places, *arguments):
        table.write(cell, places, *arguments)
        write_json(places.result(dataclasses.replace(cell, row="gen_rep")), SCORED)

    monkeypatch.setattr(reproduction, "_run_cell", write_both)
    with caplog.at_level("INFO"):
        assert table.run(("no_holes", 0), ("gen_rep", 0)) == [("no_holes", 0)]
    assert "digits_ad/gen_rep/0: another process has done it." in caplog.text


@pytest.mark.parametrize(
    "asked, difference",
    [
        (
            {"overrides": ["training.joint.epochs=1"]},
            "other flags: training.joint.epochs: 8.* -> 1",
        ),
        ({"overrides": ["data.validation_fraction=0.2"]}, "data.validation_fraction: 0.1 -> 0.2"),
        ({"num_pairs": 100}, "it has 360 pairs and not 100. Leave digits_ad/no_holes/0 out"),
        ({"recognizer": object()}, "it has no word accuracy"),
        ({"metrics": ["corr2d", "pesq_wb"]}, "it has no pesq_wb"),
        ({"fingerprint": "g"}, "it is of other recordings"),
    ],
)
def test_a_cell_that_was_made_otherwise_does_not_pass_for_this_one(asked, difference, table):
    assert table.run(("no_holes", 0)) == [("no_holes", 0)]
    assert table.run(("no_holes", 0), num_pairs=1000) == []  # as many as there are
    with pytest.raises(InputError, match=difference):
        table.run(("no_holes", 0), **asked)
    # Before anything is trained.
    with pytest.raises(InputError, match=difference):
        table.run(("gen_rep", 0), ("no_holes", 0), **asked)


def test_a_cell_whose_examples_fail_has_its_result(data_dir, tmp_path, monkeypatch, caplog):
    def fail(*_):
        raise SpeechError("The Piper voice is not installed.")

    cell, places = Cell("digits_ad", "mtnet", 0), reproduction.Places(tmp_path, tmp_path)
    monkeypatch.setattr(reproduction, "train", lambda *_, **__: None)
    monkeypatch.setattr(reproduction, "evaluate_run", lambda *_, **__: [SCORED])
    monkeypatch.setattr(reproduction, "_show", fail)
    write_text(places.run(cell) / LOG, "")
    of_earlier = places.control("digits_ad", "white_noise")
    write_json(of_earlier, {})
    loaded = types.SimpleNamespace(data=None, path="", pool=None, recognizer=None)
    reproduction._run_cell(cell, places, preset("tiny"), loaded, [], "cpu", "model", 0)
    assert read_json(places.result(cell))["num_pairs"] == 360
    assert not of_earlier.exists()  # it was scored beside another network
    assert "digits_ad/mtnet/0 has no examples: The Piper voice is not installed." in caplog.text


def test_a_control_that_is_added_later_changes_nothing_else(tmp_path, monkeypatch):
    cell, places = Cell("digits_ad", "dcmavg", 0), reproduction.Places(tmp_path, tmp_path)
    write_json(places.result(cell), SCORED)
    scored, said = [], []

    def evaluate(*_, controls, **__):
        scored.extend(controls)
        return [{"num_pairs": 1}, *({"candidate": control.name} for control in controls)]

    monkeypatch.setattr(reproduction, "train", lambda *_, **__: None)
    monkeypatch.setattr(reproduction, "evaluate_run", evaluate)
    monkeypatch.setattr(reproduction, "_show", None)
    monkeypatch.setattr(reproduction, "_show_controls", lambda *given: said.append(given[-1]))
    places.run(cell).path.mkdir(parents=True)
    (control, *_) = places.missing_controls(cell)
    loaded = types.SimpleNamespace(data=None, path="", pool=None, recognizer=None)
    reproduction._run_cell(cell, places, preset("tiny"), loaded, [control], "cpu", "model", 0)
    assert scored == [control] and said == [[control]]
    assert read_json(places.result(cell)) == SCORED
    assert read_json(places.control("digits_ad", control.name))["candidate"] == control.name


def test_controls_say_the_examples_where_they_were_scored(tmp_path, monkeypatch):
    places, said = reproduction.Places(tmp_path, tmp_path), []
    places.examples("digits_ad").mkdir()
    (places.examples("digits_ad") / RECORD).write_text("{}")
    monkeypatch.setattr(reproduction, "add_system", lambda *_: None)
    monkeypatch.setattr(reproduction, "add_controls", lambda *given: said.append(given[-1]))
    reproduction._show(Cell("digits_ad", "no_holes", 0), places, None)
    assert said == []
    places.control("digits_ad", "griffin_lim").write_text("{}")
    reproduction._show(Cell("digits_ad", "dcmavg", 0), places, None)
    assert [[control.name for control in controls] for controls in said] == [["griffin_lim"]]
