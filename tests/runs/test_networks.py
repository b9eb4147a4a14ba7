"""A network is built from config.json, and a file gives it numbers alone."""

import json
import zipfile

import keras
import numpy as np
import pytest

from mtnet_tf import systems
from mtnet_tf.runs.layout import NETWORK
from mtnet_tf.runs.networks import halve, load_weights, num_parameters, save_network
from mtnet_tf.runs.run_folder import RunFolder, RunFolderError
from mtnet_tf.systems.trained import load_network


@pytest.fixture
def run(tiny_config, tmp_path):
    """A run folder with an untrained network."""
    run = RunFolder(tmp_path / "run")
    run.begin(tiny_config, "0" * 64, "cpu")
    network = systems.find("mtnet").build_for_use(tiny_config)
    save_network(network, run / NETWORK)
    run.network = network
    return run


def test_what_is_saved_is_loaded(run):
    for a, b in zip(run.network.weights, load_network(run).weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_halved_twice_it_has_the_same_bytes(run, tmp_path, monkeypatch):
    """Whenever that is: its fingerprint tells which network was scored."""
    halves = [tmp_path / "first.keras", tmp_path / "second.keras"]
    for seconds, half in zip((1e9, 1.5e9), halves):
        monkeypatch.setattr("time.time", lambda seconds=seconds: seconds)
        halve(run / NETWORK, half)
    first, second = (half.read_bytes() for half in halves)
    assert first == second
    assert len(first) < len((run / NETWORK).read_bytes())


def test_a_network_that_averages_over_mirror_images_is_loaded(tiny_config, tmp_path):
    from mtnet_tf.config import override

    config = override(tiny_config, ["image_encoder.average_flips=true", "data.digit_size=null"])
    run = RunFolder(tmp_path / "run")
    run.begin(config, "0" * 64, "cpu")
    network = systems.find("mtnet").build_for_use(config)
    save_network(network, run / NETWORK)
    image = np.random.default_rng(0).integers(0, 256, (3, 12, 12, 1)).astype(np.uint8)
    expected, found = (n({"image": image}, training=False) for n in (network, load_network(run)))
    for name in expected:
        np.testing.assert_array_equal(found[name], expected[name])


def test_a_network_is_used_in_float32_whatever_it_was_trained_in(tiny_config):
    from mtnet_tf.config import override

    config = override(tiny_config, ["training.precision=mixed_bfloat16"])
    network = systems.find("mtnet").build_for_use(config)
    assert {layer.compute_dtype for layer in network._flatten_layers()} == {"float32"}


def test_the_description_in_the_file_is_not_looked_at(run, tmp_path):
    """A file that names functions to call instead of layers: nothing of it is called."""
    call = {
        "module": "pathlib",
        "class_name": "Path",
        "config": {"args": [str(tmp_path / "touched")]},
        "build_config": {"touch": True},
    }
    attack = {
        "module": "subprocess",
        "class_name": "run",
        "registered_name": "run",
        "config": {"args": f"touch {tmp_path}/touched", "shell": True},
        "inner": call,
    }
    with zipfile.ZipFile(run / NETWORK) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["config.json"] = json.dumps(attack).encode()
    with zipfile.ZipFile(run / NETWORK, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    for a, b in zip(run.network.weights, load_network(run).weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("kind", ["another network", "no archive", "half", "empty", "no weights"])
def test_a_file_that_is_no_network_of_the_run_is_one_error(kind, run):
    path = run / NETWORK
    if kind == "another network":
        keras.Sequential([keras.Input([3]), keras.layers.Dense(2)]).save(path)
    elif kind == "no weights":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")
    else:
        data = {"no archive": b"PK nothing", "half": path.read_bytes()[:5000], "empty": b""}
        path.write_bytes(data[kind])
    with pytest.raises(
        RunFolderError, match="model.keras cannot be read .*Put it back from a copy, or delete it"
    ):
        load_network(run)


def test_a_run_without_a_network_has_not_finished(run):
    (run / NETWORK).unlink()
    with pytest.raises(RunFolderError, match="the run has not finished. Continue it with"):
        load_weights(run.network, run / NETWORK)


def test_parameters_are_counted(tiny_config):
    network = keras.Sequential([keras.Input([3]), keras.layers.Dense(2)])
    assert num_parameters(network) == 8
