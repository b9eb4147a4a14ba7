import csv
import dataclasses
import json
import types

import numpy as np
import pytest

from mtnet_tf.data import audio_files
from mtnet_tf.data.pairs import AudioDescriptions, Pairs, Recordings
from mtnet_tf.errors import InputError
from mtnet_tf.evaluation.result_folder import Evaluation
from mtnet_tf.evaluation.scoring import evaluate
from mtnet_tf.metrics import EXTRAS, METRICS
from mtnet_tf.metrics.score import chosen_metrics
from mtnet_tf.metrics.scoring_pool import ScoringPool
from mtnet_tf.systems.controls import CEILING, Candidate, Context, make_controls

AUDIO_LENGTH = 12000


@pytest.fixture(scope="module")
def data():
    """Three words with two recordings each, of bursts that are like speech.

    The training split and the test split use different takes of word 2.
    """
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


def control(name, data, predicted=None):
    (found,) = [c for c in make_controls(Context(data, predicted)) if c.name == name]
    return found


def predictions(data, labels):
    words = [data.words[label] for label in labels]
    return dict(zip(data.test.image_ids, words, strict=True))


def asked_of(data, pairs=None, provenance=None, num_wavs=10):
    pairs = data.test if pairs is None else pairs
    pool = ScoringPool(data.recordings.float_waveforms(), 1)
    return Evaluation(pairs, data, "test", pool, provenance or {"command": "test"}, num_wavs)


def score(candidate, data, tmp_path, num_wavs=10, predicted=None):
    asked = asked_of(data, num_wavs=num_wavs)
    return evaluate(candidate, tmp_path / candidate.name, asked, predicted)


def test_true_label_is_the_ceiling(data, tmp_path):
    summary = score(control("true_label_and_recording", data), data, tmp_path, num_wavs=2)
    rows = list(csv.DictReader((tmp_path / "true_label_and_recording/rows.csv").open()))
    same = [row for row in rows if row["word"] != "two"]  # the test pair of "two" has another take
    assert [float(row["corr2d"]) for row in same] == pytest.approx([1.0] * 3)
    assert [float(row["pesq"]) for row in same] == pytest.approx([4.5] * 3, abs=1e-3)
    assert float(rows[2]["corr2d"]) < 0.99
    assert summary["retrieval_accuracy"] == 1.0
    assert summary["num_pairs"] == 4
    wavs = sorted(path.name for path in (tmp_path / "true_label_and_recording/wavs").iterdir())
    assert wavs == ["test_0_zero.wav", "test_1_one.wav"]
    assert [row["recording_id"] for row in rows] == ["zero/a_0", "one/a_0", "two/a_1", "zero/a_0"]


def test_a_sound_has_no_name_that_a_link_would_break_at(data, tmp_path):
    spaced = dataclasses.replace(data, words=("aquarium fish", "t/shirt", "two"))
    score(control("true_label_and_recording", spaced), spaced, tmp_path, num_wavs=2)
    wavs = sorted(path.name for path in (tmp_path / "true_label_and_recording/wavs").iterdir())
    assert wavs == ["test_0_aquarium_fish.wav", "test_1_t_shirt.wav"]


def test_what_is_no_number_is_silence_to_the_ear(data, tmp_path):
    """And fails in each score, as any other pair of it does."""
    waveforms = data.recordings.float_waveforms()

    def speak(pairs):
        said = waveforms[pairs.recordings].copy()
        said[pairs.image_ids == "test_0"] = np.nan
        return said

    summary = score(Candidate("broken", "Broken", speak), data, tmp_path, num_wavs=2)
    assert summary["metrics"]["corr2d"]["num_failed"] == 1
    samples, _ = audio_files.read_audio(tmp_path / "broken/wavs/test_0_zero.wav")
    assert not samples.any()


def test_sounds_of_other_images_do_not_stay(data, tmp_path):
    wavs = tmp_path / "true_label_and_recording/wavs"
    wavs.mkdir(parents=True)
    (wavs / "test_9_two.wav").write_bytes(b"of an evaluation of fewer pairs")
    score(control("true_label_and_recording", data), data, tmp_path, num_wavs=1)
    assert [path.name for path in wavs.iterdir()] == ["test_0_zero.wav"]


