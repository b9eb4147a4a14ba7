"""The pairing policies, on folders made of tones."""

import collections
import shutil

import numpy as np
import pytest
import soundfile

from data_builders import pairing, recordings, words
from mtnet_tf.data import audio

WORDS = ["zero", "fire truck"]
PROCESSING = recordings.Processing()
DIGITS = list(words.DIGITS.values())
DIGITS_DIR = recordings.shipped_recordings(DIGITS)


@pytest.fixture
def voices(add, tmp_path):
    """Six voices with five takes of two words, each of its own length."""
    length = 0
    for voice in "abcdef":
        for word in ("zero", "fire_truck"):
            for take in range(5):
                length += 1
                add(tmp_path, f"{word}/{voice}_{take}.wav", secs=0.1 + 0.002 * length)
    return tmp_path


def pair(folder, policy="one_recording", audio_length=18140, words=WORDS, **options):
    return pairing.make_pairing(policy, folder, words, audio_length, PROCESSING, **options)


def ids(paired, split, word):
    return [paired.recordings[i].recording_id for i in paired.candidates[split][word]]


def test_one_recording_gives_each_word_its_own():
    result = pair(DIGITS_DIR, words=DIGITS)
    assert [r.word for r in result.recordings] == DIGITS
    for split in pairing.SPLITS:
        for i, word in enumerate(DIGITS):
            assert result.index(split, word, f"{split}_00000") == i


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


def test_lowest_take_is_chosen_in_the_order_of_the_words(folder):
    chosen = pair(folder).recordings
    assert [r.recording_id for r in chosen] == ["zero/ann_0", "fire_truck/ann_0"]
    assert pair(folder).too_long == ()


def test_takes_are_ordered_as_numbers(add, tmp_path):
    for name in ("zero/ann_10.wav", "zero/ann_9.wav", "fire_truck/ann_10.wav"):
        add(tmp_path, name)
    assert [r.take for r in pair(tmp_path).recordings] == [9, 10]


def test_a_take_that_is_too_long_is_passed_over_and_recorded(add, tmp_path):
    add(tmp_path, "zero/ann_0.wav", secs=1.2)
    add(tmp_path, "zero/ann_1.wav", secs=1.0)
    add(tmp_path, "zero/ann_2.wav", secs=0.5)
    # Trimming comes before the check of the length: 0.5 s of sound in 2.5 s.
    add(tmp_path, "fire_truck/ann_0.wav", secs=0.5, silence_secs=1)
    paired = pair(tmp_path)
    assert [r.take for r in paired.recordings] == [2, 0]
    assert paired.too_long == ("zero/ann_0", "zero/ann_1")


@pytest.mark.parametrize("policy", ["many_takes", "many_voices_seen", "many_voices_unseen"])
def test_several_takes_that_are_all_too_long_are_told_so(policy, add, tmp_path):
    for voice in "ab":
        for take in (0, 1):
            add(tmp_path, f"zero/{voice}_{take}.wav", secs=1.2)
            add(tmp_path, f"fire_truck/{voice}_{take}.wav")
    speaker = "a" if policy == "many_takes" else None
    with pytest.raises(recordings.RecordingsError, match="1 of 2 words are longer than the 823 ms"):
        pair(tmp_path, policy, speaker=speaker)


def test_length_limit_is_inclusive(folder):
    longest = max(len(r.samples) for r in pair(folder).recordings)
    assert len(pair(folder, audio_length=longest).recordings) == 2
    with pytest.raises(recordings.RecordingsError):
        pair(folder, audio_length=min(len(r.samples) for r in pair(folder).recordings) - 1)


def test_words_that_are_too_long_are_named_with_their_length(add, tmp_path):
    add(tmp_path, "zero/ann_0.wav", secs=1.0)
    add(tmp_path, "zero/ann_1.wav", secs=0.9)
    add(tmp_path, "fire_truck/ann_0.wav", secs=2.0)
    with pytest.raises(recordings.RecordingsError) as error:
        pair(tmp_path)
    message = str(error.value)
    assert "2 of 2 words" in message and "823 ms (18140 samples)" in message
    assert "zero/ann_1.wav lasts 93" in message and "the shortest of 2 takes" in message
    assert "fire_truck/ann_0.wav lasts 203" in message and "--audio_length=auto" in message


