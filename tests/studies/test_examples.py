"""Which pairs Figure 5 shows."""

import json

import numpy as np
import pytest

from mtnet_tf.config import preset
from mtnet_tf.data import audio_files
from mtnet_tf.errors import InputError
from mtnet_tf.files import write_json, write_text
from mtnet_tf.runs.examples import Example, sound_of
from mtnet_tf.runs.layout import ROWS, result_folder
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.studies import examples
from mtnet_tf.studies.examples import add_controls, add_system, choose, hear, read_scored
from mtnet_tf.systems.controls import Control


def scored(word, heard, *values):
    return [Example(f"{word}_{heard}_{v}", word, heard, v) for v in values]


def test_the_median_of_words_spread_over_the_alphabet():
    pairs = []
    for word in "abcdef":
        pairs += scored(word, word, 0.9, 0.99, 0.95)
    pairs += scored("b", "a", 0.1, 0.4) + scored("e", "", -0.2)
    chosen = choose(pairs)
    assert [(e.kind, e.word, e.corr2d) for e in chosen] == [
        ("good", "a", 0.95), ("good", "c", 0.95), ("good", "e", 0.95),
        ("bad", "b", 0.1), ("bad", "e", -0.2),
    ]  # fmt: skip


def test_nothing_to_show():
    assert choose([]) == []


def test_rows_without_a_score_are_left_out(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("image_id,word,retrieved_word,corr2d,pesq\ni1,cat,dog,0.5,1\ni2,cat,,nan,1\n")
    assert read_scored(path) == [Example("i1", "cat", "dog", 0.5)]
    path.write_text("image_id,word,retrieved_word,corr2d\ni1,cat,dog,high\n")
    with pytest.raises(InputError, match="is broken"):
        read_scored(path)
    path.write_text("image_id,word,retrieved_word,corr2d\ni1,cat\n")
    with pytest.raises(InputError, match="not all of the same length"):
        read_scored(path)
    with pytest.raises(InputError, match="missing"):
        read_scored(tmp_path / "other.csv")


def test_what_is_heard_is_written_down(tmp_path):
    example = {"image_id": "i", "word": "fire truck", "retrieved_word": "", "corr2d": 0.5}
    record = {"chosen": [example], "said": {"mtnet": [""]}, "controls": {"noise": ["x"]}}
    (tmp_path / "examples.json").write_text(json.dumps({**record, "heard": {"old": []}}))
    for level, name in ((0.1, "true"), (0.2, "mtnet"), (0.3, "noise")):
        sound = tmp_path / f"sounds/1_bad_fire_truck_{name}.flac"
        audio_files.write_audio(sound, np.full(100, level), 8000)

    def recognize(samples, rate):
        assert rate == 8000
        return {1: "fire truck", 2: None, 3: "cat"}[round(10 * samples[0])]

    heard = {"true": ["fire truck"], "mtnet": [""], "noise": ["cat"]}
    assert hear(tmp_path, recognize) == heard
    assert json.loads((tmp_path / "examples.json").read_text()) == {**record, "heard": heard}
    (tmp_path / "examples.json").write_text(json.dumps(record))
    with pytest.raises(InputError, match="examples.json is broken"):
        hear(tmp_path, recognize)


def test_the_columns_are_named_as_the_rows_of_the_tables(tmp_path, monkeypatch, synthetic_data):
    test = synthetic_data.test
    word = synthetic_data.words[test.labels[0]]
    example = Example(str(test.image_ids[0]), word, word, 0.9)
    record = {"chosen": [vars(example)], "said": {"mtnet": [word]}, "controls": {}, "heard": {}}
    write_json(tmp_path / "examples.json", record)
    for level, name in ((0.1, "true"), (0.2, "mtnet")):
        sound = sound_of(tmp_path, 1, example, name)
        audio_files.write_audio(sound, np.full(100, level), 22050)
    drawn = []

    def draw_systems(path, *arguments):
        drawn.append(arguments)
        path.write_bytes(b"a picture")

    monkeypatch.setattr(examples, "draw_systems", draw_systems)
    monkeypatch.setattr(examples, "_say", lambda *_: np.full([1, 100], 0.3, np.float32))
    monkeypatch.setattr(examples, "_retrieved", lambda *_: ["other"])
    monkeypatch.setattr(RunFolder, "config", lambda _: preset("tiny"))
    add_system(RunFolder(tmp_path / "run"), synthetic_data, tmp_path, "no_holes")
    ((images, sounds, words, nearest, rate),) = drawn
    np.testing.assert_array_equal(images, test.images[:1])
    means = {title: round(float(np.mean(said[0])), 2) for title, said in sounds.items()}
    assert means == {"the recording": 0.1, "MT-Net": 0.2, "Proposed(hole)": 0.3}
    assert (words, nearest, rate) == (
        [word],
        {"MT-Net": [word], "Proposed(hole)": ["other"]},
        22050,
    )
    assert (tmp_path / "systems.png").read_bytes() == b"a picture"


def test_a_control_is_given_the_texts_of_a_network_that_writes_nothing(
    tiny_config, synthetic_data, tmp_path, monkeypatch
):
    """They are not as if there were none: the control was scored, and is among the examples."""
    run, folder, given = RunFolder(tmp_path / "run"), tmp_path / "examples", []
    run.begin(tiny_config, "0" * 64, "cpu")
    image_id = str(synthetic_data.test.image_ids[0])
    example = {"image_id": image_id, "word": "zero", "retrieved_word": "one", "corr2d": 0.5}
    for candidate in ("model", "reader"):
        text = f"image_id,word,softmax_word,retrieved_word,corr2d\n{image_id},zero,,one,0.5\n"
        write_text(run / result_folder(candidate) / ROWS, text)
    heard = {"reader": ["two"], "mtnet": ["one"]}
    write_json(
        folder / "examples.json", {"chosen": [example], "said": {}, "controls": {}, "heard": heard}
    )
    monkeypatch.setattr(examples, "load_network", lambda run: None)

    def make(context):
        given.append(context.predicted)
        return lambda pairs: np.zeros([len(pairs), 900], np.float32)

    add_controls(run, synthetic_data, folder, [Control("reader", "reader", make)])
    assert given == [{image_id: ""}]
    record = json.loads((folder / "examples.json").read_text())
    assert record["controls"] == {"reader": ["one"]}
    assert record["heard"] == {"mtnet": ["one"]}  # what was heard in its old sounds is forgotten
