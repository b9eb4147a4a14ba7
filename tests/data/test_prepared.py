"""The files of a prepared data set: read as by TFDS, one error for each fault, and never run."""

import contextlib
import importlib
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import tensorflow as tf
import tensorflow_datasets as tfds

import data_builders
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf.config import DataConfig
from mtnet_tf.data import loading, prepared
from mtnet_tf.data.pairs import DataError
from tests.dummy import DUMMY

WORDS = list(mnist_ad_dataset_builder.Builder.WORDS.values())
TRAIN = "mnist_ad-train.tfrecord-00000-of-00001"


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """The builder of a prepared data set of 20 and 10 images, two voices and three takes."""
    folder = tmp_path_factory.mktemp("recordings")
    for i, word in enumerate(WORDS):
        (folder / word).mkdir()
        for j, voice in enumerate(("ann", "bob")):
            for take in range(3):
                times = np.arange(2000 + 100 * i + 10 * j + take) / 22050
                tone = 0.3 * np.sin(2 * np.pi * (300 + 60 * i + 20 * j + 5 * take) * times)
                soundfile.write(folder / word / f"{voice}_{take}.wav", tone, 22050)
    builder = data_builders.open_builder(
        "mnist_ad/many_voices_seen", folder / "tfds", folder, images_dir=DUMMY
    )
    builder.download_and_prepare()
    return builder


@pytest.fixture(scope="module")
def digits(data_dir):
    return data_builders.open_builder("digits_ad", data_dir=data_dir)


@pytest.fixture
def copy(several, tmp_path):
    """A copy of the folder of `several`, to be spoilt."""
    return shutil.copytree(several.data_path, tmp_path / "copy" / "1.0.0")


def load(folder):
    return loading.load(prepared.open_prepared(folder), DataConfig(validation_fraction=0))


@pytest.mark.parametrize("name", ["digits", "several"])
def test_what_is_read_is_what_tfds_reads(name, request):
    """The folder's own description, and pair by pair all that a user of tfds.load sees."""
    builder = request.getfixturevalue(name)
    dataset, info = prepared.open_prepared(str(builder.data_path)), builder.info
    assert dataset.full_name == info.full_name
    assert dataset.image_shape == info.features["image"].shape
    assert list(dataset.class_names) == info.features["label"].names
    assert list(dataset.recording_ids) == info.features["recording_id"].names
    assert list(dataset.voice_ids) == info.features["voice_id"].names
    assert dataset.metadata == dict(info.metadata)
    data = load(builder.data_path)
    voices = set()
    for split, pairs in (("train", data.train), ("test", data.test)):
        assert dataset.splits[split].num_pairs == info.splits[split].num_examples == len(pairs)
        assert list(dataset.splits[split].files) == info.splits[split].filepaths
        place = {image_id: i for i, image_id in enumerate(pairs.image_ids)}
        assert list(place) == sorted(place)
        for example in builder.as_dataset(split=split).as_numpy_iterator():
            i = place.pop(example["image_id"].decode())
            np.testing.assert_array_equal(pairs.images[i], example["image"])
            assert pairs.labels[i] == example["label"]
            assert pairs.recordings[i] == example["recording_id"]
            assert pairs.voices[i] == example["voice_id"]
            assert data.words[example["label"]] == example["word"].decode()
            padded = data.recordings.waveforms[example["recording_id"]]
            np.testing.assert_array_equal(padded[: len(example["audio"])], example["audio"])
            assert not padded[len(example["audio"]) :].any()
            voices.add(data.voices[pairs.voices[i]])
        assert not place
    assert voices == ({"joe"} if name == "digits" else {"ann", "bob"})


def test_undecoded_images_and_the_words_of_the_pairs(several, monkeypatch):
    monkeypatch.setattr(loading, "_BATCH", 8)
    dataset = prepared.open_prepared(several.data_path)
    (file,) = dataset.splits["train"].files
    batches = list(loading.read_batches(dataset, file, decode_images=False))
    assert [len(batch["label"]) for batch in batches] == [8, 8, 4]
    for batch in batches:
        assert all(png.startswith(b"\x89PNG") for png in batch["image"])
        assert list(batch["word"]) == [WORDS[label] for label in batch["label"]]