def test_several_speakers_need_a_name(add, folder):
    add(folder, "zero/bob_0.wav")
    with pytest.raises(recordings.RecordingsError) as error:
        pair(folder)
    assert "ann (2 of 2 words), bob (1 of 2 words)" in str(error.value)
    assert [r.voice_id for r in pair(folder, speaker="ann").recordings] == ["ann", "ann"]
    with pytest.raises(
        recordings.RecordingsError, match="'bob' has no .* 1 of 2 words: fire truck"
    ):
        pair(folder, speaker="bob")
    with pytest.raises(recordings.RecordingsError, match="no speaker 'eve'"):
        pair(folder, speaker="eve")


def test_a_broken_take_is_refused_and_not_passed_over(folder):
    (folder / "zero" / "ann_0.wav").write_bytes(b"")
    with pytest.raises(audio.AudioError, match="zero/ann_0.wav: the file is empty"):
        pair(folder)


def test_auto_takes_what_the_paper_would_refuse_but_no_speech(add, tmp_path):
    add(tmp_path, "zero/ann_0.wav", secs=1.2)
    add(tmp_path, "fire_truck/ann_0.wav", secs=0.5)
    lengths = [len(r.samples) for r in pair(tmp_path, audio_length="auto").recordings]
    assert lengths[0] == pytest.approx(1.22 * 22050, rel=0.02)
    add(tmp_path, "zero/ann_0.wav", secs=240)
    with pytest.raises(recordings.RecordingsError, match="longer than the 10000 ms"):
        pair(tmp_path, audio_length="auto")


def test_missing_words_make_a_subset(add, folder):
    words = ["one", *WORDS]
    with pytest.raises(recordings.RecordingsError, match="'one' .no folder one."):
        pair(folder, words=words)
    add(folder, "one/bob_0.wav")
    with pytest.raises(recordings.RecordingsError, match="'ann' has no recordings of 1 of 3 words"):
        pair(folder, words=words, speaker="ann")
    paired = pair(folder, words=words, speaker="ann", allow_missing_words=True)
    assert paired.words == WORDS
    assert pair(folder, words=words, speaker="bob", allow_missing_words=True).words == ["one"]


def test_one_recording_each_has_the_first_take_of_every_voice_in_both_splits(add, voices):
    (voices / "zero" / "b_0.wav").unlink()
    add(voices, "zero/c_0.wav", secs=2)  # too long: the next take stands in
    for take in range(5):
        (voices / "fire_truck" / f"f_{take}.wav").unlink()
    paired = pair(voices, "one_recording_each")
    takes = ["a_0", "b_1", "c_1", "d_0", "e_0", "f_0"]
    for split in pairing.SPLITS:
        assert ids(paired, split, "zero") == [f"zero/{take}" for take in takes]
        assert ids(paired, split, "fire truck") == [f"fire_truck/{voice}_0" for voice in "abcde"]
    assert paired.too_long == ("zero/c_0",)
    assert len(paired.recordings) == 11


def test_a_fifth_of_the_takes_is_for_test(add, tmp_path):
    for take in range(10):
        add(tmp_path, f"zero/a_{take}.wav")
    paired = pair(tmp_path, "many_takes", words=["zero"])
    assert [len(paired.candidates[split]["zero"]) for split in ("train", "test")] == [8, 2]


@pytest.mark.parametrize(
    "policy, copy, of",
    [
        ("one_recording", "fire_truck/a_0.wav", "zero/a_0.wav"),
        ("one_recording_each", "zero/b_0.wav", "zero/a_0.wav"),
        ("many_takes", "zero/a_1.wav", "zero/a_0.wav"),
    ],
)
def test_a_copy_is_no_other_word_voice_or_take(policy, copy, of, voices):
    speaker = None if policy.endswith("each") else "a"
    pair(voices, policy, speaker=speaker)
    shutil.copyfile(voices / of, voices / copy)
    same = f"{of[:-4]} = {copy[:-4]}"
    with pytest.raises(recordings.RecordingsError, match=f"are the same sound, .*: {same}. Record"):
        pair(voices, policy, speaker=speaker)


