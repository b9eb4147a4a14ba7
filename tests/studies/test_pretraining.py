"""A run folder becomes a network that ships with the package."""

import shutil

import numpy as np
import pytest

from mtnet_tf.describe import Describer
from mtnet_tf.files import FileError, read_npz
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies.pretraining import ship


@pytest.fixture
def run(short_runs, tmp_path):
    run = RunFolder(shutil.copytree(short_runs / "mtnet", tmp_path / "run"))
    (run / "calibration.json").write_text('{"temperature": 2.0, "threshold": 0.75}')
    run.record(data_path="/home/ann/data")
    return run


def test_it_says_what_the_run_says_and_not_where_its_data_lay(run, synthetic_data, tmp_path):
    shipped = ship(run, tmp_path / "shipped", synthetic_data.test)
    assert "data_path" in run.environment() and "data_path" not in shipped.environment()
    assert shipped.environment()["command"] == run.environment()["command"]
    files = {path.name: path.stat().st_size for path in shipped.path.iterdir()}
    assert set(files) == {
        *("config.json", "environment.json", "recordings.npz", "calibration.json", "model.keras"),
        "examples.npz",
    }
    examples = read_npz(shipped / "examples.npz")
    assert list(examples["label"]) == sorted(set(synthetic_data.test.labels))
    for image, label in zip(examples["image"], examples["label"]):
        first = list(synthetic_data.test.labels).index(label)
        np.testing.assert_array_equal(image, synthetic_data.test.images[first])
    assert files["model.keras"] < 0.7 * (run / "model.keras").stat().st_size
    image = synthetic_data.test.images[0]
    before, after = (Describer(folder.path).describe(image) for folder in (run, shipped))
    np.testing.assert_allclose(after.waveform, before.waveform, atol=5e-3)
    assert after.guesses[0].word == before.guesses[0].word
    assert after.threshold == before.threshold == 0.75


def test_a_run_that_was_not_calibrated_is_not_shipped(run, synthetic_data, tmp_path):
    (run / "calibration.json").unlink()
    with pytest.raises(FileError, match="run/calibration.json is missing"):
        ship(run, tmp_path / "shipped", synthetic_data.test)
    assert not (tmp_path / "shipped").exists()