def test_tfds_is_not_imported():
    """Its import takes seconds, and nothing that is read needs it."""
    code = (
        "import sys, mtnet_tf.data.prepared, mtnet_tf.evaluation.run\n"
        "assert 'tensorflow_datasets' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_no_module_that_the_folder_names_is_imported(copy, tmp_path, monkeypatch):
    marker = tmp_path / "it was run"
    (tmp_path / "named_by_features.py").write_text(f"open({str(marker)!r}, 'w')\n")
    features = copy / "features.json"
    text = features.read_text()
    for name in ("image_feature.Image", "features_dict.FeaturesDict"):
        text = text.replace(f"tensorflow_datasets.core.features.{name}", "named_by_features.Class")
    features.write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    importlib.invalidate_caches()
    load(copy)
    assert not marker.exists()
    with contextlib.suppress(Exception):  # TFDS itself runs it
        tfds.builder_from_directory(copy)
    assert marker.exists()


def test_a_folder_that_is_none(tmp_path):
    for path in (tmp_path, tmp_path / "none", tmp_path / "nul\0", tmp_path / ("long" * 99)):
        with pytest.raises(DataError, match="^[^ ]* cannot be opened as a prepared data set"):
            prepared.open_prepared(path)
    with pytest.raises(DataError, match=r"it has no dataset_info.json.*run experiments\.prepare_d"):
        prepared.open_prepared(str(tmp_path))
    with pytest.raises(DataError, match="holds no audio-description data set"):
        prepared.open_prepared(DUMMY / "mnist" / "3.0.1")


@pytest.mark.parametrize(
    "name",
    [
        *("dataset_info.json", "features.json", "metadata.json"),
        *("label.labels.txt", "recording_id.labels.txt", "voice_id.labels.txt"),
    ],
)
def test_each_file_is_needed_and_bounded(copy, name, monkeypatch):
    contents = (copy / name).read_bytes()
    (copy / name).write_bytes(contents + b"\xff")
    with pytest.raises(DataError, match=rf"{name} is not UTF-8 text.*prepare the data set again"):
        prepared.open_prepared(copy)
    (copy / name).unlink()
    with pytest.raises(DataError, match=f"^{copy} cannot be .* it has no {name}"):
        prepared.open_prepared(copy)
    (copy / name).mkdir()
    with pytest.raises(DataError, match=f"it has no {name}"):
        prepared.open_prepared(copy)
    (copy / name).rmdir()
    (copy / name).write_bytes(contents + b" " * 30000)
    monkeypatch.setattr(prepared, "_MAX_FILE_BYTES", 30000)
    with pytest.raises(DataError, match=f"{name} is larger than 30000 bytes"):
        prepared.open_prepared(copy)


@pytest.mark.parametrize("name", ["dataset_info.json", "features.json", "metadata.json"])
@pytest.mark.parametrize(
    "text, message",
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "has no "),
        ("null", "has no "),
        ("{}", "has no "),
    ],
)
def test_broken_json(copy, name, text, message):
    (copy / name).write_text(text)
    with pytest.raises(DataError, match=f"{name} {message}.*prepare the data set again"):
        prepared.open_prepared(copy)


def put(*keys, value):
    """The function that puts a value under nested keys, which may be numbers of items."""

    def change(values):
        for key in keys[:-1]:
            values = values[key]
        values[keys[-1]] = value

    return change


FEATURES = "featuresDict", "features"
SIDES = *FEATURES, "image", "image", "shape", "dimensions"
WRONG_VALUES = {
    "dataset_info.json": [
        (put("name", value="../up"), r"has name '../up'"),
        (put("name", value=7), r"has name 7; it is text"),
        (put("configName", value="a/b"), "has configName 'a/b'"),
        (put("version", value="newest"), "has version 'newest'"),
        (put("fileFormat", value="riegeli"), "is stored as riegeli: prepare it as tfrecord"),
        (put("splits", value={}), "has splits {}; it is a list"),
        (put("splits", value=[7]), "they are train and test"),
        (put("splits", 0, "shardLengths", value=None), "each has shardLengths"),
        (put("splits", value=[]), "they are train and test"),
        (put("splits", 0, "name", value="validation"), "they are train and test"),
        (put("splits", 0, "name", value=[]), "they are train and test"),
        (put("splits", 0, "shardLengths", value=["-1"]), "are numbers of pairs"),
        (put("splits", 0, "shardLengths", value=[20]), "are numbers of pairs"),
        (put("splits", 0, "shardLengths", value=["0"]), "are numbers of pairs"),
        (put("splits", 0, "shardLengths", value=[]), "are numbers of pairs"),
        (put("splits", 0, "filepathTemplate", value="/etc/passwd"), "each names its files {DATA"),
    ],
    "features.json": [
        (put(*FEATURES, "text", value={}), "holds no audio-description data set"),
        (put(*FEATURES, "audio", value="loud"), "features.audio 'loud'; it is an object"),
        (put(*FEATURES, "audio", "tensor", "dtype", value="float32"), "declares audio as"),
        (put(*FEATURES, "image", "image", "encodingFormat", value="jpeg"), "declares image as"),
        (put(*FEATURES, "label", "classLabel", "numClasses", value="11"), "declares label as"),
        (put(*FEATURES, "voice_id", "classLabel", value={}), "declares voice_id as"),
        (put(*FEATURES, "word", "text", value=None), "declares word as"),
        (put(*SIDES, value=["28", "28", "2"]), "gives images the shape"),
        (put(*SIDES, value=["28", "0", "1"]), "gives images the shape"),
        (put(*SIDES, value=["28", "28"]), "gives images the shape"),
        (put(*SIDES, value=["-1", "-1", "1"]), "gives images the shape"),
        (put(*SIDES, value=["100000", "100000", "3"]), "gives images the shape"),
        (put(*SIDES, value=[28, 28, 1]), "gives images the shape"),
    ],
    "metadata.json": [
        (put("audio_length", value="long"), "has audio_length 'long'; it is a whole number"),
        (put("audio_length", value=True), "has audio_length True"),
        (put("audio_length", value=0), "it is 1 to 16777216 samples"),
        (put("audio_length", value=10**9), "it is 1 to 16777216 samples"),
        (put("sample_rate", value=8000), "it is 22050 Hz"),
        (put("words", "7", value=7), "words are text"),
        (put("words", value={"7": "seven"}), "contradict each other"),
        (put("missing_words", value=[7]), "words are text"),
        (put("digit_size", value=-1), "it is 1 to 4096 pixels"),
        (put("digit_size", value="small"), "has digit_size 'small'"),
        (put("processing", value=7), "has processing 7"),
        (lambda values: values.pop("processing"), "has no processing"),
        (put("processing", value={"peak": "loud"}), r"its peak is a number in \(0, 1\]"),
        (put("recordings_fingerprint", value=None), "has recordings_fingerprint None"),
        (lambda values: values["recordings"].reverse(), "contradict each other"),
        (put("recordings", 3, value=7), "written by an earlier version"),
        (lambda values: values["recordings"][3].pop("samples_sha256"), "by an earlier version"),
    ],
}


