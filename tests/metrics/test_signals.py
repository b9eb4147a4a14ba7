import numpy as np
import pytest

from mtnet_tf.metrics import corr2d, pesq, stoi

PAIR_METRICS = [
    corr2d.corr2d,
    corr2d.corr2d_compressed,
    pesq.pesq,
    pesq.pesq_lqo,
    pesq.pesq_lqo_wb,
    stoi.stoi,
    stoi.stoi_classic,
    stoi.estoi,
]


@pytest.fixture(params=PAIR_METRICS, ids=lambda metric: metric.__name__)
def metric(request):
    return request.param


def test_unequal_lengths_are_an_error(metric, voice):
    with pytest.raises(ValueError, match="equally long.*18140 and 18139"):
        metric(voice(18140, 1), voice(18140, 1)[:-1])


def test_two_dimensions_are_an_error(metric, voice):
    with pytest.raises(ValueError, match=r"reference signal must have shape \[num_samples\]"):
        metric(voice(18140, 1)[None], voice(18140, 1))


def test_an_empty_signal_is_an_error(metric):
    with pytest.raises(ValueError, match="num_samples > 0"):
        metric(np.zeros(0), np.zeros(0))


def test_integers_are_an_error(metric, voice):
    with pytest.raises(ValueError, match="generated signal must be floats.*int16"):
        metric(voice(18140, 1), np.zeros(18140, np.int16))


@pytest.mark.parametrize("rate", [0, -8000, 22050.5])
def test_an_impossible_sample_rate_is_an_error(metric, voice, rate):
    with pytest.raises(ValueError, match="sample_rate"):
        metric(voice(18140, 1), voice(18140, 1), rate)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_bad_samples_are_blamed_on_their_signal(metric, voice, value):
    good, bad = voice(18140, 1), voice(18140, 1)
    bad[7] = value
    score = metric(good, bad)
    assert np.isnan(score.value) and score.culprit == "generated"
    assert score.reason.startswith("1 samples of the generated signal are not finite")
    assert metric(bad, good).culprit == "reference"
    assert metric(bad, bad).culprit == "reference"


def test_a_silent_reference_is_to_blame(metric, voice):
    for generated in (voice(18140, 1), np.zeros(18140)):
        score = metric(np.zeros(18140), generated)
        assert np.isnan(score.value) and score.culprit == "reference"
        assert "silen" in score.reason


def test_arguments_stay_as_they_are(metric, voice):
    reference, generated = voice(18140, 1), voice(18140, 2)
    metric(reference, generated)
    np.testing.assert_array_equal(reference, voice(18140, 1))
    np.testing.assert_array_equal(generated, voice(18140, 2))


def test_identical_signals_score_the_maximum(metric, voice):
    best = {"pesq": 4.5, "pesq_lqo": 4.549, "pesq_lqo_wb": 4.644}.get(metric.__name__, 1.0)
    signal = voice(14000, 1, padded_to=18140)
    assert metric(signal, signal).value == pytest.approx(best, abs=1e-3)
