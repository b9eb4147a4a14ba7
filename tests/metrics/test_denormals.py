import numpy as np
import pytest

from mtnet_tf.metrics import denormals
from mtnet_tf.metrics.denormals import flushed

SMALLEST_NORMAL = np.finfo(np.float32).tiny


def _halve():
    return np.full(64, SMALLEST_NORMAL, np.float32) * np.float32(0.5)


def test_denormals_come_back_after_the_context():
    assert np.all(_halve() > 0)
    with flushed():
        pass
    assert np.all(_halve() > 0)
    with pytest.raises(KeyError), flushed():
        raise KeyError
    assert np.all(_halve() > 0)


@pytest.mark.skipif(denormals._math_library() is None, reason="not this platform")
def test_denormals_are_zero_within_the_context():
    with flushed():
        assert np.all(_halve() == 0)


def test_normal_numbers_are_untouched():
    numbers = np.random.default_rng(0).standard_normal(1000)
    outside = np.exp(numbers) / 3
    with flushed():
        np.testing.assert_array_equal(np.exp(numbers) / 3, outside)
