"""The data set of a run folder, which may come from another machine: found, checked, never run."""

import dataclasses
import importlib
import json
import shutil

import numpy as np
import pytest

import data_builders
from mtnet_tf import config as config_lib
from mtnet_tf.config import preset
from mtnet_tf.data import loading, prepared
from mtnet_tf.errors import InputError
from mtnet_tf.files import write_npz
from mtnet_tf.runs.data_set import load_data
from mtnet_tf.runs.run_folder import RunFolder
from tests.dummy import DUMMY


@pytest.fixture(scope="module")
def data_path(tmp_path_factory):
    """The folder of MNIST AD of the dummy images."""
    builder = data_builders.open_builder(
        "mnist_ad", tmp_path_factory.mktemp("tfds"), DUMMY / "recordings", images_dir=DUMMY
    )
    builder.download_and_prepare()
    return builder.data_path


@pytest.fixture
def run(data_path, tmp_path):
    """The folder of a run that was trained on it."""
    dataset = prepared.open_prepared(data_path)
    run = RunFolder(tmp_path / "run")
    run.begin(
        loading.fit_config(preset("tiny"), dataset),
        dataset.metadata["recordings_fingerprint"],
        "cpu",
        data_path=str(data_path),
    )
    data = loading.load(dataset, run.config().data)
    write_npz(
        run / "recordings.npz",
        id=np.array(data.recordings.ids),
        word=np.array([data.words[label] for label in data.recordings.labels]),
        waveform=data.recordings.waveforms,
        words=np.array(data.words),
    )
    return run


def test_it_is_what_was_trained_on(run, data_path):
    expected = loading.load(prepared.open_prepared(data_path), run.config().data)
    for found in (load_data(run), load_data(run, data_path), load_data(run, str(data_path))):
        assert (found.name, found.words, found.voices) == (
            *(expected.name, expected.words, expected.voices),
        )
        for split in ("train", "validation", "test"):
            for name, values in vars(getattr(expected, split)).items():
                np.testing.assert_array_equal(getattr(getattr(found, split), name), values)


def test_no_module_that_the_data_set_names_is_imported(run, data_path, tmp_path, monkeypatch):
    copy = shutil.copytree(data_path, tmp_path / "1.0.0")
    text = (copy / "features.json").read_text()
    name = "tensorflow_datasets.core.features.features_dict.FeaturesDict"
    assert name in text
    (copy / "features.json").write_text(text.replace(name, "named_by_the_run.FeaturesDict"))
    (tmp_path / "named_by_the_run.py").write_text("open('it was run', 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    importlib.invalidate_caches()
    run.record(data_path=str(copy))
    load_data(run)
    assert not (tmp_path / "it was run").exists()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda record: [], "environment.json is missing or broken.*no JSON object"),
        (lambda record: None, "environment.json is missing or broken.*no JSON object"),
        (
            lambda record: {"data_path": record["data_path"]},
            "environment.json does not say command, hardware, recordings_fingerprint",
        ),
        (
            lambda record: {**record, "data_path": 7},
            "environment.json does not say where the data set .*--data_path",
        ),
        (
            lambda record: {**record, "data_path": None},
            "environment.json does not say where the data set .*--data_path",
        ),
        (
            lambda record: {**record, "data_path": "/not/here"},
            "data set of .*run cannot be read. /not/here .* it has no dataset_info.*--data_path",
        ),
        (
            lambda record: {**record, "recordings_fingerprint": "0" * 64},
            "has other recordings than those .*run was trained on",
        ),
    ],
)
def test_a_run_folder_that_does_not_lead_to_its_data_set(run, change, message):
    path = run / "environment.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(InputError, match=message):
        load_data(run)


def test_a_network_that_knows_a_part_of_the_voices(run, data_path, monkeypatch):
    """Such as one of experiments.voices, which says what data set it was trained on a part of."""
    dataset = dataclasses.replace(prepared.open_prepared(data_path), voice_ids=("a", "b"))
    monkeypatch.setattr(prepared, "open_prepared", lambda path: dataset)
    with pytest.raises(InputError, match="has 2 voices, and .*run was trained on 1 of them"):
        load_data(run)


@pytest.mark.parametrize("values", [{"num_classes": 7}, {"image_shape": (32, 32, 3)}])
def test_a_data_set_of_other_shapes(run, values):
    config = run.config()
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, **values))
    (run / "config.json").write_text(config_lib.to_json(config))
    with pytest.raises(InputError, match="has images or classes of other shapes than .*run was"):
        load_data(run)