def test_many_takes_keeps_train_and_test_apart(voices):
    paired = pair(voices, "many_takes", speaker="c")
    for word, name in zip(WORDS, ("zero", "fire_truck")):
        train, test = ids(paired, "train", word), ids(paired, "test", word)
        assert (len(train), len(test)) == (4, 1)
        assert sorted(train + test) == [f"{name}/c_{take}" for take in range(5)]
    assert all(len(paired.splits_of(i)) == 1 for i in range(10))
    drawn = {
        ids(pair(voices, "many_takes", speaker="c", seed=s), "test", "zero")[0] for s in range(9)
    }
    assert len(drawn) > 1


def test_many_voices_seen_has_every_voice_on_both_sides(voices):
    paired = pair(voices, "many_voices_seen")
    for word in WORDS:
        train, test = ids(paired, "train", word), ids(paired, "test", word)
        assert not set(train) & set(test)
        for side in (train, test):
            assert {recording_id.split("/")[1][0] for recording_id in side} == set("abcdef")


def test_many_voices_unseen_keeps_the_voices_apart(voices):
    paired = pair(voices, "many_voices_unseen")
    heard = {
        split: {
            paired.recordings[i].voice_id
            for found in paired.candidates[split].values()
            for i in found
        }
        for split in pairing.SPLITS
    }
    assert len(heard["test"]) == 1 and heard["train"] | heard["test"] == set("abcdef")
    assert not heard["train"] & heard["test"]
    drawn = {
        tuple(ids(pair(voices, "many_voices_unseen", seed=seed), "test", "zero"))
        for seed in range(6)
    }
    assert len(drawn) > 1


@pytest.mark.parametrize("policy", ["many_takes", "many_voices_seen", "many_voices_unseen"])
def test_policies_depend_on_the_seed_alone(voices, policy):
    speaker = "a" if policy == "many_takes" else None
    first, second = (pair(voices, policy, speaker=speaker, seed=3) for _ in range(2))
    assert first.candidates == second.candidates
    assert [r.recording_id for r in first.recordings] == [r.recording_id for r in second.recordings]
    images = [f"train_{i:05d}" for i in range(2000)]
    chosen = [first.index("train", "zero", image) for image in images]
    assert chosen == [second.index("train", "zero", image) for image in images]
    counts = np.bincount(chosen)[list(first.candidates["train"]["zero"])]
    expected = len(images) / len(counts)
    assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()  # all takes, about as often
    other = pair(voices, policy, speaker=speaker, seed=4)
    names = [
        [p.recordings[p.index("train", "zero", i)].recording_id for i in images]
        for p in (first, other)
    ]
    assert names[0] != names[1]


def test_policies_of_several_refuse_too_little(add, folder):
    with pytest.raises(recordings.RecordingsError, match="two or more speakers. There is: ann"):
        pair(folder, "many_voices_unseen")
    with pytest.raises(recordings.RecordingsError, match="two or more speakers. There is: ann"):
        pair(folder, "one_recording_each")
    with pytest.raises(recordings.RecordingsError, match="takes all speakers"):
        pair(folder, "many_voices_seen", speaker="ann")
    (folder / "zero" / "ann_1.wav").unlink()
    with pytest.raises(recordings.RecordingsError, match="Fewer: 'zero' by ann .1."):
        pair(folder, "many_takes")
    add(folder, "zero/bob_0.wav")
    with pytest.raises(recordings.RecordingsError, match="no recording that fits of: fire truck"):
        pair(folder, "many_voices_unseen")
    with pytest.raises(recordings.RecordingsError, match="Known: one_recording, one_rec"):
        pair(folder, "any")


@pytest.fixture
def crowd(add, tmp_path):
    """Three words by four people: cat and bob have two each, of which bob's "one" is too long."""
    for name, secs in {
        **{"zero/cat_0.wav": 0.3, "one/cat_0.wav": 0.4},
        **{"one/bob_0.wav": 1.0, "zero/bob_0.wav": 1.0, "zero/bob_1.wav": 0.5},
        **{"zero/ann_0.wav": 0.2, "two/dan_0.wav": 1.2, "two/dan_3.wav": 0.25},
    }.items():
        add(tmp_path, name, secs=secs)
    return tmp_path


def test_any_speaker_covers_the_most_words(crowd):
    """Of the voices with the most words the first by name that has a take that fits."""
    options = {"words": ["zero", "one", "two"], "speaker": "any"}
    paired = pair(crowd, **options)
    ids = [recording.recording_id for recording in paired.recordings]
    assert ids == ["zero/bob_1", "one/cat_0", "two/dan_3"]
    assert paired.too_long == ("zero/bob_0", "one/bob_0", "two/dan_0")
    assert paired.words == ["zero", "one", "two"]
    (crowd / "one" / "cat_0.wav").unlink()
    with pytest.raises(recordings.RecordingsError, match="1 of 3 words are longer .*one/bob_0.wav"):
        pair(crowd, **options)


