"""The summary of rows of scores, by hand."""

import math

import pytest

from mtnet_tf.evaluation.summary import Row, summarize
from mtnet_tf.metrics import METRICS


def row(
    word, retrieved, score, failures=None, failed_references=(), nearest=0.95, softmax="",
    voice="a", retrieved_voice="a",
):  # fmt: skip
    scores = {name: score for name in METRICS}
    return Row(
        "id", word, "recording", voice, scores, failures or {}, failed_references, nearest,
        retrieved, retrieved_voice, softmax,
    )  # fmt: skip


def test_summary_statistics():
    nan = math.nan
    rows = [
        row("zero", "zero", 0.8),
        row("zero", "one", 0.2),
        row("one", "one", nan, {name: "silent" for name in METRICS}),
        row("one", "one", nan, {name: "no utterance" for name in METRICS}, METRICS),
    ]
    summary = summarize(rows)
    stoi = summary["metrics"]["stoi"]
    assert stoi["mean"] == pytest.approx(0.5)
    assert stoi["sd"] == pytest.approx(0.3)
    assert (stoi["num_scored"], stoi["num_failed"], stoi["num_failed_references"]) == (2, 1, 1)
    assert stoi["floor_mean"] == pytest.approx((1.0 - 1.0) / 3)
    assert summary["metrics"]["pesq"]["floor_mean"] == pytest.approx((1.0 - 0.5) / 3)
    assert stoi["failures"] == {"no utterance": 1, "silent": 1}
    assert summary["retrieval_accuracy"] == 0.75
    assert summary["retrieved"]["metrics"]["stoi"]["mean"] == pytest.approx(0.8)
    assert summary["per_word"]["zero"]["retrieval_accuracy"] == 0.5


def test_summary_of_voices():
    rows = [
        row("one", "one", 0.8),
        row("one", "two", 0.6, retrieved_voice="b"),
        row("one", "one", 0.4, voice="b", retrieved_voice="b"),
        row(
            "two", "", math.nan, {name: "silent" for name in METRICS}, voice="b", retrieved_voice=""
        ),
    ]
    summary = summarize(rows, 2)
    assert summary["voice_accuracy"] == 0.5
    assert list(summary["per_voice"]) == ["a", "b"]
    a, b = summary["per_voice"].values()
    assert (a["num_pairs"], a["retrieval_accuracy"]) == (2, 0.5)
    assert a["metrics"]["stoi"] == pytest.approx(0.7)
    assert a["sd"]["stoi"] == pytest.approx(0.1)
    assert (a["voice_accuracy"], b["voice_accuracy"]) == (0.5, 0.5)
    other = [row("one", "one", 0.5, retrieved_voice=voice) for voice in ("a", "a", "b", "c")]
    assert summarize(other, 3)["per_voice"]["a"]["voice_accuracy"] == 0.5
    assert b["metrics"]["stoi"] == pytest.approx((0.4 - 1) / 2)  # silence has the floor
    of_one = summarize(rows[:2], 2)
    assert of_one["voice_accuracy"] == 0.5
    assert list(of_one["per_voice"]) == ["a"]
    alone = summarize(rows[:2])
    assert alone["voice_accuracy"] is alone["per_voice"] is None


def test_summary_of_blended_words():
    """A waveform is blended where its nearest recording is not near, and silence is."""
    nearest = [0.95, 0.9, 0.89, math.nan]
    summary = summarize([row("zero", "zero", 0.5, nearest=value) for value in nearest])
    assert summary["blended"] == 0.5


def test_summary_of_what_the_softmax_head_gets_right():
    rows = [
        row("zero", "zero", 0.8, softmax="zero"),
        row("zero", "one", 0.2, softmax="zero"),
        row("one", "one", 0.6, softmax="zero"),
        row("one", "one", 0.9, softmax="one"),
    ]
    summary = summarize(rows, predicts_words=True)
    assert summary["classifier_accuracy"] == 0.75
    assert summary["classified"]["num_pairs"] == 3
    assert summary["classified"]["metrics"]["corr2d"]["mean"] == pytest.approx(1.9 / 3)
    headless = summarize([row("zero", "zero", 0.8)])
    assert (headless["classifier_accuracy"], headless["classified"]) == (None, None)
