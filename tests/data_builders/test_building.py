"""What can go wrong while a data set is written: one clear error, and nothing half-written."""

import concurrent.futures
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import types

import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from etils import epath
from tensorflow_datasets.core.download import download_manager, extractor

from data_builders import audio_description, beam, building, image_sources, words
from data_builders.errors import DataSetError
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf import files
from mtnet_tf.errors import InputError


def assert_nothing_is_left(builder, data_dir):
    assert not builder.is_prepared()
    left = [p for p in data_dir.rglob("*") if p.is_file() and p.name != ".lock"]
    assert [path.parent.name for path in left] == [".config"]  # TFDS's list of config names


def test_a_killed_build_leaves_nothing_that_looks_prepared(open_mnist, dummy, tmp_path):
    code = f"""
import time
from data_builders.image_sources import TfdsImages
from data_builders.mnist_ad.mnist_ad_dataset_builder import Builder

images = TfdsImages.images

def read_slowly(self, *args):
    for example in images(self, *args):
        yield example
        print("wrote one", flush=True)
        time.sleep(60)

TfdsImages.images = read_slowly
Builder(data_dir={str(tmp_path)!r}, recordings_dir={str(dummy / "recordings")!r},
        images_dir={str(dummy)!r}).download_and_prepare()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        while "wrote one" not in (line := process.stdout.readline()):
            assert line, "the build did not start"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    builder = open_mnist(tmp_path)
    assert not builder.is_prepared()
    assert any("incomplete" in path.name for path in builder.data_path.parent.iterdir())
    builder.download_and_prepare()
    names = {path.name for path in builder.data_path.parent.iterdir()}
    assert names == {".lock", builder.data_path.name}
    assert builder.info.splits["train"].num_examples == 20


def test_what_a_killed_build_left_cannot_be_removed(tmp_path):
    link = tmp_path / "incomplete.1"
    link.symlink_to(tmp_path)  # which TFDS makes none of, and `rmtree` does not remove
    with (
        pytest.raises(files.FileError, match=f"^{link} cannot be written .*symbolic link"),
        building.sole_builder(epath.Path(tmp_path)),
    ):
        pass


def test_two_builds_of_one_data_set_at_a_time(open_mnist, tmp_path):
    builders = [open_mnist(tmp_path), open_mnist(tmp_path)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for future in [pool.submit(builder.download_and_prepare) for builder in builders]:
            future.result()
    for builder in builders:
        assert builder.info.splits["train"].num_examples == 20


def test_a_part_of_a_data_set_is_refused(open_mnist, tmp_path):
    config = tfds.download.DownloadConfig(max_examples_per_split=3)
    with pytest.raises(DataSetError, match="max_examples_per_split"):
        open_mnist(tmp_path).download_and_prepare(download_config=config)


def test_a_full_disk(open_mnist, files_up_to, tmp_path):
    builder = open_mnist(tmp_path)
    with (
        pytest.raises(DataSetError, match="cannot be written to .*too large") as error,
        files_up_to(20000),
    ):
        builder.download_and_prepare()
    assert str(builder.data_path) in str(error.value) and "\n" not in str(error.value)
    assert_nothing_is_left(builder, tmp_path)


@pytest.mark.parametrize("damage, message", [("flipped", "corrupted record"), ("gone", "No such")])
def test_images_that_cannot_be_read(open_mnist, dummy, tmp_path, damage, message):
    images_dir = tmp_path / "images"
    shutil.copytree(dummy / "mnist", images_dir / "mnist")
    (path,) = images_dir.rglob("*train.tfrecord*")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    if damage == "gone":
        path.unlink()
    data_dir = tmp_path / "tfds"
    builder = open_mnist(data_dir, images_dir=images_dir)
    with pytest.raises(DataSetError, match=f"'mnist' cannot be read from .*{message}") as error:
        builder.download_and_prepare()
    assert str(path.parent) in str(error.value)
    assert "written" not in str(error.value) and "\n" not in str(error.value)
    assert_nothing_is_left(builder, data_dir)


def test_images_whose_record_is_cut_short(open_mnist, dummy, tmp_path):
    shutil.copytree(dummy / "mnist", tmp_path / "mnist")
    (path,) = tmp_path.rglob("dataset_info.json")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataSetError, match=f"{tmp_path}/mnist is damaged .*Delete that folder"):
        open_mnist(tmp_path / "tfds", images_dir=tmp_path)


def beam_error(name):
    """As Beam reports the error of a worker in another process."""
    return RuntimeError(
        "Pipeline failed: bundle inst002 failed:Traceback (most recent call last):\n"
        '  File "x.py", line 1, in examples\n    raise\n'
        f"{name}: no pictures [while running 'WriteShard(x-00000-of-00001)']\n"
    )


@pytest.mark.parametrize(
    "cause, expected, message",
    [
        (DataSetError("no pictures"), DataSetError, "^no pictures$"),
        (OSError(28, "No space left"), DataSetError, "written to .*No space left"),
        (KeyError("a bug"), RuntimeError, "^a worker has failed$"),
        (beam_error("data_builders.errors.DataSetError"), InputError, "^no pictures$"),
        (beam_error("PermissionError"), DataSetError, r"written to .*\(no pictures\)"),
        (beam_error("KeyError"), RuntimeError, "^a worker has failed$"),
        (ValueError("id: 3 is no class"), RuntimeError, "^a worker has failed$"),
    ],
)
def test_the_error_behind_a_workers(open_mnist, tmp_path, monkeypatch, cause, expected, message):
    def fail(*args, **kwargs):
        raise RuntimeError("a worker has failed") from cause

    monkeypatch.setattr(tfds.core.ShardBasedBuilder, "download_and_prepare", fail)
    with pytest.raises(expected, match=message):
        open_mnist(tmp_path).download_and_prepare()


@pytest.mark.parametrize(
    "error",
    # The last two come where a page for logging in takes the place of a download.
    [ConnectionError, download_manager.NonMatchingChecksumError, extractor.ExtractError],
)
def test_images_that_cannot_be_downloaded(open_mnist, tmp_path, monkeypatch, error):
    builder = open_mnist(tmp_path, images_dir=None)
    images = builder._images.builder()
    monkeypatch.setattr(image_sources.TfdsImages, "builder", lambda self: images)

    def refuse():
        raise error("not what was wanted")

    monkeypatch.setattr(images, "download_and_prepare", refuse)
    with pytest.raises(DataSetError, match="not what was wanted.*data_dir"):
        builder.download_and_prepare()
    assert not builder.is_prepared()


def test_images_with_other_classes(open_mnist, monkeypatch, tmp_path):
    swapped = dict(reversed(words.DIGITS.items()))
    monkeypatch.setattr(mnist_ad_dataset_builder.Builder, "WORDS", swapped)
    with pytest.raises(DataSetError, match="expected are"):
        open_mnist(tmp_path).download_and_prepare()


def read_records(path):
    """The examples of a file in their order; that of an example's fields is each process's own."""
    return [
        tf.train.Example.FromString(record).SerializeToString(deterministic=True)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]


@pytest.mark.parametrize(
    "options",
    [
        "direct_num_workers=1",
        pytest.param(
            "direct_num_workers=2,direct_running_mode=multi_processing", marks=pytest.mark.slow
        ),
    ],
)
def test_beam_writes_the_same_examples(open_mnist, tmp_path, monkeypatch, options):
    pytest.importorskip("apache_beam")
    monkeypatch.setattr(audio_description, "_IMAGES_A_SHARD", 7)
    prepared = open_mnist(tmp_path / "plain")
    prepared.download_and_prepare()
    assert prepared.info.splits["train"].shard_lengths == [7, 7, 6]
    builder = open_mnist(tmp_path / "beam")
    builder.download_and_prepare(
        download_config=beam.download_config(f"runner=DirectRunner,{options}")
    )
    assert builder.info.splits["train"].shard_lengths == [7, 7, 6]
    names = sorted(path.name for path in prepared.data_path.iterdir())
    assert sorted(path.name for path in builder.data_path.iterdir()) == names
    for name in names:
        if "tfrecord" in name:
            assert read_records(builder.data_path / name) == read_records(prepared.data_path / name)
        elif name != "dataset_info.json":  # has the time in it
            a, b = (path / name for path in (builder.data_path, prepared.data_path))
            assert a.read_bytes() == b.read_bytes()


def test_the_eleventh_shard_of_beam_comes_after_the_tenth(open_mnist, tmp_path):
    """TFDS sorts the numbers of shards as text."""
    prepared = open_mnist(tmp_path / "prepared")
    prepared.download_and_prepare()
    lengths = {str(shard): 100 + shard for shard in range(12)}
    splits = prepared.info.splits
    as_text = splits["train"].replace(shard_lengths=[lengths[key] for key in sorted(lengths)])
    splits = tfds.core.SplitDict([as_text, splits["test"]])
    folder = epath.Path(tmp_path)
    notes = folder / "mnist_ad-train.tfrecord.shard_infos.json"
    notes.write_text(json.dumps(dict(reversed(lengths.items()))))
    found = beam.in_order_of_shards(splits, folder)
    assert found["train"].shard_lengths == list(range(100, 112))
    assert found["test"].shard_lengths == splits["test"].shard_lengths
    assert not notes.exists()


def test_options_of_beam():
    pytest.importorskip("apache_beam")
    options = beam.download_config("runner=DataflowRunner, worker_machine_type=n1").beam_options
    given = options.get_all_options(drop_default=True)
    assert given == {"runner": "DataflowRunner", "machine_type": "n1"}
    with pytest.raises(DataSetError, match="has no option --direct_workers, --speed"):
        beam.download_config("direct_workers=2,direct_num_workers=1,speed")


def test_the_images_are_prepared_by_one_process(tmp_path, monkeypatch):
    """Of two data sets with the same images; the second one finds what the first has made."""
    held, prepared = [], []

    class Mnist:
        data_path = tmp_path / "mnist/3.0.1"
        name = "mnist"
        info = types.SimpleNamespace(
            features={"label": types.SimpleNamespace(names=["0", "1"])},
        )

        def is_prepared(self):
            return bool(prepared)

        def download_and_prepare(self):
            assert held == [tmp_path / "mnist"]
            prepared.append(True)

    @contextlib.contextmanager
    def sole_builder(folder):
        held.append(folder)
        yield

    monkeypatch.setattr(image_sources, "open_source", lambda *_: Mnist())
    monkeypatch.setattr(image_sources, "sole_builder", sole_builder)
    for _ in range(2):
        image_sources.TfdsImages("mnist", ("0", "1"), tmp_path).prepare()
    assert len(held) == len(prepared) == 1