def test_a_waveform_is_scored_against_each_reference(data, tmp_path):
    """What says the same for every image is still compared with the pair's own recording."""
    score(control("mean_waveform", data), data, tmp_path)
    rows = list(csv.DictReader((tmp_path / "mean_waveform/rows.csv").open()))
    assert len({row["corr2d"] for row in rows[:3]}) == 3
    assert rows[3]["corr2d"] == rows[0]["corr2d"]


def test_wrong_word_is_always_wrong(data, tmp_path):
    summary = score(control("wrong_word", data), data, tmp_path)
    assert summary["retrieval_accuracy"] == 0.0
    assert summary["retrieved"]["num_pairs"] == 0
    assert summary["retrieved"]["metrics"]["corr2d"]["mean"] is None


def test_white_noise_has_the_level_of_the_recordings(data):
    noise = control("white_noise", data).speak(data.test)
    level = np.sqrt(np.mean(np.square(data.recordings.float_waveforms()[[0, 2, 4]])))
    assert np.sqrt(np.mean(np.square(noise))) == pytest.approx(level, rel=0.05)
    assert not np.array_equal(noise[0], noise[1])


def test_white_noise_takes_its_level_from_the_training_split_alone(data):
    expected = control("white_noise", data).speak(data.test)
    waveforms = data.recordings.waveforms.copy()
    waveforms[[1, 3, 5]] = 0  # which no training pair uses
    recordings = Recordings(data.recordings.ids, data.recordings.labels, waveforms)
    changed = AudioDescriptions(**{**vars(data), "recordings": recordings})
    np.testing.assert_array_equal(control("white_noise", changed).speak(data.test), expected)


def test_a_word_that_is_none_is_silence(data):
    misspelt = dict.fromkeys(data.test.image_ids, "nought")
    played = control("classifier_and_recording", data, misspelt).speak(data.test)
    assert played.shape == (4, data.recordings.waveforms.shape[1]) and not played.any()


def test_controls_by_what_they_return(data):
    """In the order of the tables; recordings are those of the training split, the first a word."""
    predicted = [1, 1, 0, 2]
    found = make_controls(Context(data, predictions(data, predicted)))
    noise, mean, wrong, classifier, true = [candidate.speak(data.test) for candidate in found]
    recordings = data.recordings.float_waveforms()
    first = recordings[[0, 2, 4]]
    np.testing.assert_array_equal(true, first[data.test.labels])
    np.testing.assert_array_equal(classifier, first[predicted])
    np.testing.assert_allclose(
        mean, np.tile((3 * first[0] + first[1] + first[2]) / 5, (4, 1)), atol=1e-6
    )
    spoken = [int(np.flatnonzero((first == waveform).all(1))[0]) for waveform in wrong]
    assert all(word != label for word, label in zip(spoken, data.test.labels))
    assert abs(np.corrcoef(noise[0], noise[1])[0, 1]) < 0.05
    assert len(make_controls(Context(data))) == 4
    names = "white_noise mean_waveform wrong_word classifier_and_recording true_label_and_recording"
    assert [candidate.name for candidate in found] == names.split()


