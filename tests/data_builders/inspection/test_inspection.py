"""What is said of a good data set, written by the real builder, and of what cannot be inspected."""

import io
import logging
import re
import shutil

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from data_builders.inspection import pass_over_pairs
from data_builders.inspection.pass_over_pairs import inspect
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf import progress
from mtnet_tf.data import loading
from mtnet_tf.data.pairs import DataError
from mtnet_tf.data.prepared import open_prepared

WORDS = list(mnist_ad_dataset_builder.Builder.WORDS.values())
NAMES = [
    *("pairs", "hashes", "labels", "splits", "leak"),
    *("balance", "silence", "clipping", "images", "recordings"),
]


@pytest.fixture(scope="module")
def result(good):
    return inspect(open_prepared(good.data_path))


def checks_of(result):
    return {check.name: check for check in result.checks}


def test_a_good_data_set(result):
    assert [check.name for check in result.checks] == NAMES
    assert result.failed == ()
    statuses = {check.name: check.status for check in result.checks}
    assert statuses.pop("leak") == "note"  # one_recording: the same recordings, by design
    assert set(statuses.values()) == {"ok"}
    assert all("\n" not in check.detail for check in result.checks)


def test_facts(good, result):
    lengths = {r.word: len(r.samples) for r in good._pairing.recordings}
    shortest, longest = min(lengths, key=lengths.get), max(lengths, key=lengths.get)
    files = [path for path in good.data_path.iterdir() if path.is_file()]

    def extreme(word):
        ms = round(lengths[word] / 22.05)
        return {"word": word, "recording_id": f"{word}/tone_0", "ms": ms}

    assert result.facts == {
        "data_set": good.info.full_name,
        "folder": str(good.data_path),
        "policy": "one_recording",
        "pairs": {"train": 20, "test": 10},
        "image_source": "mnist:3.0.1",
        "image_shape": [28, 28, 1],
        "words": WORDS,
        "missing_words": [],
        "shortest": extreme(shortest),
        "longest": extreme(longest),
        "speakers": ["tone"],
        "takes_of_a_word_by_a_speaker": [1, 1],
        "recordings": {"all": 10, "train": 10, "test": 10},
        "audio_length": 18140,
        "audio_length_ms": 823,
        "sample_rate": 22050,
        "num_bytes": sum(len(path.read_bytes()) for path in files),
    }


def test_examples_are_the_first_test_image_of_each_class(good, result):
    assert [example.word for example in result.examples] == WORDS
    wanted = {}
    for pair in tfds.as_numpy(good.as_dataset(split="test")):
        image_id = pair["image_id"].decode()
        if image_id < wanted.get(pair["word"].decode(), ("~",))[0]:
            wanted[pair["word"].decode()] = (image_id, pair)
    for example in result.examples:
        image_id, pair = wanted[example.word]
        assert (example.image_id, example.voice_id) == (image_id, "tone")
        np.testing.assert_array_equal(example.image, pair["image"])
        np.testing.assert_array_equal(example.samples, pair["audio"])


def test_a_folder_in_small_batches_gives_the_same_and_progress_is_told(
    good, result, monkeypatch, caplog
):
    monkeypatch.setattr(loading, "_BATCH", 7)
    monkeypatch.setattr(pass_over_pairs, "_MAX_HELD", 3)
    monkeypatch.setattr(progress, "_SECS", 0)
    with caplog.at_level(logging.INFO, logger="mtnet_tf"):
        parts = inspect(open_prepared(good.data_path))
    assert (parts.facts, parts.checks) == (result.facts, result.checks)
    told = [record.message for record in caplog.records if record.name == progress.__name__]
    assert len(told) == 5  # batches of 7, 7, 6 and 7, 3
    assert re.fullmatch(r"inspected 14/30  \d+ pairs/s  ETA \d:\d\d", told[1])


def test_pairs_in_memory_give_what_the_files_give(good, result, inspect_with):
    found = inspect_with(good)
    assert (found.facts, found.checks) == (result.facts, result.checks)


