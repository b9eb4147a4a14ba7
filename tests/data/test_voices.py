"""A data set seen from its voices."""

import dataclasses

import numpy as np
import pytest

from mtnet_tf.data.pairs import DataError, Recordings
from mtnet_tf.data.voices import (
    beside,
    describe_hearing,
    require_heard,
    select_voices,
    spoken_by,
)

SPLITS = ("train", "validation", "test")


def said(data, pairs):
    """(image id, word, voice, id and samples of the recording) of pairs, whatever their numbers."""
    return [
        (image_id, data.words[label], data.voices[voice], data.recordings.ids[recording],
         data.recordings.waveforms[recording].tobytes())
        for image_id, label, voice, recording in zip(
            pairs.image_ids, pairs.labels, pairs.voices, pairs.recordings
        )
    ]  # fmt: skip


def test_one_voice_speaks_all_images(synthetic_data):
    of_b = spoken_by(synthetic_data, "b")
    for split in SPLITS:
        before, after = getattr(synthetic_data, split), getattr(of_b, split)
        np.testing.assert_array_equal(before.images, after.images)
        for row, (image_id, word, voice, recording, _) in enumerate(said(of_b, after)):
            assert image_id == before.image_ids[row]
            assert (voice, recording) == ("b", f"{word}/b_0")
            assert word == synthetic_data.words[before.labels[row]]
    with pytest.raises(DataError, match="no voice 'c'. Its voices are: a, b."):
        spoken_by(synthetic_data, "c")
    train = synthetic_data.train
    kept = np.flatnonzero((train.labels != 1) | (train.voices == 0))
    lacking = dataclasses.replace(synthetic_data, train=train.take(kept))
    with pytest.raises(DataError, match="b has no recording in .* of: one"):
        spoken_by(lacking, "b")


def test_some_voices_are_taken_with_their_recordings(synthetic_data):
    of_b = select_voices(synthetic_data, ["b"])
    assert of_b.voices == ("b",)
    assert of_b.recordings.voices() == ["b"] * 3
    for split in SPLITS:
        expected = [
            pair for pair in said(synthetic_data, getattr(synthetic_data, split)) if pair[2] == "b"
        ]
        assert said(of_b, getattr(of_b, split)) == expected
    both = select_voices(synthetic_data, ["b", "a"])  # in the order of the data set
    for split in SPLITS:
        assert said(both, getattr(both, split)) == said(
            synthetic_data, getattr(synthetic_data, split)
        )


def test_a_data_set_in_the_terms_of_a_network(synthetic_data):
    """Other words first, other voices around, one recording the same and one of the same name."""
    of_b = select_voices(synthetic_data, ["b"])
    own, words = of_b.recordings, ("nine", "two", "zero", "one")
    same = own.ids.index("zero/b_0")
    waveforms = np.stack([own.waveforms[0] // 2, own.waveforms[same], own.waveforms[1] // 3])
    known = Recordings(("two/b_0", "zero/b_0", "nine/z_0"), np.array([1, 2, 0]), waveforms)
    joined = beside(of_b, words, known)
    assert (joined.words, joined.voices) == (words, ("b", "z"))
    assert joined.recordings.ids[:3] == known.ids
    assert sorted(joined.recordings.ids[3:]) == ["one/b_0", "two/b_0"]
    for recording_id, label in zip(joined.recordings.ids, joined.recordings.labels):
        assert recording_id.startswith(f"{words[label]}/")
    for split in SPLITS:
        assert said(joined, getattr(joined, split)) == said(of_b, getattr(of_b, split))
    again = beside(of_b, joined.words, joined.recordings)  # as an evaluation does
    assert again.recordings.ids == joined.recordings.ids
    assert said(again, again.test) == said(of_b, of_b.test)
    with pytest.raises(DataError, match="cannot say: zero. It can say one, two"):
        beside(of_b, ("one", "two"), known)


def test_what_a_network_knows_already_stays_as_it_is(synthetic_data):
    assert beside(synthetic_data, synthetic_data.words, synthetic_data.recordings) is synthetic_data


def test_a_recording_without_an_image_stays_without_a_word(synthetic_data):
    of_b = select_voices(synthetic_data, ["b"])
    labels = of_b.recordings.labels.copy()
    labels[0] = -1
    recordings = dataclasses.replace(of_b.recordings, labels=labels)
    joined = beside(
        dataclasses.replace(of_b, recordings=recordings, train=of_b.train.take([])),
        ("two", "one", "zero"),
        select_voices(synthetic_data, ["a"]).recordings,
    )
    assert joined.recordings.labels[joined.recordings.ids.index(of_b.recordings.ids[0])] == -1


def test_what_was_heard_is_told(synthetic_data):
    assert describe_hearing(synthetic_data) == "a: 3 of 3 words\nb: 3 of 3 words"
    train = synthetic_data.train
    kept = np.flatnonzero((train.labels == 2) & (train.voices == 1))
    lacking = dataclasses.replace(synthetic_data, train=train.take(kept))
    assert describe_hearing(lacking) == "b: 1 of 3 words; never heard: zero, one"
    require_heard(synthetic_data)
    with pytest.raises(DataError, match="has no pair of a, and a network that is told the voice"):
        require_heard(lacking)
