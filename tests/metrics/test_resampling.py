import numpy as np
import pystoi.utils
import pytest
import scipy.signal

from mtnet_tf.metrics.resampling import resample_octave, resample_polyphase

RATES = [
    (22050, 16000),
    (22050, 8000),
    (22050, 10000),
    (8000, 10000),
    (16000, 8000),
    (48000, 16000),
]


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("num_samples", [1, 50, 18140])
def test_cached_filters_give_the_very_bits_of_the_libraries(rates, num_samples):
    from_rate, to_rate = rates
    samples = np.random.default_rng(0).standard_normal(num_samples)
    expected = scipy.signal.resample_poly(samples, to_rate, from_rate)
    np.testing.assert_array_equal(resample_polyphase(samples, from_rate, to_rate), expected)
    expected = pystoi.utils.resample_oct(samples, to_rate, from_rate)
    np.testing.assert_array_equal(resample_octave(samples, from_rate, to_rate), expected)


def test_equal_rates_change_nothing():
    samples = np.random.default_rng(0).standard_normal(100)
    np.testing.assert_array_equal(resample_octave(samples, 10000, 10000), samples)
    np.testing.assert_array_equal(resample_polyphase(samples, 16000, 16000), samples)
