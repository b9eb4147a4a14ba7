"""Recordings folders that would break, fill or stop a program: each is refused in one error."""

import os

import numpy as np
import pytest
import soundfile

from data_builders import recordings
from mtnet_tf.data import audio
from mtnet_tf.errors import InputError

RATE = 22050


@pytest.fixture
def word(tmp_path):
    """The folder of the word "zero"."""
    folder = tmp_path / "zero"
    folder.mkdir()
    return folder


def tone(secs=0.3, level=0.3):
    return level * np.sin(2 * np.pi * 440 * np.arange(int(secs * RATE)) / RATE)


def refusal(word, processing=None):
    with pytest.raises(InputError) as error:
        for file in recordings.find_recordings(word.parent, ["zero"]):
            recordings.load_recording(file, processing or recordings.Processing())
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    "name",
    [
        *(b"a\nb_0.wav", b"a\tb_0.wav", b"a\x7f_0.wav", b"a\xc2\x85b_0.wav", b"a_0.wa\nv.wav"),
        *(b" ann_0.wav", b"ann _0.wav", b" _0.wav", b"caf\xe9_0.wav", b"a\xe2\x80\xa8b_0.wav"),
    ],
)
def test_names_that_cannot_be_labels(word, name):
    """TFDS would read a name of two lines as two labels."""
    with open(os.path.join(os.fsencode(word), name), "wb"):
        pass
    message = refusal(word)
    assert f"{word}: the file name {os.fsdecode(name)!r} has" in message
    assert "Rename the file" in message


def test_other_alphabets_are_names(word):
    for name in (
        "josé_0.wav",
        "Jürgen Müller_0.wav",
        "李_0.wav",
        "e\N{COMBINING ACUTE ACCENT}_0.wav",
    ):
        soundfile.write(word / name, tone(), RATE)
    assert len(recordings.find_recordings(word.parent, ["zero"])) == 4


SPIKE = tone()
SPIKE[3000] = 3e38
CLICK = np.zeros(RATE)
CLICK[9000] = 0.5
TWO_CLICKS = CLICK + np.roll(CLICK, 8000)


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
@pytest.mark.parametrize(
    "samples, message",
    [
        (np.array([0.5]), "ms are left of it, trimmed at --top_db=45"),
        (np.full(100, 0.5), "ms are left of it"),
        (np.full(20000, 0.1), "constant offset"),
        (np.pad(np.full(20000, 0.1), 20000), "constant offset"),
        (CLICK, "left of it|one click"),
        (TWO_CLICKS, "one click"),
        (SPIKE, "left of it|one click"),
        (np.zeros(2000), "silent"),
    ],
    ids=["sample", "fragment", "DC", "DC in zeros", "click", "two clicks", "spike", "silence"],
)
def test_what_is_no_word(word, rate, samples, message):
    soundfile.write(word / "ann_0.wav", samples, rate, subtype="FLOAT")
    with pytest.raises(audio.AudioError, match=f"zero/ann_0.wav: .*({message})"):
        recordings.load_recording(
            recordings.find_recordings(word.parent, ["zero"])[0], recordings.Processing()
        )


@pytest.mark.parametrize("samples", [tone(0.04), tone(level=1e-20), tone() + 0.15])
def test_what_may_be_a_word(word, samples):
    """A short tone, one that is quiet in a float file, and one with an offset."""
    soundfile.write(word / "ann_0.wav", samples, RATE, subtype="FLOAT")
    (file,) = recordings.find_recordings(word.parent, ["zero"])
    found = recordings.load_recording(file, recordings.Processing()).samples
    assert np.abs(found).max() == round(0.9 * 32767)


@pytest.mark.parametrize(
    "field, wanted",
    [
        ({"peak": 1e-6}, r"--peak must be in \[0.01, 1\]. Received: 1e-06"),
        ({"peak": float("nan")}, "--peak"),
        ({"peak": "0.5"}, "--peak .* Received: '0.5'"),
        ({"top_db": float("inf")}, "--top_db must be positive"),
        ({"margin_secs": 1e300}, "--margin_secs"),
    ],
)
def test_processing_that_leaves_nothing(field, wanted):
    with pytest.raises(recordings.RecordingsError, match=wanted):
        recordings.make_processing(field)


def test_a_word_that_is_trimmed_away(word):
    soundfile.write(word / "ann_0.wav", tone() * np.linspace(0.1, 1, len(tone())), RATE)
    message = refusal(word, recordings.Processing(top_db=0.01))
    assert "trimmed at --top_db=0.01" in message and "larger --top_db" in message


@pytest.mark.parametrize("make", ["pipe", "device", "folder"])
def test_what_is_no_regular_file(word, make):
    path = word / "ann_0.wav"
    if make == "pipe":
        os.mkfifo(path)
    elif make == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    assert f"{path}: cannot be read: it is not a regular file" in refusal(word)


@pytest.mark.parametrize(
    "make", ["pipe", "device", "huge", "not UTF-8", "nested", "long number", "infinite"]
)
def test_a_maker_record_that_is_none(tmp_path, make):
    path = tmp_path / recordings.MAKER_RECORD
    if make == "pipe":
        os.mkfifo(path)
    elif make == "device":
        path.symlink_to("/dev/zero")
    else:
        texts = {
            "huge": b" " * 10_000_001,
            "not UTF-8": b'{"recordings": {"a": "caf\xe9"}}',
            "nested": b"[" * 1_000_000,
            "long number": b'{"recordings": {"a": ' + b"1" * 100_000 + b"}}",
            "infinite": b'{"recordings": {"a": "a"}, "gain": 1e999}',
        }
        path.write_bytes(texts[make])
    assert recordings.read_maker_record(tmp_path, ["a"]) is None