@pytest.mark.parametrize(
    "name, change, message",
    [(name, *case) for name, cases in WRONG_VALUES.items() for case in cases],
)
def test_a_value_that_no_builder_writes(copy, name, change, message):
    values = json.loads((copy / name).read_text())
    change(values)
    (copy / name).write_text(json.dumps(values))
    with pytest.raises(DataError, match=message) as error:
        prepared.open_prepared(copy)
    assert str(copy) in str(error.value) and "repare" in str(error.value)


@pytest.mark.parametrize("text", ["", "0\n0\n1\n2\n3\n4\n5\n6\n7\n8\n"])
def test_names_are_there_and_differ(copy, text):
    (copy / "label.labels.txt").write_text(text)
    with pytest.raises(DataError, match="label.labels.txt holds no names, or one of them twice"):
        prepared.open_prepared(copy)


def write_records(path, change):
    """Changes the examples of a TFRecord file, a list of `tf.train.Example`."""
    examples = [
        tf.train.Example.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    examples = change(examples) or examples
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())


def store(name, value):
    """The function that changes the third pair: bytes or a number under a name, or nothing."""

    def change(examples):
        feature = examples[2].features.feature[name]
        feature.Clear()
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif value is not None:
            feature.int64_list.value.append(value)

    return change


def png(*shape):
    return tf.io.encode_png(np.zeros(shape, np.uint8)).numpy()


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda examples: examples[:7], "holds 7 pairs instead of 20"),
        (lambda examples: [*examples, examples[0]], "holds 21 pairs instead of 20"),
        (store("label", 10), "holds a pair of label 10; they go from 0 to 9"),
        (store("label", -1), "holds a pair of label -1"),
        (store("recording_id", 60), "holds a pair of recording_id 60; they go from 0 to 59"),
        (store("voice_id", 2), "holds a pair of voice_id 2; they go from 0 to 1"),
        (store("label", None), "is damaged or missing"),
        (store("label", b"7"), "is damaged or missing"),
        (store("audio", b"abc"), "holds audio of an odd number of bytes"),
        (store("image_id", b"\xff"), "holds text that is not UTF-8"),
        (store("image", b"no picture"), "is damaged or missing"),
        (store("image", png(28, 28, 1)[:60]), "is damaged or missing"),
        (store("image", png(29, 28, 1)), "is damaged or missing"),
    ],
)
def test_pairs_that_no_builder_writes(copy, change, message):
    write_records(copy / TRAIN, change)
    with pytest.raises(DataError, match=f"{TRAIN} {message}.*prepare the data set again") as error:
        load(copy)
    assert "\n" not in str(error.value)


def flip(data):
    return data[:5000] + bytes([data[5000] ^ 1]) + data[5001:]


@pytest.mark.parametrize("damage", [None, flip, lambda data: data[:-100], lambda data: b"text" * 9])
def test_a_damaged_file_of_pairs(copy, damage):
    data = (copy / TRAIN).read_bytes()
    (copy / TRAIN).unlink()
    if damage:
        (copy / TRAIN).write_bytes(damage(data))
    with pytest.raises(DataError, match=f"{TRAIN} is damaged or missing") as error:
        load(copy)
    assert "\n" not in str(error.value)


def test_an_empty_file_of_pairs(copy):
    (copy / TRAIN).write_bytes(b"")
    with pytest.raises(DataError, match=f"{TRAIN} holds 0 pairs instead of 20"):
        load(copy)


def test_recordings_larger_than_memory(copy):
    dataset = prepared.open_prepared(copy)
    for audio_length in (2**50, 2**62):
        with pytest.raises(DataError, match="60 recordings, which do not fit into memory"):
            loading.load(dataset, DataConfig(audio_length=audio_length))
