import sys
from unittest import mock

import numpy as np
import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.metrics import word_accuracy


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("pocketsphinx")
    return word_accuracy.WordRecognizer(["zero", "one", "two", "nine"])


def test_silence_is_no_word(digits):
    assert digits.recognize(np.zeros(18140)) is None


def test_samples_that_are_not_finite_are_no_word(digits):
    assert digits.recognize(np.full(18140, np.nan)) is None


def test_the_answer_does_not_depend_on_what_came_before(voice, digits):
    sounds = [voice(9000 + 1500 * seed, seed, 18140) for seed in range(6)]
    answers = [digits.recognize(sound) for sound in sounds]
    assert [digits.recognize(sound) for sound in sounds[::-1]] == answers[::-1]
    assert set(answers) <= {"zero", "one", "two", "nine", None}
    assert set(answers) != {None}


def test_names_come_back_as_they_were_given(voice):
    pytest.importorskip("pocketsphinx")
    recognizer = word_accuracy.WordRecognizer(["Aquarium_fish"])
    assert recognizer._words == {"aquarium fish": "Aquarium_fish"}
    recognizer._decoder = mock.Mock(**{"hyp.return_value.hypstr": "aquarium fish"})
    assert recognizer.recognize(voice(18140, 1)) == "Aquarium_fish"


def test_shrew_has_a_pronunciation():
    pytest.importorskip("pocketsphinx")
    word_accuracy.WordRecognizer(["shrew", "mouse"])


def test_other_missing_words_are_named_and_where_to_add_them(monkeypatch):
    pytest.importorskip("pocketsphinx")
    message = r"'blorptrn', 'qwzx'. .*PRONUNCIATIONS in .*metrics/word_accuracy\.py"
    with pytest.raises(word_accuracy.UnknownWordError, match=message) as error:
        word_accuracy.WordRecognizer(["zero", "qwzx_fish", "blorptrn"])
    assert error.value.words == ("blorptrn", "qwzx")
    monkeypatch.setitem(word_accuracy.PRONUNCIATIONS, "qwzx", "K W IH Z")
    word_accuracy.WordRecognizer(["zero", "qwzx"])


@pytest.mark.parametrize(
    "words, message",
    [
        (["one", "zero", "Zero"], "cannot tell 'zero' from 'Zero': both are spoken 'zero'. Rename"),
        (["a_b", "a b"], "cannot tell 'a_b' from 'a b'"),
        (["cat", "cat"], "cannot tell 'cat' from 'cat'"),
    ],
)
def test_words_must_differ(words, message):
    with pytest.raises(word_accuracy.SameWordError, match=message) as error:
        word_accuracy.WordRecognizer(words)
    assert isinstance(error.value, InputError) and isinstance(error.value, ValueError)


def test_there_must_be_a_word():
    with pytest.raises(ValueError, match="at least one word"):
        word_accuracy.WordRecognizer([])


def test_a_missing_package_is_explained(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ImportError, match=r"pip install -e '\.\[asr\]'"):
        word_accuracy.WordRecognizer(["zero"])
