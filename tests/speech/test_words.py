"""Words as rows of letters, and as sounds of one length."""

import numpy as np
import pytest

from data_builders.recordings import Processing
from mtnet_tf.data import audio
from mtnet_tf.speech import NoSoundError, SpeechError, WordSpeaker, letters


def test_words_and_rows_are_each_others_inverse():
    words = ["a", "aquarium fish", "x-ray", "o'clock", "", "z" * 15]
    rows = letters.encode(words, 16)
    assert rows.dtype == np.int32 and rows.shape == (6, 16)
    assert letters.decode(rows) == words
    assert rows[0].tolist() == [1] + [letters.END] * 15
    assert rows.max() < letters.NUM_SYMBOLS


def test_what_stands_after_the_end_is_no_letter():
    assert letters.decode(np.array([[3, 1, 20, 0, 5], [1, 2, 3, 4, 5]])) == ["cat", "abcde"]


@pytest.mark.parametrize(
    "word, message",
    [
        ("z" * 16, "16 letters, .*num_steps=16 has room for 15 .* --override=.*num_steps=21"),
        ("Cat", "'Cat' has 'C', and the letters are \"abc"),
        ("naïve", "'naïve' has 'ï', and .* Spell it with these alone"),
    ],
)
def test_a_word_that_cannot_be_written_is_named(word, message):
    with pytest.raises(ValueError, match=message):
        letters.encode(["cat", word, "y" * 20], 16)


class Tones:
    """An engine: a tone of 100 Hz a letter, as long as the text.

    It makes no sound of "sh", and fails for "crash".
    """

    speaker = "tones"

    def __init__(self):
        self.said = []

    def speak(self, text):
        self.said.append(text)
        if text == "sh":
            raise NoSoundError("no sound")
        if text == "crash":
            raise SpeechError("no such phoneme")
        time = np.arange(4000 * len(text)) / audio.SAMPLE_RATE
        quiet = np.zeros(3000)
        tone = 0.2 * np.sin(2 * np.pi * 100 * len(text) * time)
        return np.concatenate([quiet, tone, quiet]).astype(np.float32)

    def record(self):
        return {}


def test_a_word_is_said_as_the_recordings_are():
    """Trimmed, levelled and padded, as the data sets' builders do it by default."""
    engine = Tones()
    (said,) = WordSpeaker(lambda: engine, 14000)(["two"])
    expected = audio.from_int16(Processing().apply(engine.speak("two"), audio.SAMPLE_RATE))
    assert said.dtype == np.float32 and said.shape == (14000,)
    np.testing.assert_allclose(said[: len(expected)], expected, atol=1 / 32767)
    assert not said[len(expected) :].any()


def test_each_text_is_spoken_once_and_no_engine_is_made_before():
    made = []

    def make_engine():
        made.append(Tones())
        return made[-1]

    speak = WordSpeaker(make_engine, 14000)
    assert made == []
    waveforms = speak(["two", "one", "two"])
    again = speak(["one"])
    assert made[0].said == ["two", "one"] and len(made) == 1
    np.testing.assert_array_equal(waveforms[0], waveforms[2])
    np.testing.assert_array_equal(waveforms[1], again[0])
    assert speak([]).shape == (0, 14000)


def test_what_cannot_be_said_is_silence_and_a_long_word_loses_its_end(caplog):
    silence, empty, long = WordSpeaker(Tones, 9000)(["sh", "", "three"])
    assert not silence.any() and not empty.any()
    assert long[-1000:].any()
    assert "'three' lasts 20" in caplog.text


def test_an_engine_that_fails_is_no_silence():
    with pytest.raises(SpeechError, match="no such phoneme"):
        WordSpeaker(Tones, 9000)(["two", "crash"])
