import csv
import json
import math

import numpy as np
import pytest

from mtnet_tf.data.pairs import AudioDescriptions, Pairs, Recordings
from mtnet_tf.evaluation import scoring as evaluation
from mtnet_tf.evaluation.scoring import Row, summarize
from mtnet_tf.metrics import METRICS
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.systems import controls as generators

AUDIO_LENGTH = 12000


@pytest.fixture(scope="module")
def data():
    """Three words with two recordings each (speech-like bursts); train and test use different takes of word 2."""
    random = np.random.default_rng(0)
    times = np.arange(AUDIO_LENGTH) / 22050
    waveforms = []
    for k in range(6):
        carrier = np.sin(
            2 * np.pi * (200 + 150 * (k // 2)) * times + 3 * np.sin(2 * np.pi * (3 + k) * times)
        )
        envelope = np.abs(np.sin(2 * np.pi * (4 + k) * times)) ** 2
        waveforms.append(0.4 * envelope * (carrier + 0.3 * random.normal(size=AUDIO_LENGTH)))
    recordings = Recordings(
        tuple(f"{word}/a_{take}" for word in ("zero", "one", "two") for take in (0, 1)),
        np.array([0, 0, 1, 1, 2, 2], np.int32),
        np.round(np.clip(waveforms, -1, 1) * 32767).astype(np.int16),
    )

    def pairs(labels, takes, prefix):
        labels = np.array(labels, np.int32)
        return Pairs(
            np.zeros([len(labels), 4, 4, 1], np.uint8),
            labels,
            (2 * labels + np.array(takes)).astype(np.int32),
            np.zeros(len(labels), np.int32),
            np.array([f"{prefix}_{i}" for i in range(len(labels))]),
        )

    return AudioDescriptions(
        name="synthetic/one_recording",
        train=pairs([0, 0, 0, 1, 2], [0, 0, 0, 0, 0], "train"),
        validation=pairs([0], [0], "validation"),
        test=pairs([0, 1, 2, 0], [0, 0, 1, 0], "test"),
        recordings=recordings,
        words=("zero", "one", "two"),
        voices=("a",),
        metadata={},
    )


def score(generator, data, tmp_path, **options):
    return evaluation.evaluate(
        generator, data.test, data, tmp_path / generator.name, provenance={"command": "test"}, split="test",
        pool=ScoringPool(data.recordings.float_waveforms(), 1), **options,
    )  # fmt: skip


def test_true_label_is_the_ceiling(data, tmp_path):
    summary = score(generators.TrueLabelAndRecording(data), data, tmp_path, num_wavs=2)
    rows = list(csv.DictReader((tmp_path / "true_label_and_recording/rows.csv").open()))
    same = [row for row in rows if row["word"] != "two"]  # the test pair of "two" has another take
    assert [float(row["corr2d"]) for row in same] == pytest.approx([1.0] * 3)
    assert [float(row["pesq"]) for row in same] == pytest.approx([4.5] * 3, abs=1e-3)
    assert float(rows[2]["corr2d"]) < 0.99
    assert summary["heard_right"]["fraction"] == 1.0
    assert summary["num_pairs"] == 4
    wavs = sorted(path.name for path in (tmp_path / "true_label_and_recording/wavs").iterdir())
    assert wavs == ["test_0_zero.wav", "test_1_one.wav"]


def test_wrong_word_is_always_wrong(data, tmp_path):
    summary = score(generators.WrongWord(data, seed=1), data, tmp_path)
    assert summary["heard_right"] == {**summary["heard_right"], "fraction": 0.0, "num_pairs": 0}
    assert summary["heard_right"]["metrics"]["corr2d"]["mean"] is None or math.isnan(
        summary["heard_right"]["metrics"]["corr2d"]["mean"]
    )


def test_mean_waveform_weighs_recordings_by_use(data):
    recordings = data.recordings.float_waveforms()
    expected = (3 * recordings[0] + recordings[2] + recordings[4]) / 5
    np.testing.assert_allclose(generators.MeanWaveform(data)(data.test, 0)[1], expected, atol=1e-6)


def test_white_noise_has_the_level_of_the_recordings(data):
    noise = generators.WhiteNoise(data)(data.test, 0)
    level = np.sqrt(np.mean(np.square(data.recordings.float_waveforms()[[0, 2, 4]])))
    assert np.sqrt(np.mean(np.square(noise))) == pytest.approx(level, rel=0.05)
    assert not np.array_equal(noise[0], noise[1])
    np.testing.assert_array_equal(generators.WhiteNoise(data)(data.test, 16)[0], noise[0])


def test_white_noise_takes_its_level_from_the_training_split_alone(data):
    expected = generators.WhiteNoise(data)(data.test, 0)
    waveforms = data.recordings.waveforms.copy()
    waveforms[[1, 3, 5]] = 0  # which no training pair uses
    recordings = Recordings(data.recordings.ids, data.recordings.labels, waveforms)
    changed = AudioDescriptions(**{**vars(data), "recordings": recordings})
    np.testing.assert_array_equal(generators.WhiteNoise(changed)(data.test, 0), expected)


def test_the_seed_draws_the_wrong_words(data):
    labels = np.arange(60, dtype=np.int32) % 3
    voices = np.zeros(60, np.int32)
    pairs = Pairs(np.zeros([60, 4, 4, 1], np.uint8), labels, labels, voices, labels.astype(str))
    first, other = (generators.controls(data, None, seed)[2](pairs, 0) for seed in (0, 3))
    np.testing.assert_array_equal(other, generators.WrongWord(data, 3)(pairs, 0))
    assert not np.array_equal(first, other)


def test_classifier_plays_what_it_sees(data):
    played = generators.ClassifierAndRecording(data, np.array([2, 1, 0, 0]))(data.test, 0)
    np.testing.assert_array_equal(played, data.recordings.float_waveforms()[[4, 2, 0, 0]])


def test_controls_by_what_they_return(data):
    """In the order of the tables; recordings are those of the training split, the first a word."""
    predicted = np.array([1, 1, 0, 2])
    found = generators.controls(data, predicted, seed=3)
    noise, mean, wrong, classifier, true = [control(data.test, 0) for control in found]
    recordings = data.recordings.float_waveforms()
    first = recordings[[0, 2, 4]]
    np.testing.assert_array_equal(true, first[data.test.labels])
    np.testing.assert_array_equal(classifier, first[predicted])
    np.testing.assert_allclose(
        mean, np.tile((3 * first[0] + first[1] + first[2]) / 5, (4, 1)), atol=1e-6
    )
    spoken = [int(np.flatnonzero((first == waveform).all(1))[0]) for waveform in wrong]
    assert all(word != label for word, label in zip(spoken, data.test.labels))
    np.testing.assert_array_equal(noise, generators.WhiteNoise(data, 3)(data.test, 0))
    assert not np.array_equal(noise, generators.WhiteNoise(data, 0)(data.test, 0))
    assert abs(np.corrcoef(noise[0], noise[1])[0, 1]) < 0.05
    assert len(generators.controls(data, None)) == 4
    names = "white_noise mean_waveform wrong_word classifier_and_recording true_label_and_recording"
    assert [control.name for control in found] == names.split()


def test_controls_are_the_same_whatever_the_chunks(data):
    whole = [control(data.test, 0) for control in generators.controls(data, np.arange(4) % 3)]
    for control, expected in zip(generators.controls(data, np.arange(4) % 3), whole):
        parts = [control(data.test.take([i]), i)[0] for i in range(4)]
        np.testing.assert_array_equal(parts, expected)


def test_every_wrong_word_is_drawn_equally_often(data):
    labels = np.arange(3000) % 3
    voices = np.zeros(3000, np.int32)
    pairs = Pairs(np.zeros([3000, 4, 4, 1], np.uint8), labels, labels, voices, labels.astype(str))
    played = generators.WrongWord(data, seed=1)(pairs, 0)[:, :2000].sum(1)
    first = data.recordings.float_waveforms()[[0, 2, 4], :2000].sum(1)
    spoken = np.abs(played[:, None] - first).argmin(1)
    counts = np.array([[np.sum((labels == k) & (spoken == w)) for w in range(3)] for k in range(3)])
    assert (np.diag(counts) == 0).all()
    assert counts[~np.eye(3, dtype=bool)].min() > 430  # 500 expected, deviation 16


def test_another_number_of_pairs_is_scored_anew(data, tmp_path):
    generator = generators.TrueLabelAndRecording(data)
    half = evaluation.evaluate(
        generator, data.test.spread(2), data, tmp_path / generator.name, provenance={}, split="test",
        pool=ScoringPool(data.recordings.float_waveforms(), 1),
    )  # fmt: skip
    whole = score(generator, data, tmp_path)
    assert (half["num_pairs"], whole["num_pairs"]) == (2, 4)


def test_results_do_not_depend_on_processes_and_finished_ones_are_kept(data, tmp_path):
    generator = generators.WhiteNoise(data)
    score(generator, data, tmp_path / "one")
    with ScoringPool(data.recordings.float_waveforms(), 2) as pool:
        evaluation.evaluate(
            generator,
            data.test,
            data,
            tmp_path / "two" / generator.name,
            provenance={},
            split="test",
            pool=pool,
        )
    files = [tmp_path / n / "white_noise/rows.csv" for n in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()
    before = (tmp_path / "one/white_noise/summary.json").read_bytes()
    score(generator, data, tmp_path / "one")
    assert (tmp_path / "one/white_noise/summary.json").read_bytes() == before


class Silence:
    name, label = "silence", "silence"

    def __call__(self, pairs, first):
        return np.zeros([len(pairs), AUDIO_LENGTH], np.float32)


def test_silence_fails_with_reasons_and_cannot_win(data, tmp_path):
    summary = score(Silence(), data, tmp_path)
    corr2d = summary["metrics"]["corr2d"]
    assert (corr2d["num_scored"], corr2d["num_failed"], corr2d["floor_mean"]) == (0, 4, -1.0)
    assert sum(corr2d["failures"].values()) == 4
    assert summary["metrics"]["pesq"]["floor_mean"] == -0.5
    assert summary["heard_right"]["fraction"] == 0.0
    stored = json.loads((tmp_path / "silence/summary.json").read_text())
    assert stored["metrics"]["corr2d"]["mean"] is None  # NaN is no JSON


def row(word, heard, score, failures=None, unscorable=()):
    scores = {name: score for name in METRICS}
    return Row("id", word, "recording", scores, failures or {}, unscorable, heard)


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
    assert (stoi["num_scored"], stoi["num_failed"], stoi["num_unscorable_reference"]) == (2, 1, 1)
    assert stoi["floor_mean"] == pytest.approx(1.0 / 3)
    assert summary["metrics"]["pesq"]["floor_mean"] == pytest.approx((1.0 - 0.5) / 3)
    assert stoi["failures"] == {"no utterance": 1, "silent": 1}
    assert summary["heard_right"]["fraction"] == 0.75
    assert summary["heard_right"]["metrics"]["stoi"]["mean"] == pytest.approx(0.8)
    assert summary["per_word"]["zero"]["heard_right"] == 0.5
