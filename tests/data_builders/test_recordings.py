"""The recordings folder reader, on folders made of tones."""

import hashlib

import numpy as np
import pytest
import soundfile

from data_builders import recordings
from mtnet_tf import audio
from mtnet_tf.errors import InputError

WORDS = ["zero", "fire truck"]
PROCESSING = recordings.Processing()


def add(root, name, secs=0.3, rate=22050, silence_secs=0.1, **kwargs):
    """Writes a tone between two silences as e.g. `zero/ann_0.wav`."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(secs * rate)) / rate
    silence = np.zeros(int(silence_secs * rate))
    soundfile.write(
        path,
        np.concatenate([silence, 0.3 * np.sin(2 * np.pi * 440 * time), silence]),
        rate,
        **kwargs,
    )
    return path


@pytest.fixture
def folder(tmp_path):
    for word in ("zero", "fire_truck"):
        for take in (0, 1):
            add(tmp_path, f"{word}/ann_{take}.wav", secs=0.3 + 0.1 * take)
    return tmp_path


def choose(folder, audio_length=18140, speaker=None, processing=PROCESSING):
    files = recordings.find_recordings(folder, WORDS)
    return recordings.choose_one_recording(files, WORDS, audio_length, processing, speaker)


def test_names_are_split_at_the_last_underscore(tmp_path):
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


def test_lowest_take_is_chosen_in_the_order_of_the_words(folder):
    chosen = choose(folder)
    assert [r.recording_id for r in chosen] == ["zero/ann_0", "fire_truck/ann_0"]
    assert [r.longer_takes for r in chosen] == [(), ()]


def test_takes_are_ordered_as_numbers(tmp_path):
    for name in ("zero/ann_10.wav", "zero/ann_9.wav", "fire_truck/ann_10.wav"):
        add(tmp_path, name)
    assert [r.take for r in choose(tmp_path)] == [9, 10]


def test_a_take_that_is_too_long_is_passed_over_and_recorded(tmp_path):
    add(tmp_path, "zero/ann_0.wav", secs=1.2)
    add(tmp_path, "zero/ann_1.wav", secs=1.0)
    add(tmp_path, "zero/ann_2.wav", secs=0.5)
    # Trimming comes before the check of the length: 0.5 s of sound in 2.5 s.
    add(tmp_path, "fire_truck/ann_0.wav", secs=0.5, silence_secs=1)
    chosen = choose(tmp_path)
    assert [(r.take, r.longer_takes) for r in chosen] == [(2, (0, 1)), (0, ())]


def test_length_limit_is_inclusive(folder):
    longest = max(len(r.samples) for r in choose(folder))
    assert len(choose(folder, audio_length=longest)) == 2
    with pytest.raises(recordings.RecordingsError):
        choose(folder, audio_length=min(len(r.samples) for r in choose(folder)) - 1)


def test_words_that_are_too_long_are_named_with_their_length(tmp_path):
    add(tmp_path, "zero/ann_0.wav", secs=1.0)
    add(tmp_path, "zero/ann_1.wav", secs=0.9)
    add(tmp_path, "fire_truck/ann_0.wav", secs=2.0)
    with pytest.raises(recordings.RecordingsError) as error:
        choose(tmp_path)
    message = str(error.value)
    assert "2 of 2 words" in message and "823 ms (18140 samples)" in message
    assert "zero/ann_1.wav lasts 93" in message and "the shortest of 2 takes" in message
    assert "fire_truck/ann_0.wav lasts 203" in message


def test_missing_words_are_one_list(folder):
    (folder / "six").mkdir()
    with pytest.raises(recordings.RecordingsError) as error:
        recordings.find_recordings(folder, ["zero", "six", "ice cream", "fire truck"])
    message = str(error.value)
    assert "2 of 4 words" in message
    assert "'six' (the folder six has no recordings)" in message
    assert "'ice cream' (no folder ice_cream)" in message
    assert "Folders found: fire_truck, six, zero." in message


def test_missing_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for name in ("none", "file"):
        with pytest.raises(recordings.RecordingsError, match="does not exist or is not a folder"):
            recordings.find_recordings(tmp_path / name, WORDS)


def test_several_speakers_need_a_name(folder):
    add(folder, "zero/bob_0.wav")
    with pytest.raises(recordings.RecordingsError) as error:
        choose(folder)
    assert "ann (2 of 2 words), bob (1 of 2 words)" in str(error.value)
    assert [r.voice_id for r in choose(folder, speaker="ann")] == ["ann", "ann"]
    with pytest.raises(
        recordings.RecordingsError, match="'bob' has no .* 1 of 2 words: fire truck"
    ):
        choose(folder, speaker="bob")
    with pytest.raises(recordings.RecordingsError, match="no speaker 'eve'"):
        choose(folder, speaker="eve")


@pytest.mark.parametrize(
    "name", ["zero/ann.wav", "zero/_1.wav", "zero/ann_one.wav", "zero/ann_-1.wav"]
)
def test_bad_file_names(folder, name):
    path = add(folder, name)
    with pytest.raises(recordings.RecordingsError, match="<speaker>_<take>.wav") as error:
        recordings.find_recordings(folder, WORDS)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["zero/ann_0.flac", "zero/ann_00.wav"])
def test_the_same_take_twice(folder, name):
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
def test_a_broken_take_is_refused_by_name_and_not_passed_over(folder, content, message):
    path = folder / "zero" / "ann_0.wav"
    if content == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif content == "silent":
        soundfile.write(path, np.zeros(5000), 22050)
    else:
        path.write_bytes(content)
    with pytest.raises(audio.AudioError, match=message) as error:
        choose(folder)
    assert str(path) in str(error.value)
    assert isinstance(error.value, InputError)
