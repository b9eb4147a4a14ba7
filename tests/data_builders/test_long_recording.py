"""One long recording of a person, cut into the takes of a recordings folder."""

import math
import pathlib

import numpy as np
import PIL.Image
import pytest
import scipy.signal

from data_builders import recording_makers
from data_builders.errors import RecordingsError
from data_builders.recordings import Processing, find_recordings, load_recording
from mtnet_tf.data import audio, audio_files
from mtnet_tf.files import read_json

SHIPPED = pathlib.Path(recording_makers.__file__).parents[1] / "spoken_words"
WORDS = ["six", "eight", "nine"]  # with a hiss, a stop and a hum
RATE = 22050


def spoken(word):
    (path,) = (SHIPPED / word).iterdir()
    return audio_files.read_audio(path)[0]


def read_list(takes=2, pause=0.6, noise=1e-3):
    """A reading of WORDS in a room, and where each word begins."""
    random, parts, starts = np.random.default_rng(0), [np.zeros(int(0.4 * RATE))], []
    for word in WORDS * takes:
        starts.append(sum(map(len, parts)))
        parts += [spoken(word), np.zeros(int(pause * RATE))]
    samples = np.concatenate(parts)
    return samples + random.normal(0, noise, len(samples)), starts


@pytest.fixture
def reading(tmp_path):
    samples, starts = read_list()
    audio_files.write_audio(tmp_path / "reading.wav", samples, RATE)
    return tmp_path / "reading.wav", starts


def test_each_word_is_cut_out_where_it_was_said(reading, tmp_path):
    path, starts = reading
    record = recording_makers.make_cut_recordings(tmp_path / "out", path, WORDS, "ann")
    assert record == read_json(tmp_path / "out/recordings.json")
    found = find_recordings(tmp_path / "out", WORDS)
    assert [(f.word, f.voice_id, f.take) for f in found] == [
        (word, "ann", take) for word in WORDS for take in (0, 1)
    ]
    whole = audio_files.read_audio(path)[0]
    for file in found:
        cut, rate = audio_files.read_audio(file.path)
        assert rate == RATE
        place = starts[file.take * len(WORDS) + WORDS.index(file.word)]
        # The cut is a part of the reading, and the whole word lies in it.
        around = max(place - int(0.3 * RATE), 0)
        near = whole[around : place + len(cut)]
        first = around + int(np.argmax(scipy.signal.correlate(near, cut, "valid")))
        np.testing.assert_allclose(whole[first : first + len(cut)], cut, atol=1e-4)
        assert 0 <= place - first <= 0.3 * RATE
        assert first + len(cut) >= place + len(spoken(file.word)) - 0.05 * RATE
        # What a data set makes of it is what it makes of the word itself.
        processed = load_recording(file, Processing()).samples
        expected = Processing().apply(spoken(file.word), RATE)
        assert len(processed) == pytest.approx(len(expected), abs=0.03 * RATE)


def test_the_picture_shows_the_cuts(reading, tmp_path):
    recording_makers.make_cut_recordings(tmp_path / "out", reading[0], WORDS)
    picture = np.asarray(PIL.Image.open(tmp_path / "out_cuts.png").convert("RGB"))
    orange = (picture[..., 0] > picture[..., 2].astype(int) + 40).any(axis=0)
    assert picture.std() > 10
    assert np.sum(np.diff(orange.astype(int)) == 1) >= len(WORDS)


def test_a_word_too_many_or_too_few_is_one_error_with_a_picture(reading, tmp_path):
    with pytest.raises(RecordingsError, match="6 sounds lie between silences.*4 words.*out_cuts"):
        recording_makers.make_cut_recordings(tmp_path / "out", reading[0], [*WORDS, "ten"])
    assert (tmp_path / "out_cuts.png").is_file() and not (tmp_path / "out").exists()
    # Pauses that are too short for the threshold run the words together.
    with pytest.raises(RecordingsError, match="1 sounds lie"):
        recording_makers.make_cut_recordings(
            tmp_path / "out", reading[0], WORDS, min_silence_secs=2.0
        )


