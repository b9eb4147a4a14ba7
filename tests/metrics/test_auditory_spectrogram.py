import importlib.util
import itertools
import pathlib

import numpy as np
import pytest
import scipy.signal

from mtnet_tf.metrics.auditory_spectrogram import auditory_spectrogram, load_coefficients

# Made by an independent implementation; see NOTICE for the coefficients behind it.
GOLDEN = pathlib.Path(__file__).parent / "auditory_spectrogram_golden.npz"


def _by_lfilter(samples):
    """wav2aud channel by channel with SciPy and the full table, at 16 kHz."""
    table = load_coefficients()
    samples = np.pad(np.asarray(samples, np.float64), (0, -len(samples) % 160))
    outputs = [scipy.signal.lfilter(b, a, samples) for b, a in zip(table["b"], table["a"])]
    alpha = np.exp(-1 / 160)
    return np.stack(
        [
            scipy.signal.lfilter([1.0], [1.0, -alpha], np.maximum(low - high, 0))[159::160]
            for low, high in itertools.pairwise(outputs)
        ],
        axis=1,
    )


@pytest.mark.parametrize("name", ["chirp", "noise"])
def test_golden(name):
    with np.load(GOLDEN, allow_pickle=False) as golden:
        signal, expected = golden[f"{name}_signal"], golden[f"{name}_auditory_spectrogram"]
    spectrogram = auditory_spectrogram(signal, 16000)
    assert spectrogram.dtype == np.float64
    np.testing.assert_allclose(spectrogram, expected, rtol=1e-5)


@pytest.mark.parametrize("num_samples", [1, 159, 160, 161, 13163])
def test_compiled_filters_are_scipys(num_samples):
    signal = np.random.default_rng(num_samples).standard_normal(num_samples)
    spectrogram = auditory_spectrogram(signal, 16000)
    assert spectrogram.shape == (-(-num_samples // 160), 128)
    # The same bits where neither compiler fuses multiplication and addition.
    np.testing.assert_allclose(spectrogram, _by_lfilter(signal), rtol=1e-7)


def test_other_rates_are_resampled_first():
    signal = np.random.default_rng(0).standard_normal(18140)
    resampled = scipy.signal.resample_poly(signal, 320, 441)
    np.testing.assert_array_equal(
        auditory_spectrogram(signal), auditory_spectrogram(resampled, 16000)
    )


def test_a_tone_lights_up_its_channel():
    table = load_coefficients()
    for frequency in (300.0, 1000.0, 3000.0):
        tone = np.sin(2 * np.pi * frequency * np.arange(16000) / 16000)
        loudest = auditory_spectrogram(tone, 16000)[50:].mean(0).argmax()
        assert abs(np.log2(table["center_frequency_hz"][loudest] / frequency)) < 2 / 24


def test_calls_do_not_remember():
    first, second = np.random.default_rng(0).standard_normal((2, 8000))
    before = auditory_spectrogram(first, 16000)
    auditory_spectrogram(second, 16000)
    np.testing.assert_array_equal(auditory_spectrogram(first, 16000), before)


def test_table():
    table = load_coefficients()
    assert table["b"].shape == table["a"].shape == (129, 25)
    np.testing.assert_array_equal(table["a"][:, 0], 1)
    expected = 440 * 2 ** ((np.arange(129) - 31) / 24)
    np.testing.assert_allclose(table["center_frequency_hz"], expected)


def test_bad_samples_are_an_error():
    with pytest.raises(ValueError, match="No auditory spectrogram: 1 samples"):
        auditory_spectrogram(np.array([0.0, np.nan]))


def test_no_machine_code_is_cached_on_disk():
    """Two processes that compiled at a time once left a cache with the filters mixed up."""
    auditory_spectrogram(np.random.default_rng(0).normal(size=16000))
    folder = pathlib.Path(importlib.util.find_spec("mtnet_tf.metrics").origin).parent
    assert not list(folder.rglob("*.nb[ic]"))
