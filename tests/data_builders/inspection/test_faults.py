"""A fault put among the pairs of a data set is found by the check for it, and by no other."""

import hashlib
import re

import numpy as np
import pytest


def checks_of(result):
    return {check.name: check for check in result.checks}


def of_word(examples, word):
    """The examples of a word by image id."""
    return [examples[key] for key in sorted(examples) if examples[key]["word"] == word]


def other_recording(train, test, metadata):
    wrong, right = of_word(train, "three")[0], of_word(train, "four")[0]
    wrong["audio"], wrong["recording_id"] = right["audio"], right["recording_id"]


def one_sample(train, test, metadata):
    example = of_word(test, "five")[0]
    example["audio"] = example["audio"] + (np.arange(len(example["audio"])) == 100)


def cut_short(train, test, metadata):
    example = of_word(train, "five")[1]
    example["audio"] = example["audio"][:-1]


def no_sevens(train, test, metadata):
    for key in [key for key in test if test[key]["word"] == "seven"]:
        del test[key]


FAULTS = {
    "other label": (
        lambda train, *_: of_word(train, "three")[0].update(label=4),
        {"labels": "the word is not that of the label in 1 pairs, e.g. train_000"},
    ),
    "other word": (
        lambda train, *_: of_word(train, "three")[0].update(word="four"),
        {"labels": "not that of the label in 1 .*; the recording is of another word in 1"},
    ),
    "other recording": (
        other_recording,
        {"labels": "^the recording is of another word in 1 pairs, e.g. train_000"},
    ),
    "other recording's id": (
        lambda train, *_: of_word(train, "three")[0].update(recording_id=4),
        {
            "labels": "^the recording is of another word in 1 pairs",
            "hashes": "four/tone_0: other audio in 1 of 4 pairs",
        },
    ),
    "renamed recording": (
        lambda train, test, metadata: metadata["recordings"][3].update(voice_id="bell"),
        {"labels": "by another voice in 3 pairs.*; the recording's id names another .* in 3 pairs"},
    ),
    "one sample": (
        one_sample,
        {"hashes": "^not as in the metadata: five/tone_0: other audio in 1 of 3 pairs$"},
    ),
    "cut short": (
        cut_short,
        {"hashes": "five/tone_0: other audio in 1 of 3.*five/tone_0: another length in 1"},
    ),
    "other hash": (
        lambda train, test, metadata: metadata["recordings"][9].update(samples_sha256="0" * 64),
        {"hashes": "metadata: nine/tone_0: other audio in 3 of 3 pairs$"},
    ),
    "other length": (
        lambda train, test, metadata: metadata["recordings"][9].update(num_samples=1),
        {"hashes": "metadata: nine/tone_0: another length in 3 of 3 pairs$"},
    ),
    "not for test": (
        lambda train, test, metadata: metadata["recordings"][0].update(splits=["train"]),
        {"splits": r"a split they are not for: zero/tone_0 \(1 pairs of test\)"},
    ),
    "no sevens": (no_sevens, {"balance": r"classes without pairs: 7 \(test\)"}),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_nothing_else(good, inspect_with, name):
    fault, expected = FAULTS[name]
    found = inspect_with(good, fault)
    assert sorted(found.failed) == sorted(expected)
    for check, message in expected.items():
        assert re.search(message, checks_of(found)[check].detail), checks_of(found)[check].detail


@pytest.mark.parametrize(
    "policy, apart",
    [
        ("many_takes", "recordings"),
        ("many_voices_seen", "recordings"),
        ("many_voices_unseen", "voices"),
    ],
)
def test_leaks(several, inspect_with, policy, apart):
    """A test image with a train recording of its word: a leak, and a recording in a wrong split."""
    clean = inspect_with(several(policy))
    check = checks_of(clean)["leak"]
    assert not clean.failed
    assert (check.status, check.detail) == ("ok", f"{policy}: train and test share no {apart}")
    leaked = []

    def leak(train, test, metadata):
        target, source = of_word(test, "two")[0], of_word(train, "two")[0]
        for key in ("audio", "recording_id", "voice_id"):
            target[key] = source[key]
        leaked.append(metadata["recordings"][source["recording_id"]])

    found = inspect_with(several(policy), leak)
    checks, recording_id = checks_of(found), leaked[0]["recording_id"]
    assert found.failed == ("splits", "leak")
    assert recording_id in checks["leak"].detail
    assert f"{recording_id} (1 pairs of test)" in checks["splits"].detail
    assert (f"voices {leaked[0]['voice_id']};" in checks["leak"].detail) == (apart == "voices")


def test_facts_of_several_voices(several, inspect_with):
    seen = {}

    def give_away(train, test, metadata):
        train.pop(min(train))
        for split, pairs in (("train", train), ("test", test)):
            seen[split] = {int(pair["recording_id"]) for pair in pairs.values()}

    result = inspect_with(several("many_voices_seen"), give_away)
    assert result.facts["pairs"] == {"train": 19, "test": 10}
    assert result.facts["speakers"] == ["ann", "bob"]
    assert result.facts["takes_of_a_word_by_a_speaker"] == [3, 3]
    assert result.facts["recordings"] == {"all": 60, **{s: len(seen[s]) for s in seen}}
    checks = checks_of(result)
    assert checks["balance"].status == "note"
    assert re.search(
        r"^train 1 \(\d\) to 2 \(\d\), ratio 0.50; test 1 of each", checks["balance"].detail
    )
    unused = 60 - len(seen["train"] | seen["test"])
    assert checks["splits"].status == "note"
    assert checks["splits"].detail.startswith(f"{unused} of 60 recordings go with no image: ")


def sound_like(metadata, pairs, copies, original):
    """Gives recordings, in metadata and pairs, the sound of another."""
    names = [record["recording_id"] for record in metadata["recordings"]]
    source = metadata["recordings"][names.index(original)]
    (audio, *_) = (e["audio"] for e in pairs if e["recording_id"] == names.index(original))
    for copy_id in copies:
        number = names.index(copy_id)
        for key in ("samples_sha256", "num_samples"):
            metadata["recordings"][number][key] = source[key]
        for example in pairs:
            if example["recording_id"] == number:
                example["audio"] = audio


def test_identical_takes_in_train_and_test_leak_under_two_names(several, inspect_with):
    takes = [f"six/ann_{take}" for take in range(3)]

    def copy_takes(train, test, metadata):
        pairs = [*train.values(), *test.values()]
        records = metadata["recordings"]
        used = {records[pair["recording_id"]]["recording_id"] for pair in pairs}
        original = next(take for take in takes if take in used)
        sound_like(metadata, pairs, takes, original)

    found = inspect_with(several("many_takes"), copy_takes)
    checks = checks_of(found)
    assert found.failed == ("leak",)
    assert "recordings six/ann_" in checks["leak"].detail
    assert checks["recordings"].status == "note"
    names = sorted(re.findall(r"six/ann_\d", checks["recordings"].detail))
    assert set(names) == set(takes) and len(names) == 4


def test_one_sound_for_two_words(good, inspect_with):
    def copy_word(train, test, metadata):
        pairs = [*train.values(), *test.values()]
        sound_like(metadata, pairs, ["two/tone_0"], "one/tone_0")

    found = inspect_with(good, copy_word)
    assert found.failed == ("recordings",)
    assert checks_of(found)["recordings"].detail == (
        "identical under two ids: one/tone_0 = two/tone_0"
    )


def test_identical_images(good, inspect_with):
    def copy_images(train, test, metadata):
        (first, second), third = of_word(train, "one"), of_word(train, "two")[0]
        second["image"] = third["image"] = first["image"]
        of_word(test, "one")[0]["image"] = of_word(test, "nine")[0]["image"] = first["image"]

    check = checks_of(inspect_with(good, copy_images))["images"]
    assert check.status == "note"
    assert check.detail == (
        "2 in train repeat an image of the same split; 1 in test repeat an image of the same split;"
        " 2 of test are in train too; 1 have more than one label"
    )


@pytest.mark.parametrize("processed", [True, False])
def test_samples_cut_off_in_writing(good, inspect_with, processed):
    """All pairs of the word are cut off alike and the metadata know: it shows by the level alone.

    Where nothing was done to the recordings, as to the authors', they came so.
    """

    def overflow(train, test, metadata):
        pairs = of_word(train, "six") + of_word(test, "six")
        for pair in pairs:
            pair["audio"] = np.clip(1.3 * pair["audio"], -32767, 32767).astype(np.int16)
        digest = hashlib.sha256(pairs[0]["audio"].tobytes()).hexdigest()
        metadata["recordings"][6]["samples_sha256"] = digest
        if not processed:
            metadata["processing"] = None

    found = inspect_with(good, overflow)
    check = checks_of(found)["clipping"]
    assert found.failed == (("clipping",) if processed else ())
    assert check.status == ("FAILED" if processed else "note")
    assert re.search(r"1 of 10 .*: six/tone_0 \(\d+ samples at 0.0 dB\)", check.detail)
