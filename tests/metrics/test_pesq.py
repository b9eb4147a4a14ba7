import numpy as np
import pesq as package
import pytest
import scipy.signal

from mtnet_tf.metrics.pesq import pesq, pesq_lqo, pesq_lqo_wb, raw_from_lqo
from mtnet_tf.metrics.score import Score


def _pairs(voice):
    noise = np.random.default_rng(0).standard_normal(18140)
    for seed in range(3):
        reference = voice(11000 + 3000 * seed, seed, 18140)
        for generated in (
            reference + 0.01 * noise,
            voice(15000, seed + 5, 18140),
            0.1 * noise,
            np.where(np.arange(18140) < 8000, reference, 0.0),
        ):
            yield reference.astype(np.float64), generated.astype(np.float64)


def test_is_the_packages_own_value(voice):
    """To the bit, although denormal numbers are flushed to zero meanwhile."""
    for reference, generated in _pairs(voice):
        pair = (scipy.signal.resample_poly(x, 160, 441) for x in (reference, generated))
        narrow = package.pesq(8000, *pair, "nb")
        pair = (scipy.signal.resample_poly(x, 320, 441) for x in (reference, generated))
        wide = package.pesq(16000, *pair, "wb")
        assert pesq_lqo(reference, generated).value == narrow
        assert pesq_lqo_wb(reference, generated).value == wide
        assert pesq(reference, generated) == raw_from_lqo(Score(narrow))


def test_raw_scale_is_the_inverse_of_p862_1():
    for raw in (-0.5, 0.0, 1.0, 2.5, 4.0, 4.5):
        lqo = 0.999 + 4 / (1 + np.exp(-1.4945 * raw + 4.6607))
        assert raw_from_lqo(Score(lqo)).value == pytest.approx(raw, abs=1e-9)


def test_identical_signals(voice):
    signal = voice(15000, 1, 18140)
    assert pesq(signal, signal).value == pytest.approx(4.5, abs=1e-4)
    assert pesq_lqo(signal, signal).value == pytest.approx(4.549, abs=1e-3)


def test_a_silent_generated_signal(voice):
    for metric in (pesq, pesq_lqo, pesq_lqo_wb):
        score = metric(voice(18140, 1), np.zeros(18140))
        assert score.reason == "the generated signal is silent"
        assert score.culprit == "generated"


def test_a_generated_signal_below_single_precision(voice):
    score = pesq(voice(18140, 1), 1e-30 * voice(18140, 1).astype(np.float64))
    assert score.reason == "PESQ finds no power in the generated signal"
    assert score.culprit == "generated"


def test_a_short_pair(voice):
    score = pesq(voice(5000, 1), voice(5000, 2))
    assert "0.25 s" in score.reason and score.culprit == "reference"


def test_a_reference_without_speech(voice):
    tone = 0.5 * np.sin(2 * np.pi * 10000 * np.arange(18140) / 22050)
    score = pesq(tone, voice(18140, 1))
    assert "no utterance" in score.reason and score.culprit == "reference"
