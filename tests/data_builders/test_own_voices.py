"""A user's own recordings: other voices, rates and lengths, missing words, an own script."""

import os
import pathlib
import stat
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

import data_builders
from data_builders import recordings, words
from data_builders.digits_ad import digits_ad_dataset_builder

ROOT = pathlib.Path(__file__).parents[2]
NINE = [word for word in words.DIGITS.values() if word != "seven"]
SECS = dict(zip(NINE, np.linspace(0.3, 1.6, 9), strict=True))  # six are longer than L_s


@pytest.fixture(scope="module")
def voices_dir(add, tmp_path_factory):
    """Nine digits: by ann at 24 kHz, mono, 0.3 to 1.6 s; by bob at 44.1 kHz, stereo, short."""
    folder = tmp_path_factory.mktemp("recordings")
    for word, secs in SECS.items():
        add(folder, f"{word}/ann_0.wav", secs=secs, rate=24000)
        add(folder, f"{word}/bob_0.flac", secs=0.3 + secs / 4, rate=44100, channels=2)
    return folder


def open_digits(data_dir, recordings_dir, policy="one_recording", **options):
    return data_builders.open_builder(f"digits_ad/{policy}", data_dir, recordings_dir, **options)


def test_a_missing_word_and_long_words_are_listed(voices_dir, tmp_path):
    with pytest.raises(recordings.RecordingsError) as error:
        open_digits(tmp_path, voices_dir, speaker="ann")
    message = str(error.value)
    assert "lacks recordings of 1 of 10 words: 'seven' (no folder seven)." in message
    assert "--allow_missing_words" in message
    with pytest.raises(recordings.RecordingsError) as error:
        open_digits(tmp_path, voices_dir, speaker="ann", allow_missing_words=True)
    message = str(error.value)
    assert "6 of 9 words are longer than the 823 ms (18140 samples)" in message
    assert "--audio_length=auto" in message
    for word, secs in SECS.items():
        path = f"{voices_dir / word / 'ann_0.wav'} lasts "
        assert (path in message) == (secs > 0.78)
        if secs > 0.78:
            milliseconds = float(message.partition(path)[2].partition(" ms")[0])
            assert milliseconds == pytest.approx(
                1000 * secs + 30, abs=10
            )  # the margins, and what fades
    assert not list(tmp_path.iterdir())


def test_the_others_make_a_data_set_of_their_own_name(voices_dir, tmp_path):
    options = {"allow_missing_words": True, "audio_length": "auto"}
    builder = open_digits(tmp_path, voices_dir, speaker="ann", **options)
    assert builder.builder_config.name.startswith("one_recording-9words-")
    metadata = builder.info.metadata
    assert metadata["missing_words"] == ["seven"]
    assert list(metadata["words"].values()) == NINE
    assert {r["source_rate"] for r in metadata["recordings"]} == {24000}
    assert metadata["audio_length"] == pytest.approx(1.63 * 22050, abs=250)
    builder.download_and_prepare()
    _, labels = digits_ad_dataset_builder.load_digits()
    numbers = {split: [] for split in ("train", "test")}
    for split, found in numbers.items():
        for example in tfds.as_numpy(builder.as_dataset(split=split)):
            word = NINE[example["label"]]
            assert example["word"].decode() == word
            assert len(example["audio"]) == pytest.approx((SECS[word] + 0.03) * 22050, abs=250)
            found.append(int(example["image_id"][-5:]))
    assert sorted(numbers["train"]) == np.flatnonzero(labels[:1437] != 7).tolist()
    assert sorted(numbers["test"]) == np.flatnonzero(labels[1437:] != 7).tolist()


def test_both_voices(voices_dir, tmp_path):
    options = {"allow_missing_words": True, "audio_length": "auto"}
    builder = open_digits(tmp_path, voices_dir, "many_voices_unseen", **options)
    assert builder.builder_config.name.startswith("many_voices_unseen-9words-")
    found = builder.info.metadata["recordings"]
    assert {(r["voice_id"], r["source_rate"]) for r in found} == {("ann", 24000), ("bob", 44100)}
    heard = {r["voice_id"]: r["splits"] for r in found}
    assert sorted(heard.values()) == [["test"], ["train"]]
    for recording in found:
        secs = SECS[recording["word"]]
        secs = secs if recording["voice_id"] == "ann" else 0.3 + secs / 4
        assert recording["num_samples"] == pytest.approx((secs + 0.03) * 22050, abs=250)


def test_any_voice_makes_another_data_set(voices_dir, tmp_path):
    """Ann, the first by name, has three words that fit; bob says the others."""
    options = {"allow_missing_words": True, "speaker": "any"}
    metadata = open_digits(tmp_path, voices_dir, **options).info.metadata
    voices = [r["voice_id"] for r in metadata["recordings"]]
    assert voices == ["ann"] * 3 + ["bob"] * 6
    bob = open_digits(tmp_path, voices_dir, **{**options, "speaker": "bob"}).info.metadata
    assert bob["recordings_fingerprint"] != metadata["recordings_fingerprint"]


def run(code, folder):
    return subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )


def test_a_script_of_a_user(tmp_path):
    """`import data_builders` is all that TFDS needs."""
    code = """
import tensorflow_datasets as tfds
import data_builders

data, info = tfds.load("digits_ad", data_dir="tfds", with_info=True)
(pair,) = tfds.as_numpy(data["test"].take(1))
print("RESULT", len(data["train"]), len(data["test"]), info.features["label"].num_classes,
      *pair["image"].shape, pair["audio"].dtype,
      info.metadata["words"][str(pair["label"])] == pair["word"].decode())
"""
    done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    result = done.stdout[done.stdout.index("RESULT") :].split()
    assert result == ["RESULT", "1437", "360", "10", "28", "28", "1", "int16", "True"]


def others_may_enter(folder):
    return all(place.stat().st_mode & stat.S_IXOTH for place in (folder, *folder.parents))


@pytest.mark.parametrize("unreadable", ["zero/ann_0.wav", "zero", "."])
def test_what_its_user_may_not_read(add, tmp_path, unreadable):
    """Root may read everything and becomes nobody, who may not enter the folders above."""
    if os.geteuid() == 0 and not others_may_enter(ROOT):
        pytest.skip(f"nobody may not read the images in {ROOT}")
    for word in words.DIGITS.values():
        add(tmp_path, f"recordings/{word}/ann_0.wav")
    tmp_path.chmod(0o777)
    path = pathlib.Path("recordings", unreadable)
    (tmp_path / path).chmod(0)
    code = """
import os
import data_builders
from experiments import program

if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
options = {"data_dir": "tfds", "recordings_dir": "recordings"}
program.run(lambda argv: data_builders.open_builder("digits_ad", **options))
"""
    try:
        done = run(code, tmp_path)
    finally:
        (tmp_path / path).chmod(0o700)
    assert done.returncode == 1
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert f"{path}: cannot be read (Permission denied). Check its permissions." in error
    assert "Traceback" not in done.stderr
    assert sorted(child.name for child in tmp_path.iterdir()) == ["recordings"]
