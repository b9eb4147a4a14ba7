"""What is said of a good data set, written by the real builder, and of what cannot be inspected."""

import logging
import re
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

import data_builders
from data_builders.inspection import inspect as inspection
from data_builders.mnist_ad import mnist_ad_dataset_builder
from mtnet_tf import progress
from mtnet_tf.errors import InputError

DUMMY = mnist_ad_dataset_builder.Builder.code_path.parent / "dummy_data"
WORDS = list(mnist_ad_dataset_builder.Builder.WORDS.values())
NAMES = [
    *("pairs", "hashes", "labels", "splits", "leak"),
    *("balance", "silence", "clipping", "images", "recordings"),
]


@pytest.fixture(scope="module")
def result(good):
    return inspection.inspect(good)


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
    monkeypatch.setattr(inspection, "_READ_BATCH", 7)
    monkeypatch.setattr(inspection, "_MAX_HELD", 3)
    monkeypatch.setattr(progress, "SECS", 0)
    with caplog.at_level(logging.INFO, logger="mtnet_tf"):
        parts = inspection.inspect(inspection.open_folder(good.data_path))
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
        found = inspection.inspect(builder)
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


def test_what_is_no_data_set_of_ours(tmp_path, good):
    with pytest.raises(inspection.InspectionError, match="cannot be opened as a prepared data set"):
        inspection.open_folder(tmp_path / "none")
    with pytest.raises(InputError, match="holds no audio-description data set"):
        inspection.inspect(inspection.open_folder(DUMMY / "mnist" / "3.0.1"))
    unprepared = data_builders.open_builder("digits_ad", data_dir=tmp_path)
    with pytest.raises(InputError, match="is not prepared in .*: run experiments.prepare_data"):
        inspection.inspect(unprepared)


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_damaged_files(good, tmp_path, damage):
    folder = tmp_path / "1.0.0"
    shutil.copytree(good.data_path, folder)
    (path,) = folder.glob("*test.tfrecord*")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes(data) if damage == "flipped" else bytes(data[:-100]))
    with pytest.raises(
        InputError, match="damaged or missing .*prepare the data set again"
    ) as error:
        inspection.inspect(inspection.open_folder(folder))
    assert "\n" not in str(error.value)