def test_a_clipped_source_and_long_silence_are_notes(tone, prepare, tmp_path):
    """The clipped one whatever the level that it is brought to."""
    for i, word in enumerate(WORDS):
        limit = 0.2 if word == "four" else 1
        tone(tmp_path / word / "ann_0.wav", 300 + 10 * i, limit=limit)
    for peak, level, margin_secs in ((0.9, "-0.9", 0.09), (1.0, "0.0", 0.2)):
        processing = {"peak": peak, "margin_secs": margin_secs}
        builder = prepare(tmp_path / "tfds", recordings_dir=tmp_path, processing=processing)
        found = inspect(open_prepared(builder.data_path))
        assert not found.failed
        clipping, silence = (checks_of(found)[name] for name in ("clipping", "silence"))
        assert clipping.status == "note"
        assert re.fullmatch(
            rf"1 of 10 have a flat top: four/ann_0 \(\d+ samples at {level} dB\)", clipping.detail
        )
        assert silence.status == ("ok" if margin_secs < 0.1 else "note")
    assert re.match(
        r"10 of 10: zero/ann_0 has (19|20)\d ms before and (19|20)\d ms after the word, one/",
        silence.detail,
    )
    assert silence.detail.endswith(", ... (10 in all)")


@pytest.fixture
def copy(good, tmp_path):
    """A copy of the folder of `good`, to be spoilt."""
    return shutil.copytree(good.data_path, tmp_path / "1.0.0")


def flip(data):
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize("damage", [None, flip, lambda data: data[:-100]])
def test_damaged_files(copy, damage):
    (path,) = copy.glob("*test.tfrecord*")
    data = path.read_bytes()
    path.unlink()
    if damage:
        path.write_bytes(damage(data))
    with pytest.raises(DataError, match="damaged or missing .*prepare the data set again") as error:
        inspect(open_prepared(copy))
    assert path.name in str(error.value) and "\n" not in str(error.value)


def write_examples(path, change):
    """Puts what `change` makes of the examples of a TFRecord file in their place."""
    examples = [
        tf.train.Example.FromString(record)
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    ]
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in change(examples):
            writer.write(example.SerializeToString())


def test_a_file_cut_between_two_pairs(copy):
    (path,) = copy.glob("*train.tfrecord*")
    write_examples(path, lambda examples: examples[:12])
    found = inspect(open_prepared(copy))
    assert "pairs" in found.failed
    assert checks_of(found)["pairs"].detail == "pairs are missing: train has 12 of 20"


def test_what_is_no_file_has_no_bytes(copy, result):
    (copy / "notes").mkdir()
    (copy / "gone.txt").symlink_to(copy / "gone")
    assert inspect(open_prepared(copy)).facts["num_bytes"] == result.facts["num_bytes"]


def test_no_pairs_at_all(copy):
    for path in copy.glob("*.tfrecord*"):
        path.write_bytes(b"")
    with pytest.raises(DataError, match="hold no pairs. Delete the folder and prepare"):
        inspect(open_prepared(copy))


@pytest.mark.parametrize("name", ["label", "recording_id", "voice_id"])
def test_a_number_without_a_name(copy, name):
    def change(examples):
        examples[0].features.feature[name].int64_list.value[:] = [99]
        return examples

    (path,) = copy.glob("*train.tfrecord*")
    write_examples(path, change)
    with pytest.raises(DataError, match=f"{path.name} holds a pair of {name} 99; they go from 0"):
        inspect(open_prepared(copy))


def file_of(mode, size, suffix="PNG"):
    file = io.BytesIO()
    PIL.Image.new(mode, size).save(file, suffix)
    return file.getvalue()


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"no picture", "cannot identify image file"),
        (file_of("L", (28, 28), "EPS"), "cannot identify image file"),
        (file_of("LA", (28, 28)), "it is 28x28 LA; 28x28 L is declared"),
        (file_of("L", (29, 28)), "it is 29x28 L; 28x28 L is declared"),
    ],
    ids=["text", "a program", "transparent", "other size"],
)
def test_an_image_that_cannot_be_decoded(data, reason, copy):
    def change(examples):
        for example in examples:
            example.features.feature["image"].bytes_list.value[:] = [data]
        return examples

    (path,) = copy.glob("*test.tfrecord*")
    write_examples(path, change)
    with pytest.raises(
        DataError, match=rf"image test_\d+ cannot be decoded \({reason}.*Prepare its source"
    ):
        inspect(open_prepared(copy))