def test_any_speaker_with_several_takes(add, crowd):
    for name in ("zero/cat_1.wav", "one/cat_1.wav", "two/dan_4.wav"):
        add(crowd, name)
    options = {"words": ["zero", "one", "two"], "speaker": "any"}
    paired = pair(crowd, "many_takes", **options)
    heard = {
        word: {
            paired.recordings[i].voice_id
            for split in pairing.SPLITS
            for i in paired.candidates[split][word]
        }
        for word in options["words"]
    }
    assert heard == {"zero": {"cat"}, "one": {"cat"}, "two": {"dan"}}  # bob has one that fits
    (crowd / "two" / "dan_4.wav").unlink()
    with pytest.raises(recordings.RecordingsError, match="Fewer: 'two' by dan .1."):
        pair(crowd, "many_takes", **options)


def test_any_of_one_speaker_is_that_speaker(folder):
    ids = [recording.recording_id for recording in pair(folder, speaker="any").recordings]
    assert ids == [recording.recording_id for recording in pair(folder).recordings]


def test_several_speakers_are_told_of_any(crowd):
    for speaker in (None, "cat"):
        with pytest.raises(
            recordings.RecordingsError, match="any for each word with --speaker=any"
        ):
            pair(crowd, words=["zero", "one", "two"], speaker=speaker)


@pytest.fixture
def noisy(tmp_path):
    """The function that writes a word of 0.4 s in 2 s of noise that lies some dB below it."""

    def write(name, db):
        time = np.arange(2 * 22050) / 22050
        word = np.where(abs(time - 1) < 0.2, np.sin(2 * np.pi * 440 * time), 0)
        noise = np.random.default_rng(0).normal(0, np.sqrt(0.5) * 10 ** (-db / 20), len(time))
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.3 * (word + noise), 22050)

    write.folder = tmp_path
    return write


def test_noise_that_hides_the_ends_of_words(noisy):
    """The largest --top_db with which all of them fit is told, and works."""
    noisy("zero/ann_0.wav", 37)
    noisy("fire_truck/ann_0.wav", 28)
    with pytest.raises(recordings.RecordingsError, match="2 of 2 words are longer") as error:
        pair(noisy.folder)
    assert "trim more with --top_db=25, with which these fit, or take the" in str(error.value)
    trimmed = recordings.Processing(top_db=25)
    found = pairing.make_pairing("one_recording", noisy.folder, WORDS, 18140, trimmed).recordings
    assert all(recording.duration_ms == pytest.approx(420, abs=30) for recording in found)
    trimmed = recordings.Processing(top_db=30)
    with pytest.raises(recordings.RecordingsError, match="1 of 2 words .*--top_db=25, with which"):
        pairing.make_pairing("one_recording", noisy.folder, WORDS, 18140, trimmed)


def test_a_level_that_leaves_too_little_of_a_word_is_not_told(noisy):
    """A word that fits with 30 is trimmed to a click with 25, which another needs."""
    noisy("fire_truck/ann_0.wav", 28)
    noisy("zero/ann_0.wav", 9)
    path = noisy.folder / "zero/ann_0.wav"
    samples, rate = soundfile.read(path)
    samples /= 50
    samples[rate : rate + rate // 500] *= 56  # 28 dB above the word, in 10 ms
    soundfile.write(path, samples, rate)
    with pytest.raises(recordings.RecordingsError, match="2 of 2 words are longer") as error:
        pair(noisy.folder)
    assert "(with no --top_db down to 15 do all of these fit)" in str(error.value)


def test_words_that_no_trimming_makes_fit(add, tmp_path):
    add(tmp_path, "zero/ann_0.wav", secs=0.3)
    add(tmp_path, "fire_truck/ann_0.wav", secs=2.0)
    with pytest.raises(recordings.RecordingsError) as error:
        pair(tmp_path)
    message = str(error.value)
    assert "(with no --top_db down to 15 do all of these fit), or take" in message
    assert message.endswith("with --audio_length=auto.")
