"""Which data the cells of a table are trained on."""

import pytest

import data_builders
from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.data.prepared import open_prepared
from mtnet_tf.files import write_json
from mtnet_tf.studies import reproduction
from mtnet_tf.systems.plan import Cell


def test_the_time_left_is_not_told_by_what_a_killed_process_left(tmp_path):
    cell, places = Cell("mnist_ad", "mtnet", 0), reproduction.Places(tmp_path, tmp_path)
    other = places.result(Cell("mnist_ad", "mtnet", 1))
    taken = {"provenance": {"training_seconds": 3000.0, "seconds": 600.0}}
    write_json(other.with_name(f".4711_{other.name}"), taken)
    assert "known after the first cell" in reproduction._time_left([cell], places)
    write_json(other, taken)
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
        device="cpu", num_processes=1, metrics=["corr2d"], keep="model",
    )  # fmt: skip
    for row, fraction in fractions.items():
        assert found[row][0] == pytest.approx(fraction, abs=1e-3)
    assert found["mtnet"][1] is found["no_holes"][1]  # read once
    assert opened == ["digits_ad"]
    assert not list(tmp_path.rglob("*.failed.json"))
