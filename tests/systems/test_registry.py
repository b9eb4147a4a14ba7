"""The registry: names and labels are checked, the paper's numbers have their systems."""

import dataclasses
import json
import pathlib
import subprocess
import sys

import pytest

import mtnet_tf.reporting
from mtnet_tf import systems
from mtnet_tf.config import ConfigError, override, preset
from mtnet_tf.systems import registry

PAPER = json.loads(
    (pathlib.Path(mtnet_tf.reporting.__file__).parent / "paper_tables.json").read_text()
)


@pytest.fixture
def own_list(monkeypatch):
    """A list of the test's own, in which it may register systems."""
    monkeypatch.setattr(registry, "_systems", dict(registry._systems))


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        (
            "3",
            [
                "Meth.(L_gen)",
                "Meth.(L_gen + L_rep)",
                "Proposed(hole)",
                "Proposed(autoencoder)",
                "MT-Net",
            ],
        ),
        ("4", ["DCMAVG", "CMCGAN", "I2T2A", "MT-Net"]),
    ],
)
def test_a_table_has_the_papers_rows_in_its_order(table, labels):
    rows = systems.of_table(table)
    assert [row.name for row in rows] == list(PAPER[table])
    assert [row.label for row in rows] == labels


def test_the_paper_tables_hold_numbers_only():
    for table in ("3", "4"):
        for name, row in PAPER[table].items():
            assert set(row) == {"mnist_ad", "cifar10_ad", "cifar100_ad"}, name
            assert all(len(scores) == 3 for scores in row.values())


@pytest.mark.parametrize("name", ["", "Toy", "my toy", "../toy", "toy-1", "1toy", "toy\n"])
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(ValueError, match="lower case letters, digits and underscores"):
        dataclasses.replace(systems.find("mtnet"), name=name)


@pytest.mark.parametrize("change", [{"label": ""}, {"tables": ()}, {"tables": "34"}])
def test_a_system_without_a_label_or_tables_is_refused(change):
    with pytest.raises(ValueError, match="needs a label and a tuple of tables"):
        dataclasses.replace(systems.find("mtnet"), **change)


def test_a_name_or_a_label_comes_once():
    mtnet, names = systems.find("mtnet"), systems.names()
    for again in (
        dataclasses.replace(mtnet, label="other"),
        dataclasses.replace(mtnet, name="other"),
    ):
        with pytest.raises(ValueError, match="There is a system 'mtnet' with the label 'MT-Net'"):
            systems.register(again)
    assert systems.names() == names


def test_a_label_may_come_again_in_another_table(own_list):
    own = dataclasses.replace(systems.find("mtnet"), name="own", tables=("own table",))
    systems.register(own)
    assert systems.of_table("own table") == (own,)
    assert own not in systems.of_table("3")


def test_names_are_told_where_one_is_wrong():
    with pytest.raises(ConfigError, match="There is no system 'bogus'. The systems are: gen_only,"):
        systems.find_all(["gen_only", "bogus"])
    with pytest.raises(ConfigError, match="No system is named. The systems are: gen_only,"):
        systems.find_all([])
    with pytest.raises(ConfigError, match="named more than once: mtnet"):
        systems.find_all(["mtnet", "gen_only", "mtnet"])


def test_a_configured_system_stands_in_the_configuration():
    config = systems.configure("gen_only", preset("tiny"))
    assert config.system == "gen_only"
    assert systems.configure("gen_only", config) == config
    with pytest.raises(ConfigError, match="is of the system 'gen_only', and 'mtnet' is asked for"):
        systems.configure("mtnet", config)


def test_a_registered_system_is_a_row(own_list):
    toy = dataclasses.replace(systems.find("mtnet"), name="toy", label="Toy", tables=("3",))
    systems.register(toy)
    assert systems.names()[-1] == "toy"
    assert systems.of_table("3")[-1] is toy
    with pytest.raises(ConfigError, match="mtnet, toy"):
        systems.find("other")


def test_each_control_stands_beside_the_system_that_has_it():
    beside = {name: system.name for name, (system, _) in registry.controls().items()}
    assert beside["griffin_lim"] == "dcmavg" and beside["white_noise"] == "mtnet"
    assert beside["i2t2a_own_speed"] == "i2t2a"
    assert [control.name for _, control in registry.controls("3").values()] == [
        name for name, system in beside.items() if system == "mtnet"
    ]


def test_the_list_of_systems_needs_no_tensorflow():
    code = "import sys, mtnet_tf.systems; sys.exit('tensorflow' in sys.modules)"
    root = pathlib.Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


@pytest.mark.parametrize("change", ["voice.conditioning=film", 'training.frozen=["image_encoder"]'])
def test_voices_are_refused_by_a_system_that_takes_none(change):
    config = override(preset("tiny"), [change])
    assert systems.configure("no_holes", config).system == "no_holes"
    field = change.partition("=")[0]
    for name in ("dcmavg", "cmcgan", "i2t2a"):
        label = systems.find(name).label
        with pytest.raises(ConfigError, match=f"{field} is not for {label}. Received: {field}="):
            systems.configure(name, config)
