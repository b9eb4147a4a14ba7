"""The Croissant description, read by MLCommons' own reader."""

import dataclasses
import hashlib
import json
import shutil

import pytest

import data_builders
from data_builders.inspection.croissant import croissant
from mtnet_tf.data.pairs import DataError
from mtnet_tf.data.prepared import open_prepared

mlcroissant = pytest.importorskip("mlcroissant")


@pytest.fixture(scope="module")
def dataset(data_dir):
    return open_prepared(data_builders.open_builder("digits_ad", data_dir=data_dir).data_path)


@pytest.fixture(scope="module")
def described(dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("croissant") / "croissant.json"
    path.write_text(json.dumps(croissant(dataset)))
    return mlcroissant.Dataset(path)


def test_it_follows_the_rules(described):
    assert described.metadata.ctx.issues.errors == set()
    assert described.metadata.name == "digits_ad"
    assert "handwritten digits" in described.metadata.description


def test_it_names_both_licences(described):
    images, recordings = described.metadata.license
    assert images.startswith("images: Optical Recognition") and "CC BY 4.0" in images
    assert recordings.startswith("recordings: CC0")


def test_the_recordings_can_be_read_out_of_it(described, dataset):
    found = [
        {key.rpartition("/")[2]: value for key, value in record.items()}
        for record in described.records("recordings")
    ]
    expected = dataset.metadata["recordings"]
    assert len(found) == len(expected) == 10
    for record, true in zip(found, expected):
        assert record == {name: true[name] for name in record}
        assert {"recording_id", "word", "voice_id", "take", "sha256"} < set(record)


def test_every_file_is_there_with_its_hash(described, dataset):
    files = {f.name: f for f in described.metadata.distribution if hasattr(f, "sha256")}
    there = {path.name for path in dataset.path.iterdir()}
    assert set(files) == there
    for name, file in files.items():
        content = (dataset.path / name).read_bytes()
        assert file.sha256 == hashlib.sha256(content).hexdigest()


def test_what_is_no_file_is_left_out(dataset, tmp_path):
    copy = shutil.copytree(dataset.path, tmp_path / "1.0.0")
    (copy / "notes").mkdir()
    (copy / "gone.txt").symlink_to(tmp_path / "gone")
    assert croissant(open_prepared(copy)) == croissant(dataset)


def test_what_cannot_be_described_is_one_error(dataset, tmp_path):
    """A file with the name of a split, and recordings that lack what every one says."""
    copy = shutil.copytree(dataset.path, tmp_path / "1.0.0")
    (copy / "train").write_text("")
    recordings = [{"recording_id": "zero/joe_0"}]
    poor = dataclasses.replace(dataset, metadata={**dataset.metadata, "recordings": recordings})
    for bad, reason in ((open_prepared(copy), "Duplicate .*train"), (poor, "KeyError.*'word'")):
        with pytest.raises(DataError, match=f"cannot be described in Croissant .*{reason}"):
            croissant(bad)


def test_a_pair_has_the_fields_of_the_data_set(described, dataset):
    features = json.loads((dataset.path / "features.json").read_text())
    features = set(features["featuresDict"]["features"])
    for split in ("train", "test"):
        (records,) = [r for r in described.metadata.record_sets if r.name == split]
        assert {field.name for field in records.fields} == features
        assert f"{dataset.splits[split].num_pairs:,} pairs" in records.description
