"""The files of an evaluation: truncated ones are scored anew, a full disk leaves none."""

import dataclasses
import json

import numpy as np
import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.evaluation import scoring
from mtnet_tf.evaluation.result_folder import Evaluation
from mtnet_tf.files import write_text
from mtnet_tf.metrics.score import METRICS, Score
from mtnet_tf.systems.controls import Candidate


class Scores:
    """In place of a scoring pool: a score that follows from the waveform."""

    metrics = METRICS

    def map(self, jobs):
        for waveforms, _ in jobs:
            yield [
                ({name: Score(float(waveform[0])) for name in METRICS}, 0, 1.0)
                for waveform in waveforms
            ]


def ramp(pairs):
    return np.linspace(0, 1, len(pairs) * 900, dtype=np.float32).reshape(len(pairs), 900)


@pytest.fixture
def score(synthetic_data, tmp_path):
    def score(recognizer=None, num_pairs=0, pairs=None, num_wavs=2):
        pairs = synthetic_data.test.spread(num_pairs) if pairs is None else pairs
        asked = Evaluation(pairs, synthetic_data, "test", Scores(), {}, num_wavs, recognizer)
        return scoring.evaluate(Candidate("ramp", "ramp", ramp), tmp_path, asked)

    return score


def results(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "summary.json"
    }


@pytest.mark.parametrize("keep", [0, 10, -3])
@pytest.mark.parametrize("name", ["rows.csv", "summary.json"])
def test_a_truncated_result_is_scored_anew(name, keep, score, tmp_path, caplog):
    score()
    before = results(tmp_path)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[:keep])
    write_text(tmp_path / ".99_rows.csv", "half")
    write_text(tmp_path / "wavs/.99_a.wav", "half")
    summary = score()
    assert "scoring anew" in caplog.text
    assert results(tmp_path) == before
    assert json.loads((tmp_path / "summary.json").read_text()) == summary


def test_a_result_with_a_row_less_is_scored_anew(score, tmp_path, caplog):
    score()
    whole = (tmp_path / "rows.csv").read_bytes()
    (tmp_path / "rows.csv").write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    score()
    assert "does not hold 6 rows: scoring anew" in caplog.text
    assert (tmp_path / "rows.csv").read_bytes() == whole


def test_a_result_that_does_not_say_its_training_is_scored_anew(score, tmp_path, caplog):
    summary = score()
    (tmp_path / "summary.json").write_text(json.dumps({**summary, "provenance": None}))
    assert score().keys() == summary.keys()
    assert "is broken ('NoneType' object has no attribute 'get'): scoring anew" in caplog.text
    assert json.loads((tmp_path / "summary.json").read_text())["provenance"] is not None


def test_a_result_of_an_older_version_is_scored_anew_but_never_by_less(score, tmp_path):
    summary = score()
    older = {k: v for k, v in summary.items() if k not in ("blended", "classified")}
    path = tmp_path / "summary.json"
    path.write_text(json.dumps(older))
    with pytest.raises(InputError, match="holds an evaluation of 6 pairs, and 2 would replace it"):
        score(num_pairs=2)
    assert json.loads(path.read_text()) == older
    assert {"blended", "classified"} < set(score())


@pytest.mark.parametrize("column", ["recordings", "image_ids"])
def test_a_result_of_other_pairs_is_refused(column, score, synthetic_data, tmp_path):
    """Such as the same images with the recordings of another voice."""
    score()
    before = results(tmp_path)
    test = synthetic_data.test
    others = dataclasses.replace(test, **{column: getattr(test, column)[::-1]})
    with pytest.raises(InputError, match="of 6 other pairs of .*: other images, or with other"):
        score(pairs=others)
    assert results(tmp_path) == before


class AlwaysZero:
    """In place of a speech recogniser: it hears "zero" in everything."""

    def recognize(self, waveform, sample_rate):
        return "zero"


def test_more_sounds_are_added_to_a_result_and_kept(score, tmp_path):
    for asked, there in ((1, 1), (3, 3), (0, 3), (99, 6)):
        assert score(num_wavs=asked)["num_pairs"] == 6
        assert len(list((tmp_path / "wavs").iterdir())) == there


def test_the_word_accuracy_is_added_to_a_result_and_kept(score, synthetic_data):
    words = [synthetic_data.words[label] for label in synthetic_data.test.labels]
    assert score()["word_accuracy"] is None
    expected = {"generated": words.count("zero") / 6, "references": words.count("zero") / 6}
    # Of the references it hears right the ones whose word is "zero".
    assert score(AlwaysZero())["word_accuracy"] == pytest.approx(expected)
    assert score()["word_accuracy"] == pytest.approx(expected)
    with pytest.raises(InputError, match="holds the word accuracy too, which scoring anew would"):
        score(num_wavs=5)
    assert score()["word_accuracy"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "writer, name",
    [
        ("write_rows", "rows.csv"),
        ("write_summary", "summary.json"),
        ("audio_files.write_audio", "wav"),
    ],
)
def test_disk_full_while_scoring(writer, name, score, tmp_path, monkeypatch, files_up_to):
    *module, function = writer.split(".")
    place = getattr(scoring, module[0]) if module else scoring
    write = getattr(place, function)

    def write_on_a_full_disk(*arguments):
        with files_up_to(100):
            write(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(place, function, write_on_a_full_disk)
        with pytest.raises(InputError, match=rf"{name}:? cannot be written \(File too large\)"):
            score()
    assert not (tmp_path / "summary.json").exists()
    assert not any(path.name.startswith(".") for path in tmp_path.rglob("*"))
    assert score()["num_pairs"] == 6
