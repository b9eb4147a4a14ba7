"""The core of the builders: what is written, where, and what is refused."""

import hashlib
import io
import itertools
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

import data_builders
from data_builders import audio_description, beam, image_sources, recordings, words
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf import audio
from mtnet_tf.errors import InputError

ROOT = pathlib.Path(__file__).parents[2]
DUMMY = mnist_ad_dataset_builder.Builder.code_path.parent / "dummy_data"


def open_mnist(data_dir, recordings_dir=DUMMY / "recordings", **kwargs):
    return data_builders.open_builder(
        "mnist_ad", data_dir=data_dir, recordings_dir=recordings_dir, images_dir=DUMMY, **kwargs
    )


def open_mnist_class(prepared, recordings_dir, config):
    return mnist_ad_dataset_builder.Builder(
        data_dir=prepared.data_dir_root,
        config=config,
        recordings_dir=recordings_dir,
        images_dir=DUMMY,
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    builder = open_mnist(tmp_path_factory.mktemp("tfds"))
    builder.download_and_prepare()
    return builder


@pytest.fixture
def other_recordings(tmp_path):
    """The dummy recordings with one file changed by one sample."""
    folder = tmp_path / "other"
    shutil.copytree(DUMMY / "recordings", folder)
    path = folder / "three" / "tone_0.flac"
    samples, rate = audio.read_audio(path)
    samples[500] += 0.01
    audio.write_audio(path, samples, rate)
    return folder


def test_import_is_light():
    code = "import sys, data_builders; print('tensorflow' in sys.modules, 'librosa' in sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout
    assert output.split() == ["False", "False"]


def test_builders_are_registered():
    assert {"mnist_ad", "digits_ad"} <= set(tfds.list_builders())


def test_examples_agree_with_their_sources(prepared):
    source = tfds.builder("mnist", data_dir=DUMMY)
    names = prepared.info.features["recording_id"].names
    for split, count in (("train", 20), ("test", 10)):
        images = list(tfds.as_numpy(source.as_dataset(split=split, shuffle_files=False)))
        examples = list(tfds.as_numpy(prepared.as_dataset(split=split)))
        assert sorted(e["image_id"] for e in examples) == [
            f"{split}_{i:05d}".encode() for i in range(count)
        ]
        for example in examples:
            original = images[int(example["image_id"].decode()[-5:])]
            np.testing.assert_array_equal(example["image"], original["image"])
            assert example["label"] == original["label"]
            word = words.DIGITS[str(example["label"])]
            assert example["word"].decode() == word
            assert names[example["recording_id"]] == f"{word}/tone_0"
            assert example["audio"].dtype == np.int16
            expected = prepared._pairing.recordings[example["recording_id"]].samples
            np.testing.assert_array_equal(example["audio"], expected)
            assert np.abs(example["audio"]).max() == round(0.9 * 32767)
    assert prepared.info.features["voice_id"].names == ["tone"]


def test_metadata(prepared):
    metadata = prepared.info.metadata
    assert metadata["audio_length"] == 18140
    assert metadata["sample_rate"] == 22050
    assert metadata["policy"] == "one_recording"
    assert metadata["pairing_seed"] == 0
    assert metadata["images"] == "mnist:3.0.1"
    assert metadata["processing"] == {"top_db": 45.0, "margin_secs": 0.01, "peak": 0.9}
    assert len(metadata["recordings_fingerprint"]) == 64
    names = prepared.info.features["recording_id"].names
    assert [r["recording_id"] for r in metadata["recordings"]] == names
    assert (metadata["missing_words"], metadata["too_long"]) == ([], [])
    first = metadata["recordings"][0]
    samples = prepared._pairing.recordings[0].samples
    source = (DUMMY / "recordings" / "zero" / "tone_0.flac").read_bytes()
    assert first == {
        "recording_id": "zero/tone_0",
        "word": "zero",
        "voice_id": "tone",
        "take": 0,
        "splits": ["train", "test"],
        "sha256": hashlib.sha256(source).hexdigest(),
        "samples_sha256": hashlib.sha256(samples.tobytes()).hexdigest(),
        "num_samples": len(samples),
        "source_rate": 22050,
    }


def test_builder_from_directory_reads_it_back(prepared):
    again = tfds.builder_from_directory(prepared.data_path)
    assert dict(again.info.metadata) == dict(prepared.info.metadata)
    assert again.info.features["recording_id"].names[3] == "three/tone_0"
    assert again.info.splits["train"].num_examples == 20
    example = next(iter(tfds.as_numpy(again.as_dataset(split="test"))))
    assert example["image"].shape == (28, 28, 1)


def test_tfds_load_of_a_user(prepared):
    kwargs = {"recordings_dir": DUMMY / "recordings", "images_dir": DUMMY}
    data_dir = prepared.data_dir_root
    data, info = tfds.load(
        "mnist_ad/one_recording", data_dir=data_dir, builder_kwargs=kwargs, with_info=True
    )
    assert len(data["train"]) == 20
    assert info.full_name == prepared.info.full_name
    # The prepared name alone is enough, too: no recordings folder needed.
    name = f"mnist_ad/{prepared.builder_config.name}"
    assert len(tfds.load(name, data_dir=data_dir, split="test")) == 10


def test_preparing_twice_changes_nothing(prepared):
    files = {p: p.stat().mtime for p in prepared.data_path.iterdir()}
    again = open_mnist(prepared.data_dir_root)
    assert again.is_prepared()
    again.download_and_prepare()
    assert files == {p: p.stat().mtime for p in prepared.data_path.iterdir()}


def test_two_builds_are_identical(prepared, tmp_path):
    again = open_mnist(tmp_path)
    again.download_and_prepare()
    for path in prepared.data_path.glob("*.tfrecord*"):
        assert (again.data_path / path.name).read_bytes() == path.read_bytes()


def test_other_recordings_or_options_never_share_a_folder(prepared, other_recordings):
    data_dir = prepared.data_dir_root
    builders = [
        prepared,
        open_mnist(data_dir, other_recordings),
        open_mnist(data_dir, processing={"top_db": 30.0}),
        open_mnist(data_dir, processing=recordings.Processing(peak=0.5)),
        open_mnist(data_dir, pairing_seed=1),
    ]
    assert len({b.data_path for b in builders}) == len(builders)
    assert [b.is_prepared() for b in builders] == [True] + [False] * (len(builders) - 1)
    builders[1].download_and_prepare()
    for example in tfds.as_numpy(builders[1].as_dataset(split="train")):
        if example["label"] == 3:
            expected = builders[1]._pairing.recordings[3].samples
            np.testing.assert_array_equal(example["audio"], expected)
            assert not np.array_equal(expected, prepared._pairing.recordings[3].samples)


def test_the_same_recordings_elsewhere_are_the_same_data_set(prepared, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(DUMMY / "recordings", copy)
    (copy / "zebra").mkdir()  # what is not used does not count
    shutil.copy(copy / "zero" / "tone_0.flac", copy / "zero" / "tone_7.flac")
    assert open_mnist(prepared.data_dir_root, copy).data_path == prepared.data_path
    assert open_mnist(prepared.data_dir_root, copy, speaker="tone").is_prepared()


def test_config_of_a_builder_opens_it_again(prepared, other_recordings):
    config = prepared.builder_config
    assert open_mnist_class(prepared, DUMMY / "recordings", config).is_prepared()
    with pytest.raises(recordings.RecordingsError, match="other recordings or options"):
        open_mnist_class(prepared, other_recordings, config)


def test_pickled_builder(prepared):
    copy = pickle.loads(pickle.dumps(prepared))
    assert copy.data_path == prepared.data_path
    assert copy.info.metadata["recordings"] == prepared.info.metadata["recordings"]


def test_a_killed_build_leaves_nothing_that_looks_prepared(tmp_path):
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
Builder(data_dir={str(tmp_path)!r}, recordings_dir={str(DUMMY / "recordings")!r},
        images_dir={str(DUMMY)!r}).download_and_prepare()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        deadline = time.monotonic() + 60
        while "wrote one" not in (line := process.stdout.readline()):
            assert line and time.monotonic() < deadline, "the build did not start"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    builder = open_mnist(tmp_path)
    assert not builder.is_prepared()
    assert any("incomplete" in path.name for path in builder.data_path.parent.iterdir())
    builder.download_and_prepare()
    assert builder.info.splits["train"].num_examples == 20


def test_a_failed_build_leaves_nothing(tmp_path, monkeypatch):
    builder = open_mnist(tmp_path)
    images = image_sources.TfdsImages.images

    def fail(*args):
        yield from itertools.islice(images(*args), 5)
        raise OSError("disk full")

    monkeypatch.setattr(image_sources.TfdsImages, "images", fail)
    with pytest.raises(audio_description.BuildError, match="cannot be written to .*disk full"):
        builder.download_and_prepare()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.parent.name for path in files] == [".config"]  # TFDS's list of config names
    assert not open_mnist(tmp_path).is_prepared()


def test_images_that_cannot_be_downloaded(tmp_path, monkeypatch):
    builder = data_builders.open_builder(
        "mnist_ad", data_dir=tmp_path, recordings_dir=DUMMY / "recordings"
    )
    images = builder._images.builder()
    monkeypatch.setattr(image_sources.TfdsImages, "builder", lambda self: images)

    def refuse():
        raise ConnectionError("no network")

    monkeypatch.setattr(images, "download_and_prepare", refuse)
    with pytest.raises(image_sources.ImagesError, match="no network.*data_dir"):
        builder.download_and_prepare()
    assert not builder.is_prepared()


def test_images_with_other_classes(monkeypatch, tmp_path):
    swapped = dict(reversed(words.DIGITS.items()))
    monkeypatch.setattr(mnist_ad_dataset_builder.Builder, "WORDS", swapped)
    builder = open_mnist(tmp_path)
    with pytest.raises(image_sources.ImagesError, match="expected are"):
        builder.download_and_prepare()


def test_refusals_come_before_anything_is_written(tmp_path):
    data_dir = tmp_path / "tfds"
    with pytest.raises(recordings.RecordingsError, match="mnist_ad needs recordings"):
        data_builders.open_builder("mnist_ad", data_dir=data_dir)
    with pytest.raises(recordings.RecordingsError, match="does not exist"):
        open_mnist(data_dir, tmp_path / "none")
    with pytest.raises(recordings.RecordingsError, match="top_db, margin_secs, peak"):
        open_mnist(data_dir, processing={"topdb": 3})
    with pytest.raises(
        data_builders.DataSetError, match="Known: digits_ad, mnist_ad, cifar10_ad, cifar100_ad"
    ):
        data_builders.open_builder("minst_ad")
    with pytest.raises(InputError, match="It has: one_recording"):
        data_builders.open_builder("mnist_ad/one_recordings")
    assert not data_dir.exists()


def test_a_subset_of_the_words_is_another_data_set(add, tmp_path, prepared):
    folder = tmp_path / "recordings"
    for word in ("zero", "three", "nine"):
        add(folder, f"{word}/ann_0.wav")
    with pytest.raises(recordings.RecordingsError, match="lacks recordings of 7 of 10 words"):
        open_mnist(tmp_path, folder)
    builder = open_mnist(tmp_path, folder, allow_missing_words=True)
    assert builder.builder_config.name.startswith("one_recording-3words-")
    assert builder.info.features["label"].names == ["0", "3", "9"]
    assert builder.info.metadata["words"] == {"0": "zero", "3": "three", "9": "nine"}
    assert builder.info.metadata["missing_words"] == [
        "one",
        "two",
        *["four", "five", "six", "seven", "eight"],
    ]
    builder.download_and_prepare()
    everything = tfds.as_numpy(prepared.as_dataset(split="train"))
    expected = {e["image_id"]: int(e["label"]) for e in everything if e["label"] in (0, 3, 9)}
    found = {
        e["image_id"]: (int(e["label"]), e["word"].decode())
        for e in tfds.as_numpy(builder.as_dataset(split="train"))
    }
    names = {0: (0, "zero"), 3: (1, "three"), 9: (2, "nine")}
    assert found == {image: names[label] for image, label in expected.items()}
    # A folder that lacks nothing gives the whole data set, under its usual name.
    assert open_mnist(prepared.data_dir_root, allow_missing_words=True).is_prepared()


def test_audio_length(add, tmp_path):
    folder = tmp_path / "recordings"
    for number, word in enumerate(words.DIGITS.values()):
        add(folder, f"{word}/ann_0.wav", secs=0.5 + 0.1 * number)
    with pytest.raises(recordings.RecordingsError, match="longer than the 823 ms"):
        open_mnist(tmp_path, folder)
    auto = open_mnist(tmp_path, folder, audio_length="auto").info.metadata
    assert auto["audio_length"] == max(r["num_samples"] for r in auto["recordings"])
    fixed = open_mnist(tmp_path, folder, audio_length=40000).info.metadata
    assert fixed["audio_length"] == 40000
    for wrong in ("long", 0, -5):
        with pytest.raises(recordings.RecordingsError, match="audio_length is a number"):
            open_mnist(tmp_path, folder, audio_length=wrong)


def test_options_may_be_given_in_the_config(tmp_path):
    """As `tfds build --config '{...}'` gives them."""
    config = audio_description.PairingConfig(
        name="mine", recordings_dir=str(DUMMY / "recordings"), images_dir=str(DUMMY)
    )
    builder = mnist_ad_dataset_builder.Builder(data_dir=tmp_path, config=config)
    name, _, fingerprint = builder.builder_config.name.partition("-")
    assert name == "mine"
    assert open_mnist(tmp_path).builder_config.name.endswith(fingerprint)


def test_takes_and_voices_of_a_prepared_set(add, tmp_path):
    folder = tmp_path / "recordings"
    for word in words.DIGITS.values():
        for voice in ("ann", "bob", "eve"):
            for take in (0, 1):
                add(folder, f"{word}/{voice}_{take}.wav", secs=0.2 + 0.1 * take)
    for policy in ("many_voices_seen", "many_voices_unseen"):
        builder = data_builders.open_builder(
            f"mnist_ad/{policy}", data_dir=tmp_path, recordings_dir=folder, images_dir=DUMMY
        )
        builder.download_and_prepare()
        ids, voices = (builder.info.features[n].names for n in ("recording_id", "voice_id"))
        used = {r["recording_id"]: r for r in builder.info.metadata["recordings"]}
        for split in ("train", "test"):
            for example in tfds.as_numpy(builder.as_dataset(split=split)):
                recording = used[ids[example["recording_id"]]]
                assert split in recording["splits"]
                assert voices[example["voice_id"]] == recording["voice_id"]
                assert example["word"].decode() == recording["word"]
                digest = hashlib.sha256(example["audio"].tobytes()).hexdigest()
                assert digest == recording["samples_sha256"]
        assert builder.info.metadata["policy"] == policy


def read_records(path):
    """The examples of a file in their order; protobuf draws the order of an example's fields anew in each process."""
    return [
        tf.train.Example.FromString(record).SerializeToString(deterministic=True)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]


def test_beam_writes_the_same_examples(prepared, tmp_path, monkeypatch):
    pytest.importorskip("apache_beam")
    monkeypatch.setattr(audio_description, "_BLOCK", 7)
    builder = open_mnist(tmp_path)
    builder.download_and_prepare(
        download_config=beam.download_config(
            "runner=DirectRunner,direct_num_workers=2,direct_running_mode=multi_processing"
        )
    )
    names = sorted(path.name for path in prepared.data_path.iterdir())
    assert sorted(path.name for path in builder.data_path.iterdir()) == names
    for name in names:
        if "tfrecord" in name:
            assert read_records(builder.data_path / name) == read_records(prepared.data_path / name)
        elif name != "dataset_info.json":  # has the time in it
            a, b = (path / name for path in (builder.data_path, prepared.data_path))
            assert a.read_bytes() == b.read_bytes()
    with pytest.raises(beam.BeamError, match="no option --direct_workers=2"):
        beam.download_config("direct_workers=2")


def test_a_full_disk_leaves_nothing(tmp_path):
    code = f"""
import resource, sys
from data_builders.mnist_ad.mnist_ad_dataset_builder import Builder
builder = Builder(data_dir={str(tmp_path)!r}, recordings_dir={str(DUMMY / "recordings")!r}, images_dir={str(DUMMY)!r})
builder._images.prepare()
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))  # a file of 20 kB is all there is room for
from experiments import program
program.run(lambda argv: builder.download_and_prepare())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "cannot be written" in errors[0], done.stderr
    assert not open_mnist(tmp_path).is_prepared()
    assert not [path for path in tmp_path.rglob("*.tfrecord*")]


def test_the_authors_files(tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(20) % 10
    takes = random.uniform(-0.5, 0.5, (10, 3000)).astype(np.float32)
    np.savez(
        tmp_path / "mnist_data.npz",
        random.integers(0, 256, (20, 28, 28, 1)).astype(np.uint8),
        takes[labels],
    )
    np.savez(tmp_path / "mnist_train_label.npz", np.eye(10)[labels])
    names = labels[:10].astype(str)
    np.savez(tmp_path / "mnist_test_data.npz", np.zeros([10, 28, 28, 1], np.uint8), arr_2=names)
    with pytest.raises(recordings.RecordingsError, match="needs npz_dir"):
        data_builders.open_builder("mnist_ad/authors", data_dir=tmp_path)
    with pytest.raises(recordings.RecordingsError, match="digits_ad has no files of the authors"):
        data_builders.open_builder("digits_ad/authors", data_dir=tmp_path, npz_dir=tmp_path)
    builder = data_builders.open_builder(
        "mnist_ad/authors", data_dir=tmp_path / "tfds", npz_dir=tmp_path
    )
    builder.download_and_prepare()
    assert builder.info.metadata["policy"] == "authors"
    assert "no waveforms" in builder.info.metadata["test_reference"]
    for split, count in (("train", 20), ("test", 10)):
        examples = list(tfds.as_numpy(builder.as_dataset(split=split)))
        assert len(examples) == count
        for example in examples:
            expected = np.rint(takes[example["label"]].astype(np.float64) * 32767)
            np.testing.assert_array_equal(example["audio"], expected)


def test_digits_ad_ships_its_own_recordings(tmp_path):
    builder = data_builders.open_builder("digits_ad", data_dir=tmp_path)
    metadata = builder.info.metadata
    assert [r["voice_id"] for r in metadata["recordings"]] == ["joe"] * 10
    assert max(r["num_samples"] for r in metadata["recordings"]) <= 18140
    folder = builder.DEFAULT_RECORDINGS_DIR
    assert sum(path.stat().length for path in folder.glob("*/*.flac")) < 300_000
    image_id, example = next(builder._generate_examples("test"))
    assert image_id == "test_00000"
    image = np.asarray(PIL.Image.open(io.BytesIO(example["image"])))
    assert image.shape == (28, 28) and image.dtype == np.uint8