def test_a_folder_in_use_keeps_its_picture(reading, tmp_path):
    recording_makers.make_cut_recordings(tmp_path / "out", reading[0], WORDS)
    before = (tmp_path / "out_cuts.png").read_bytes()
    for words in (WORDS[:2], [*WORDS, "ten"]):
        with pytest.raises(RecordingsError, match="out exists and is not an empty folder"):
            recording_makers.make_cut_recordings(tmp_path / "out", reading[0], words)
    assert (tmp_path / "out_cuts.png").read_bytes() == before


def test_silence_is_one_error(tmp_path):
    audio_files.write_audio(tmp_path / "reading.wav", np.zeros(RATE), RATE)
    with pytest.raises(audio.AudioError, match="is silent"):
        recording_makers.make_cut_recordings(tmp_path / "out", tmp_path / "reading.wav", ["six"])
    assert not (tmp_path / "out").exists()


def test_a_click_is_no_word(tmp_path):
    samples, _ = read_list(takes=1)
    samples[100:140] = 0.9
    audio_files.write_audio(tmp_path / "reading.flac", samples, RATE)
    record = recording_makers.make_cut_recordings(
        tmp_path / "out", tmp_path / "reading.flac", WORDS
    )
    assert len(record["recordings"]) == len(WORDS)


def test_what_is_heard_otherwise_is_told(reading, tmp_path):
    def recognize(samples, rate):
        assert rate == RATE and samples.ndim == 1
        return "six" if len(samples) > 0.3 * RATE else None

    record = recording_makers.make_cut_recordings(
        tmp_path / "out", reading[0], WORDS, recognize=recognize
    )
    assert record["was_heard"]
    assert set(record["heard_otherwise"]) == {f"{w}/me_{t}.flac" for w in WORDS[1:] for t in (0, 1)}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"min_silence_secs": 0.0}, "must be above 0"),
        ({"silence_db": -1.0}, "must be above 0"),
        ({"min_silence_secs": math.inf}, "must be above 0, and finite"),
        ({"silence_db": math.inf}, "must be above 0, and finite"),
        ({"speaker": "../me"}, "--speaker must be the beginning of a visible file's name"),
        ({"speaker": ".me"}, "--speaker must be the beginning of a visible file's name"),
        ({"speaker": "\n"}, "Rename"),
    ],
)
def test_bad_arguments_are_one_error(reading, tmp_path, arguments, message):
    with pytest.raises(RecordingsError, match=message):
        recording_makers.make_cut_recordings(tmp_path / "out", reading[0], WORDS, **arguments)
    assert not (tmp_path / "out").exists()


def test_a_recording_of_a_telephone(tmp_path):
    av = pytest.importorskip("av")
    samples, _ = read_list(takes=1)
    with av.open(str(tmp_path / "me.m4a"), "w") as container:
        stream = container.add_stream("aac", rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            samples[None].astype(np.float32), format="fltp", layout="mono"
        )
        frame.rate = RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    record = recording_makers.make_cut_recordings(tmp_path / "out", tmp_path / "me.m4a", WORDS)
    assert len(record["recordings"]) == len(WORDS)
    cut, rate = audio_files.read_audio(tmp_path / "out/nine/me_0.flac")
    assert rate == RATE
    alignment = np.correlate(cut, spoken("nine"), "full").max()
    assert alignment > 0.9 * np.sum(spoken("nine") ** 2)
    (tmp_path / "broken.m4a").write_bytes((tmp_path / "me.m4a").read_bytes()[:900])
    (tmp_path / "text.m4a").write_text("hello")
    for name in ("broken.m4a", "text.m4a", "none.m4a"):
        with pytest.raises(audio.AudioError, match=f"{name}: cannot be"):
            recording_makers.make_cut_recordings(tmp_path / "x", tmp_path / name, WORDS)
