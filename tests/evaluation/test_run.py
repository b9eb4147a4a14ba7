"""An evaluation of a run folder: where it writes, and what it leaves alone."""

import csv
import json
import shutil

import numpy as np
import pytest

from mtnet_tf.errors import InputError
from mtnet_tf.evaluation import run
from mtnet_tf.evaluation.run import evaluate_run
from mtnet_tf.files import InUseError, locked
from mtnet_tf.metrics.score import METRICS, Score
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.controls import CONTROLS


class Scores:
    """In place of a scoring pool: each waveform has the score 1 and the first recording."""

    metrics = METRICS

    def map(self, jobs):
        for waveforms, _ in jobs:
            yield [({name: Score(1.0) for name in METRICS}, 0, 1.0) for _ in waveforms]


@pytest.fixture(scope="module")
def finished(short_runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "run"
    return RunFolder(shutil.copytree(short_runs / "mtnet", folder))


def state(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_another_output_folder_leaves_the_run_folder_alone(finished, synthetic_data, tmp_path):
    before = state(finished.path)
    summaries = evaluate_run(
        finished,
        synthetic_data,
        Scores(),
        split="test",
        device="cpu",
        controls=CONTROLS,
        output_dir=tmp_path / "results",
    )
    assert state(finished.path) == before
    names = [summary["candidate"] for summary in summaries]
    assert names[0] == "model" and len(names) == 6
    for name in names:
        assert (tmp_path / "results/test" / name / "rows.csv").is_file()
    provenance = summaries[0]["provenance"]
    assert provenance["system"] == "mtnet"
    assert provenance["network_fingerprint"] == finished.network_fingerprint()
    recorded = finished.environment()["flops_per_image"]
    assert provenance["flops_per_image"] == recorded > 0
    assert summaries[0]["label"] == "MT-Net"
    assert {"description_milliseconds", "descriptions_per_second"} <= set(provenance)
    written = json.loads((tmp_path / "results/test/model/summary.json").read_text())
    assert written == summaries[0]


def test_the_softmax_head_is_scored_and_its_recordings_are_played(
    finished, synthetic_data, tmp_path
):
    model, *controls = evaluate_run(
        finished,
        synthetic_data,
        Scores(),
        split="test",
        device="cpu",
        controls=CONTROLS,
        output_dir=tmp_path,
    )
    from mtnet_tf.systems.trained import load_network

    outputs = load_network(finished)({"image": synthetic_data.test.images}, training=False)
    hits = outputs["logits"].numpy().argmax(-1) == synthetic_data.test.labels
    assert model["classifier_accuracy"] == pytest.approx(np.mean(hits))
    assert model["classified"]["num_pairs"] == np.sum(hits)
    rows = list(csv.DictReader((tmp_path / "test/model/rows.csv").open()))
    said = [synthetic_data.words[label] for label in outputs["logits"].numpy().argmax(-1)]
    assert [row["softmax_word"] for row in rows] == said
    rows = csv.DictReader((tmp_path / "test/white_noise/rows.csv").open())
    assert {row["softmax_word"] for row in rows} == {""}
    assert all(control["classifier_accuracy"] is None for control in controls)


class AlwaysZero:
    """In place of a speech recogniser: it hears "zero" in everything."""

    def recognize(self, waveform, sample_rate):
        return "zero"


def test_the_words_are_heard_where_that_is_asked_for(finished, synthetic_data, tmp_path):
    (summary,) = evaluate_run(
        finished,
        synthetic_data,
        Scores(),
        split="test",
        device="cpu",
        recognizer=AlwaysZero(),
        output_dir=tmp_path,
    )
    zeros = np.mean(synthetic_data.test.labels == synthetic_data.words.index("zero"))
    assert summary["word_accuracy"]["generated"] == pytest.approx(zeros)


def test_a_finished_evaluation_is_read_and_nothing_is_described(
    finished, synthetic_data, tmp_path, monkeypatch
):
    def evaluate():
        return evaluate_run(
            finished, synthetic_data, Scores(), split="test", device="cpu",
            controls=CONTROLS, output_dir=tmp_path,
        )  # fmt: skip

    before = evaluate()
    with monkeypatch.context() as patch:
        patch.setattr(run, "load_network", None)
        assert evaluate() == before
    (tmp_path / "test/wrong_word/summary.json").unlink()
    assert [summary["candidate"] for summary in evaluate()] == [s["candidate"] for s in before]


def test_one_process_an_evaluation(finished, synthetic_data, tmp_path):
    with locked(tmp_path / "test", wait=False), pytest.raises(InUseError, match="Another process"):
        evaluate_run(
            finished,
            synthetic_data,
            Scores(),
            split="test",
            device="cpu",
            output_dir=tmp_path,
        )


def test_an_empty_split_is_refused(finished, synthetic_data, tmp_path):
    nothing = synthetic_data.validation.take([])
    data = type(synthetic_data)(**{**vars(synthetic_data), "validation": nothing})
    with pytest.raises(InputError, match="validation split of synthetic/.* has no pairs"):
        evaluate_run(
            finished, data, Scores(), split="validation", device="cpu", output_dir=tmp_path
        )
