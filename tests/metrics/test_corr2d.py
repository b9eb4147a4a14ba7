import numpy as np
import pytest

from mtnet_tf.metrics.auditory_spectrogram import auditory_spectrogram
from mtnet_tf.metrics.corr2d import corr2d, corr2d_compressed


def _pearson(reference, generated, power):
    spectrograms = (auditory_spectrogram(x) ** power for x in (reference, generated))
    return np.corrcoef(*(x.ravel() for x in spectrograms))[0, 1]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_is_numpys_correlation(voice, seed):
    reference, generated = voice(15000, 0, 18140), voice(17000, seed, 18140)
    expected = _pearson(reference, generated, 1.0)
    assert corr2d(reference, generated).value == pytest.approx(expected, abs=1e-12)
    expected = _pearson(reference, generated, 0.3)
    assert corr2d_compressed(reference, generated).value == pytest.approx(expected, abs=1e-12)


def test_scale_does_not_matter(voice):
    reference, generated = voice(18140, 1), voice(18140, 2).astype(np.float64)
    expected = corr2d(reference, generated).value
    for scale in (1e-3, 1e-100, 1e5):
        assert corr2d(reference, scale * generated).value == pytest.approx(expected, abs=1e-9)


def test_silence_has_no_correlation(voice):
    for metric in (corr2d, corr2d_compressed):
        score = metric(voice(18140, 1), np.zeros(18140))
        assert np.isnan(score.value) and score.culprit == "generated"
        assert "constant (silence)" in score.reason


def test_a_delay_lowers_it(voice):
    reference = voice(12000, 1, 18140)
    near, far = (corr2d(reference, np.roll(reference, n)).value for n in (220, 2205))
    assert far < near < 1
