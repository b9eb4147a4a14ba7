"""The networks that ship with the package: as good as committed, small, and safe to read."""

import io
import pathlib
import zipfile

import h5py
import keras
import numpy as np
import pytest

import mtnet_tf
from mtnet_tf import pretrained
from mtnet_tf.errors import InputError
from mtnet_tf.files import read_json, read_npz
from mtnet_tf.metrics import Scorer
from mtnet_tf.runs.networks import halve, load_weights, save_network
from mtnet_tf.runs.run_folder import RunFolder, RunFolderError

CHECKS = pathlib.Path(__file__).parent / "pretrained"
METRICS = ("corr2d", "pesq", "stoi")


@pytest.mark.parametrize("name", pretrained.names())
def test_it_speaks_as_well_as_its_committed_result_says(name):
    kept = read_npz(CHECKS / f"{name}.npz", {"image": ("u", 4), "label": ("i", 1)})
    expected = read_json(CHECKS / f"{name}.json")
    assert len(kept["image"]) == expected["num_pairs"] == 200
    describer = mtnet_tf.Describer(pretrained.run_dir(name))
    descriptions = describer.describe_all(list(kept["image"]))
    words = [describer.words[label] for label in kept["label"]]
    right = [d.word == word for d, word in zip(descriptions, words)]
    # Another machine may round otherwise: a picture on the edge may fall to the other side.
    assert np.mean(right) == pytest.approx(expected["classifier_accuracy"], abs=0.0051)
    recordings = RunFolder(pretrained.run_dir(name)).recordings()
    scorer = Scorer(recordings.float_waveforms(), describer.sample_rate, METRICS)
    places = np.array([list(recordings.labels).index(label) for label in kept["label"]])
    scores, _ = scorer.score_and_correlate(np.stack([d.waveform for d in descriptions]), places)
    for metric, tolerance in zip(METRICS, (0.005, 0.02, 0.005)):
        found = np.mean([score.value for score in scores[metric]])
        assert found == pytest.approx(expected["metrics"][metric]["mean"], abs=tolerance), metric


@pytest.mark.parametrize("name", pretrained.names())
def test_it_is_small_calibrated_and_has_a_card(name):
    folder = pretrained.run_dir(name)
    files = {path.name for path in folder.iterdir()}
    assert {"README.md", "calibration.json", "examples.npz"} <= files
    assert "data_path" not in RunFolder(folder).environment()


def test_all_of_them_stay_under_8_megabytes():
    assert pretrained.DEFAULT in pretrained.names()
    folders = map(pretrained.run_dir, pretrained.names())
    assert sum(path.stat().st_size for folder in folders for path in folder.iterdir()) < 8e6


def test_an_unknown_one_is_one_error():
    with pytest.raises(InputError, match=r"No network of 'birds_ad' ships.*mnist_ad"):
        pretrained.run_dir("birds_ad")


def network(units=3):
    inputs = keras.Input([4])
    outputs = keras.layers.BatchNormalization()(keras.layers.Dense(units)(inputs))
    return keras.Model(inputs, keras.layers.Dropout(0.5, seed=7)(outputs))


def test_halved_weights_are_those_of_the_network_in_float16(tmp_path):
    whole, read = network(), network()
    for variable in whole.trainable_variables:
        variable.assign(np.random.default_rng(0).normal(size=variable.shape))
    save_network(whole, tmp_path / "whole.keras")
    halve(tmp_path / "whole.keras", tmp_path / "half.keras")
    load_weights(read, tmp_path / "half.keras")
    assert len(whole.weights) == len(read.weights) > 4
    for before, after in zip(whole.weights, read.weights):
        assert before.dtype == after.dtype
        rounded = np.asarray(before).astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(np.asarray(after), rounded)
    # Keras' own way to read it works too.
    images = np.ones([2, 4], np.float32)
    np.testing.assert_array_equal(
        keras.models.load_model(tmp_path / "half.keras")(images), read(images)
    )


def test_what_is_no_network_cannot_be_halved(tmp_path):
    (tmp_path / "broken.keras").write_bytes(b"PK\3\4")
    for name, message in (
        ("broken.keras", "cannot be read .* Put it back from a copy, or delete it"),
        ("none.keras", "has no none.keras: the run has not finished. Continue it"),
    ):
        with pytest.raises(RunFolderError, match=message):
            halve(tmp_path / name, tmp_path / "half.keras")
    assert not (tmp_path / "half.keras").exists()


def test_what_is_no_float_stays_as_it_is(tmp_path):
    whole = tmp_path / "whole.h5"
    with h5py.File(whole, "w") as weights:
        weights["layer/vars/0"] = np.arange(6.0).reshape(2, 3)
        weights["layer/vars/1"] = np.array([1, 2**31], np.uint32)
        weights["layer"].attrs["name"] = "dropout"
    with zipfile.ZipFile(tmp_path / "whole.keras", "w") as archive:
        archive.write(whole, "model.weights.h5")
    halve(tmp_path / "whole.keras", tmp_path / "half.keras")
    with zipfile.ZipFile(tmp_path / "half.keras") as archive:
        content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content) as weights:
        assert weights["layer/vars/0"].dtype == np.float16
        np.testing.assert_array_equal(weights["layer/vars/0"], np.arange(6).reshape(2, 3))
        assert weights["layer/vars/1"].dtype == np.uint32
        np.testing.assert_array_equal(weights["layer/vars/1"], [1, 2**31])
        assert weights["layer"].attrs["name"] == "dropout"