def test_controls_speak_in_the_voice_that_the_network_is_told(data):
    """Recordings 0, 2, 4 are by one voice, and 1, 3, 5 by another; pairs 2 and 3 are by that."""
    voices = [np.array(numbers, np.int32) for numbers in ([0] * 3 + [1] * 3, [0, 0, 1, 1])]
    labels = np.array([0, 1, 2, 0, 1, 2], np.int32)
    train = dataclasses.replace(
        data.train.take([0, 0, 0, 0, 0, 0]), labels=labels, voices=voices[0],
        recordings=2 * labels + voices[0],
    )  # fmt: skip
    test = dataclasses.replace(data.test, voices=voices[1])
    several = dataclasses.replace(data, train=train, test=test, voices=("a", "b"))
    predicted, recordings = [1, 1, 0, 2], data.recordings.float_waveforms()
    told = types.SimpleNamespace(input={"image": None, "voice": None})

    def said(network):
        context = Context(several, predictions(several, predicted), network=network)
        *_, wrong, classifier, true = make_controls(context)
        found = [candidate.speak(test) for candidate in (wrong, classifier, true)]
        return [np.argmax((w[:, None] == recordings).all(2), axis=1).tolist() for w in found]

    wrong, classifier, true = said(told)
    assert true == [0, 2, 5, 1] and classifier == [2, 2, 1, 5]
    assert [k % 2 for k in wrong] == [0, 0, 1, 1]
    assert all(k // 2 != label for k, label in zip(wrong, test.labels))
    assert said(types.SimpleNamespace(input={"image": None}))[2] == [0, 2, 4, 0]


def test_controls_depend_on_the_image_and_not_on_where_its_row_stands(data):
    controls = make_controls(Context(data, predictions(data, [0, 1, 2, 0])))
    assert len(controls) == 5
    order = np.array([2, 0, 3, 1])
    for candidate in controls:
        whole = candidate.speak(data.test)
        parts = [candidate.speak(data.test.take([i]))[0] for i in range(4)]
        np.testing.assert_array_equal(parts, whole)
        np.testing.assert_array_equal(candidate.speak(data.test.take(order)), whole[order])


def test_a_word_without_a_training_recording_is_said_by_another_one(data):
    lacking = AudioDescriptions(**{**vars(data), "train": data.train.take([0, 1, 4])})
    (ceiling,) = [c for c in make_controls(Context(lacking)) if c.name == CEILING.name]
    of_one = data.test.take(np.flatnonzero(data.test.labels == 1))
    assert len(of_one)
    first = data.recordings.float_waveforms()[data.recordings.labels.tolist().index(1)]
    np.testing.assert_array_equal(ceiling.speak(of_one), np.tile(first, [len(of_one), 1]))


def test_a_word_without_a_recording_is_told(data):
    labels = np.where(data.recordings.labels == 1, -1, data.recordings.labels)
    silent = dataclasses.replace(data.recordings, labels=labels)
    lacking = {"train": data.train.take([0, 1, 4]), "recordings": silent}
    with pytest.raises(InputError, match="no recording of: one. Prepare the data set with more"):
        make_controls(Context(dataclasses.replace(data, **lacking)))


def test_a_data_set_of_one_word_has_no_wrong_one(data):
    one = AudioDescriptions(**{**vars(data), "words": ("zero",)})
    assert "wrong_word" not in [candidate.name for candidate in make_controls(Context(one))]


def test_every_wrong_word_is_drawn_equally_often(data):
    labels = np.arange(3000) % 3
    pairs = Pairs(
        np.zeros([3000, 4, 4, 1], np.uint8), labels, labels, 0 * labels, np.arange(3000).astype(str)
    )
    played = control("wrong_word", data).speak(pairs)[:, :2000].sum(1)
    first = data.recordings.float_waveforms()[[0, 2, 4], :2000].sum(1)
    spoken = np.abs(played[:, None] - first).argmin(1)
    counts = np.array([[np.sum((labels == k) & (spoken == w)) for w in range(3)] for k in range(3)])
    assert (np.diag(counts) == 0).all()
    assert counts[~np.eye(3, dtype=bool)].min() > 430  # 500 expected, deviation 16


def test_more_pairs_are_scored_anew_and_fewer_are_refused(data, tmp_path):
    candidate = control("true_label_and_recording", data)
    of_half = asked_of(data, data.test.spread(2), num_wavs=1)
    half = evaluate(candidate, tmp_path / candidate.name, of_half)
    whole = score(candidate, data, tmp_path, num_wavs=1)
    assert (half["num_pairs"], whole["num_pairs"]) == (2, 4)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match="4 pairs, and 2 would .* another folder for the results"):
        evaluate(candidate, tmp_path / candidate.name, of_half)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "change",
    [
        *({"training_seconds": 2.0}, {"seed": 1}, {"dataset": "other"}),
        {"network_fingerprint": "b"},
    ],
)
def test_the_scores_of_another_training_are_neither_returned_nor_replaced(change, data, tmp_path):
    candidate = control("true_label_and_recording", data)
    folder = tmp_path / candidate.name
    training = {"training_command": "c", "training_seconds": 1.0, "seed": 0}
    training["network_fingerprint"] = "a"
    first = evaluate(candidate, folder, asked_of(data, provenance=training))
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    other = dataclasses.replace(data, name=change.pop("dataset", data.name))
    with pytest.raises(
        InputError, match="of another training or .* Give another folder for the results"
    ):
        evaluate(candidate, folder, asked_of(other, provenance=training | change))
    assert {path: path.read_bytes() for path in before} == before
    again = evaluate(candidate, folder, asked_of(data, provenance=training))
    assert again == first


