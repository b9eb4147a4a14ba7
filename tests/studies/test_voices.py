"""The comparison of one network of many voices with others, at the size of a toy."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from mtnet_tf.config import override
from mtnet_tf.data import audio, audio_files
from mtnet_tf.data.pairs import DataError
from mtnet_tf.data.voices import select_voices
from mtnet_tf.errors import InputError
from mtnet_tf.reporting import voices as reporting
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies import voices


@pytest.fixture(scope="module")
def three_voices(three_voices):
    """Each voice says a word in one recording."""
    table = three_voices.recordings_by_voice()
    splits = {}
    for split in ("train", "validation", "test"):
        pairs = getattr(three_voices, split)
        own = table[pairs.voices, pairs.labels].astype(np.int32)
        splits[split] = dataclasses.replace(pairs, recordings=own)
    return dataclasses.replace(three_voices, **splits)


@pytest.fixture(scope="module")
def rows(tiny_config, three_voices):
    config = override(
        tiny_config,
        [
            "voice.conditioning=film",
            "data.num_voices=3",
            "loss.representation_weight=null",  # no stage 1: nothing here looks at it
            "training.joint.epochs=0.5",
        ],
    )
    return voices.rows(config, three_voices, "an")


def test_the_trainings(rows, three_voices):
    by_role = {}
    for row in rows:
        by_role.setdefault(row.role, []).append(row)
    assert {role: len(found) for role, found in by_role.items()} == {
        "all": 1,
        "deaf": 1,
        "alone": 3,
        "base": 1,
        "new": 12,
    }
    assert len({row.name for row in rows}) == len(rows)
    assert rows[0].data is three_voices
    (base,) = by_role["base"]
    assert base.data.voices == ("a", "b")
    assert base.config.data.num_voices == 2
    for row in by_role["alone"]:
        assert row.config.data.num_voices == 1
        assert {three_voices.voices[k] for k in row.data.test.voices} == {row.voice}
    heard = {row.name: sorted({*row.data.train.labels.tolist()}) for row in by_role["new"]}
    assert heard["new_embedding_10"] == [0]
    assert heard["new_embedding_and_generator_50"] == [0, 1]
    assert heard["new_embedding_100"] == [0, 1, 2]
    for row in by_role["new"]:
        replayed = row.name.startswith("new_replayed")
        assert row.data.voices == (three_voices.voices if replayed else ("an",))
        assert {row.data.voices[k] for k in row.data.test.voices} == {"an"}
        assert sorted({*row.data.test.labels.tolist()}) == [0, 1, 2]
        # As many images, however few words.
        images = row.config.training.joint.epochs * len(row.data.train)
        assert images == pytest.approx(60_000 if replayed else 30_000)
        moves = replayed or "generator" in row.name
        assert ("audio_generator" not in row.config.training.frozen) == moves


def test_the_known_voices_are_replayed_in_their_share(rows, three_voices):
    number, shares = three_voices.voices.index("an"), []
    of_known = three_voices.train.take(np.flatnonzero(three_voices.train.voices != number))
    for row in (row for row in rows if row.name.startswith("new_replayed")):
        train = row.data.train
        new = train.voices == number
        shares.append(new.mean())
        assert set(train.image_ids[~new]) <= set(of_known.image_ids)
        assert {*train.recordings[~new]} <= {*of_known.recordings}
        if row.name.endswith("_50"):
            assert sorted({*train.labels[new].tolist()}) == [0, 1]
        if row.name.endswith("_100"):
            np.testing.assert_array_equal(train.images[~new], of_known.images)
    np.testing.assert_allclose(shares, shares[-1], atol=0.05)  # few pairs, so roughly


def test_where_nothing_is_held_out_there_is_nothing_to_replay(tiny_config, three_voices):
    config = override(tiny_config, ["voice.conditioning=film", "data.num_voices=3"])
    none = three_voices.validation.take(np.array([], int))
    data = dataclasses.replace(three_voices, validation=none)
    rows = voices.rows(config, data, "an")
    assert {len(row.data.validation) for row in rows} == {0}


def test_test_recordings_of_their_own_are_refused(tiny_config, three_voices):
    """As of many_voices_seen: the network of one voice would be scored on what it learned."""
    config = override(tiny_config, ["voice.conditioning=film", "data.num_voices=3"])
    other = sorted({*range(len(three_voices.recordings))} - {*three_voices.train.recordings})[0]
    test = dataclasses.replace(
        three_voices.test, recordings=np.full_like(three_voices.test.recordings, other)
    )
    with pytest.raises(DataError, match="is scored on recordings that no network is trained on"):
        voices.rows(config, dataclasses.replace(three_voices, test=test), "an")


def test_two_voices_are_too_few_to_learn_one_later(tiny_config, three_voices):
    config = override(tiny_config, ["voice.conditioning=film", "data.num_voices=2"])
    two = select_voices(three_voices, ["a", "b"])
    found = [row.name for row in voices.rows(config, two, None)]
    assert found == ["all", "deaf", "alone_a", "alone_b"]
    with pytest.raises(DataError, match="one to be learned later and two"):
        voices.rows(config, two, "b")


def test_results_examples_and_tables(rows, tmp_path, monkeypatch):
    names = ("all", "alone_an", "base", "new_replayed_50")
    chosen = [row for row in rows if row.name in names]
    runs = {row.name: RunFolder(tmp_path / "runs" / row.name) for row in rows}
    results = tmp_path / "results" / "voices"
    results.mkdir(parents=True)
    for row in chosen:
        if row.role == "new":
            row = voices.dataclasses.replace(
                row, config=override(row.config, ["training.joint.epochs=1"])
            )
        found = voices.run_row(row, runs, "cpu", 1, ("corr2d", "pesq", "stoi"), 6)
        (results / f"{row.name}.json").write_text(json.dumps(found))
    new = json.loads((results / "new_replayed_50.json").read_text())
    assert new["heard"] == ["zero", "one"]
    assert set(new["per_word"]) == {"zero", "one", "two"}
    assert set(new["known_voices"]["per_voice"]) == {"a"}  # who says all test pairs
    assert new["num_recordings"] <= 3
    described, describer = [], voices.Describer
    monkeypatch.setattr(voices, "Describer", lambda path: described.append(path) or describer(path))
    # Of the networks of the new voice the last one alone speaks.
    shutil.copytree(runs["new_replayed_50"].path, runs["new_replayed_90"].path)
    voices.write_examples(rows, runs, results / "examples")
    spoke = ("all", "alone_an", "new_replayed_90")
    assert described == [runs[name].path for name in spoke]
    sounds = sorted(path.name for path in (results / "examples/sounds").iterdir())
    # Two pictures: three recordings, the network of all, one alone, the new voice.
    assert len(sounds) == 2 * (3 + 3 + 1 + 1)
    record = json.loads((results / "examples/examples.json").read_text())
    assert record["nearest"]["recording"]["an"][0] == f"{record['chosen'][0]['word']}, an"
    true, rate = audio_files.read_audio(results / "examples/sounds/1_an_recording.flac")
    assert rate == audio.SAMPLE_RATE and np.abs(true).max() > 0.1
    text = reporting.section(results)
    for expected in ("| a | ", "not run", "2 of 3", "nothing yet", "`new_replayed_50`"):
        assert expected in text, expected
    page = reporting.page(results, "Voices")
    assert page.count("<audio") == len(sounds)
    for sound in sounds:
        assert f"voices/examples/sounds/{sound}" in page
    none = {name: RunFolder(tmp_path / "none" / name) for name in runs}
    voices.write_examples(rows, none, results / "examples")  # what was said stays
    assert json.loads((results / "examples/examples.json").read_text()) == record
    (results / "examples/examples.json").write_text("{}")
    with pytest.raises(InputError, match="is broken"):
        reporting.page(results, "Voices")
