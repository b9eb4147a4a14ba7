"""The recordings folder reader, on folders made of tones."""

import hashlib

import numpy as np
import pytest
import soundfile

from data_builders import recordings
from mtnet_tf.data import audio
from mtnet_tf.errors import InputError

WORDS = ["zero", "fire truck"]
PROCESSING = recordings.Processing()


def test_names_are_split_at_the_last_underscore(add, tmp_path):
    add(tmp_path, "zero/af_heart_12.wav")
    add(tmp_path, "zero/ann_3.FLAC")
    add(tmp_path, "fire_truck/ann_03.ogg")
    add(tmp_path, "fire_truck/ann_20.mp3")
    add(tmp_path, "zebra/not asked for.wav")
    (tmp_path / "zero" / ".hidden_0.wav").write_bytes(b"")
    (tmp_path / "zero" / "notes.txt").write_text("ignored")
    (tmp_path / "recordings.json").write_text("{}")
    files = recordings.find_recordings(tmp_path, WORDS)
    assert [(f.word, f.voice_id, f.take) for f in files] == [
        ("zero", "af_heart", 12),
        ("zero", "ann", 3),
        ("fire truck", "ann", 3),
        ("fire truck", "ann", 20),
    ]


def test_processing_of_a_48k_stereo_mp3(tmp_path):
    path = tmp_path / "zero" / "ann_0.mp3"
    path.parent.mkdir()
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(24000) / 48000)
    silence = np.zeros(12000)
    clip = np.concatenate([silence, tone, silence])
    soundfile.write(path, np.stack([clip, clip], 1), 48000, format="MP3")
    (file,) = recordings.find_recordings(tmp_path, ["zero"])
    recording = recordings.load_recording(file, PROCESSING)
    assert recording.source_rate == 48000
    assert recording.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert recording.samples.dtype == np.int16
    assert np.abs(recording.samples).max() == round(0.9 * 32767)
    assert recording.duration_ms == pytest.approx(520, abs=25)  # the tone and two margins


def test_processing_options_are_used(folder):
    file = recordings.find_recordings(folder, WORDS)[0]
    half = recordings.load_recording(file, recordings.Processing(peak=0.5)).samples
    assert np.abs(half).max() == round(0.5 * 32767)
    wide = recordings.load_recording(file, recordings.Processing(margin_secs=0.05)).samples
    assert len(wide) == pytest.approx(len(half) + 2 * 0.04 * 22050, abs=2)


@pytest.mark.parametrize("field", [{"top_db": 0}, {"peak": 1.1}, {"margin_secs": -1}])
def test_processing_refuses(field):
    with pytest.raises(recordings.RecordingsError, match=next(iter(field))):
        recordings.Processing(**field)


def test_missing_words_are_one_list(folder):
    (folder / "six").mkdir()
    with pytest.raises(recordings.RecordingsError) as error:
        recordings.find_recordings(folder, ["zero", "six", "ice cream", "fire truck"])
    message = str(error.value)
    assert "2 of 4 words" in message and "--allow_missing_words" in message
    assert "'six' (the folder six has no recordings)" in message
    assert "'ice cream' (no folder ice_cream)" in message
    assert "Folders found: fire_truck, six, zero." in message


def test_missing_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("none", "file"):
        with pytest.raises(recordings.RecordingsError, match="does not exist or is not a folder"):
            recordings.find_recordings(tmp_path / name, WORDS)


@pytest.mark.parametrize(
    "name", ["zero/ann.wav", "zero/_1.wav", "zero/ann_one.wav", "zero/ann_-1.wav"]
)
def test_bad_file_names(add, folder, name):
    path = add(folder, name)
    with pytest.raises(recordings.RecordingsError, match="<speaker>_<take>.wav") as error:
        recordings.find_recordings(folder, WORDS)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["zero/ann_0.flac", "zero/ann_00.wav"])
def test_the_same_take_twice(add, folder, name):
    add(folder, name)
    with pytest.raises(recordings.RecordingsError, match="both take 0 of 'ann'"):
        recordings.find_recordings(folder, WORDS)


def test_other_audio_formats_are_not_overlooked(folder):
    (folder / "zero" / "ann_5.m4a").write_bytes(b"")
    with pytest.raises(recordings.RecordingsError, match="ann_5.m4a.*Convert"):
        recordings.find_recordings(folder, WORDS)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "empty"),
        (b"hello\n" * 100, "cannot be decoded"),
        ("truncated", "truncated"),
        ("silent", "silent"),
    ],
)
def test_a_broken_file_is_refused_by_name(folder, content, message):
    path = folder / "zero" / "ann_0.wav"
    if content == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif content == "silent":
        soundfile.write(path, np.zeros(5000), 22050)
    else:
        path.write_bytes(content)
    with pytest.raises(audio.AudioError, match=message) as error:
        recordings.load_recording(recordings.find_recordings(folder, WORDS)[0], PROCESSING)
    assert str(path) in str(error.value)
    assert isinstance(error.value, InputError)


def test_missing_words_may_be_left_out(folder):
    words = ["zero", "ice cream", "fire truck"]
    files = recordings.find_recordings(folder, words, allow_missing_words=True)
    assert {file.word for file in files} == {"zero", "fire truck"}
    with pytest.raises(recordings.RecordingsError, match="1 of 1 words: 'ice cream'"):
        recordings.find_recordings(folder, ["ice cream"], allow_missing_words=True)


def test_make_processing():
    assert recordings.make_processing(None) == PROCESSING
    assert recordings.make_processing({"peak": 0.5}).peak == 0.5
    with pytest.raises(recordings.RecordingsError, match="top_db, margin_secs, peak"):
        recordings.make_processing({"topdb": 3})


def test_how_recordings_were_made(tmp_path):
    path = tmp_path / recordings.MAKER_RECORD
    assert recordings.read_maker_record(None, ["a"]) is None
    assert recordings.read_maker_record(tmp_path, ["a"]) is None
    path.write_text(
        '{"command": "python -m x", "recordings": {"zero/a_0.wav": "a", "one/a_0.wav": "b"}}'
    )
    assert recordings.read_maker_record(tmp_path, ["a"]) == {"command": "python -m x"}
    assert recordings.read_maker_record(tmp_path, ["a", "c"]) is None  # it is about other files
    for text in ("{", "[]", "{}", '{"recordings": 3}', '{"recordings": {"a": []}}'):
        path.write_text(text)
        assert recordings.read_maker_record(tmp_path, ["a"]) is None