def test_results_do_not_depend_on_processes_and_finished_ones_are_kept(data, tmp_path):
    candidate = control("white_noise", data)
    score(candidate, data, tmp_path / "one")
    with ScoringPool(data.recordings.float_waveforms(), 2) as pool:
        asked = dataclasses.replace(asked_of(data), pool=pool)
        evaluate(candidate, tmp_path / "two" / candidate.name, asked)
    files = [tmp_path / n / "white_noise/rows.csv" for n in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()
    before = (tmp_path / "one/white_noise/summary.json").read_bytes()
    score(candidate, data, tmp_path / "one")
    assert (tmp_path / "one/white_noise/summary.json").read_bytes() == before


SILENCE = Candidate(
    "silence", "silence", lambda pairs: np.zeros([len(pairs), AUDIO_LENGTH], np.float32)
)


def test_silence_fails_with_reasons_and_cannot_win(data, tmp_path):
    summary = score(SILENCE, data, tmp_path)
    corr2d = summary["metrics"]["corr2d"]
    assert (corr2d["num_scored"], corr2d["num_failed"], corr2d["floor_mean"]) == (0, 4, -1.0)
    assert sum(corr2d["failures"].values()) == 4
    assert summary["metrics"]["pesq"]["floor_mean"] == -0.5
    assert summary["metrics"]["stoi"]["floor_mean"] == -1.0
    assert summary["retrieval_accuracy"] == 0.0
    stored = json.loads((tmp_path / "silence/summary.json").read_text())
    assert stored["metrics"]["corr2d"]["mean"] is None  # NaN is no JSON


def test_a_candidate_that_writes_nothing_is_never_right(data, tmp_path):
    """It predicts words, unlike one that has no head."""
    empty = dict.fromkeys(data.test.image_ids, "")
    with ScoringPool(data.recordings.float_waveforms(), 1, ["corr2d"]) as pool:
        for number, (predicted, accuracy) in enumerate([(empty, 0.0), (None, None)]):
            asked = dataclasses.replace(asked_of(data, data.test.spread(2)), pool=pool, num_wavs=0)
            summary = evaluate(SILENCE, tmp_path / str(number), asked, predicted)
            assert summary["classifier_accuracy"] == accuracy
            assert (summary["classified"] is None) == (predicted is None)


def test_extras_are_scored_when_they_are_asked_for(data, tmp_path):
    """And only then: what is there without them is then scored anew."""
    pairs = data.test.spread(2)
    recordings = data.recordings.float_waveforms()
    speaker = Candidate("echo", "echo", lambda pairs: recordings[pairs.recordings])

    def score(extras):
        pool = ScoringPool(recordings, 1, chosen_metrics(extras))
        return evaluate(speaker, tmp_path, dataclasses.replace(asked_of(data, pairs), pool=pool))

    assert set(score(extras=False)["metrics"]) == set(METRICS) - set(EXTRAS)
    first = next(csv.DictReader((tmp_path / "rows.csv").open()))
    assert not set(EXTRAS) & set(first)
    assert float(first["nearest_corr2d"]) == pytest.approx(1.0)
    assert first["retrieved_voice"] == "a"
    assert set(score(extras=True)["metrics"]) == set(chosen_metrics(extras=True))
    assert set(EXTRAS) < set(next(csv.DictReader((tmp_path / "rows.csv").open())))
    before = (tmp_path / "rows.csv").stat().st_mtime_ns
    assert set(score(extras=False)["metrics"]) == set(chosen_metrics(extras=True))
    assert (tmp_path / "rows.csv").stat().st_mtime_ns == before
