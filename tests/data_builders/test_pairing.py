"""Pairing: seeded, deterministic, independent of order."""

import collections

import pytest

from data_builders import pairing, recordings, words
from data_builders.digits_ad import digits_ad_dataset_builder

FOLDER = digits_ad_dataset_builder.Builder.DEFAULT_RECORDINGS_DIR
DIGITS = list(words.DIGITS.values())


def make(**kwargs):
    arguments = {
        "policy": "one_recording",
        "recordings_dir": FOLDER,
        "words": DIGITS,
        "audio_length": 18140,
        "processing": recordings.Processing(),
        **kwargs,
    }
    return pairing.make_pairing(**arguments)


def test_one_recording_gives_each_word_its_own():
    result = make()
    assert [r.word for r in result.recordings] == DIGITS
    for split in pairing.SPLITS:
        for i, word in enumerate(DIGITS):
            assert result.index(split, word, f"{split}_00000") == i


def test_unknown_policy():
    with pytest.raises(recordings.RecordingsError, match="Known: one_recording"):
        make(policy="one_recordin")


def test_choice_depends_on_seed_and_image_alone():
    def choices(seed, order):
        candidates = {"train": {"zero": (3, 5, 9)}}
        rule = pairing.Pairing("any", (), candidates, seed)
        return {i: rule.index("train", "zero", f"train_{i:05d}") for i in order}

    first = choices(0, range(3000))
    assert first == choices(0, reversed(range(3000)))
    assert first != choices(1, range(3000))
    counts = collections.Counter(first.values())
    assert set(counts) == {3, 5, 9}
    assert min(counts.values()) > 900
