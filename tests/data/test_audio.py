"""Waveform tools on signals whose right answer is known."""

import subprocess
import sys

import numpy as np
import pytest

from mtnet_tf.data import audio


def sine(frequency, sample_rate, secs=0.5, level=0.5):
    time = np.arange(int(secs * sample_rate)) / sample_rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_import_is_light():
    code = (
        "import sys, mtnet_tf.data.audio;"
        " print({'tensorflow', 'librosa', 'numba'} & set(sys.modules))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert output.stdout.strip() == "set()", output.stderr


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
def test_resample_keeps_a_sine(rate):
    resampled = audio.resample(sine(1000, rate), rate)
    expected = sine(1000, audio.SAMPLE_RATE)
    assert resampled.dtype == np.float32
    assert abs(len(resampled) - len(expected)) <= 1
    middle = slice(1000, 9000)  # the filter rings at the two ends
    np.testing.assert_allclose(resampled[middle], expected[middle], atol=1e-3)


def test_resample_removes_what_would_alias():
    resampled = audio.resample(sine(15000, 48000), 48000)
    assert np.abs(resampled[1000:9000]).max() < 1e-4


def test_resample_equal_rates_and_bad_rates():
    samples = sine(440, 22050)
    np.testing.assert_array_equal(audio.resample(samples, 22050), samples)
    for rates in [(0,), (22050, 3_000_000_000), (1,), (22050, 3999), (384_001,), (float("nan"),)]:
        with pytest.raises(audio.AudioError, match="between 4,000 and 384,000 Hz. Received: "):
            audio.resample(samples, *rates)


def test_trim_silence_finds_the_word():
    rate = audio.SAMPLE_RATE
    word = sine(300, rate, secs=0.4)
    noise = np.random.default_rng(0).normal(0, 1e-4, rate).astype(np.float32)
    clip = np.concatenate([noise[: rate // 4], word, noise[: rate // 2]])
    trimmed = audio.trim_silence(clip, top_db=45, margin_secs=0.01)
    start = rate // 4 - round(0.01 * rate)
    first = np.flatnonzero(clip[: len(clip) - len(trimmed)] == trimmed[0])
    assert any(np.array_equal(clip[i : i + len(trimmed)], trimmed) for i in first)
    assert len(word) + 0.01 * rate <= len(trimmed) <= len(word) + 0.04 * rate
    assert np.abs(np.array(first) - start).min() <= 0.01 * rate


def test_trim_silence_keeps_pauses_and_quiet_ends():
    rate = audio.SAMPLE_RATE
    loud, quiet = sine(300, rate, 0.1, 0.5), sine(300, rate, 0.1, 0.5 * 10 ** (-40 / 20))
    gap = np.zeros(rate // 10, np.float32)
    clip = np.concatenate([quiet, loud, gap, loud, quiet])
    assert len(audio.trim_silence(clip, top_db=45, margin_secs=0)) >= 0.99 * len(clip)
    shorter = audio.trim_silence(clip, top_db=30, margin_secs=0)
    assert len(shorter) == pytest.approx(0.3 * rate, abs=0.02 * rate)


def test_trim_silence_of_a_clip_shorter_than_a_frame():
    assert len(audio.trim_silence(np.ones(5), top_db=45, margin_secs=0.01)) == 5


def test_silence_is_refused():
    for function in (
        lambda x: audio.trim_silence(x, top_db=45, margin_secs=0.01),
        lambda x: audio.peak_normalize(x, 0.9),
    ):
        with pytest.raises(audio.AudioError, match="silent"):
            function(np.zeros(1000))


def test_peak_normalize():
    samples = audio.peak_normalize(np.array([0.1, -0.2, 0.05]), 0.9)
    np.testing.assert_allclose(samples, [0.45, -0.9, 0.225], rtol=1e-6)
    assert samples.dtype == np.float32
    with pytest.raises(audio.AudioError, match="peak must be"):
        audio.peak_normalize(samples, 1.5)


def test_pad_appends_zeros_and_refuses_to_truncate():
    samples = np.array([1, 2, 3], np.int16)
    padded = audio.pad(samples, 5)
    np.testing.assert_array_equal(padded, [1, 2, 3, 0, 0])
    assert padded.dtype == np.int16
    np.testing.assert_array_equal(audio.pad(samples, 3), samples)
    with pytest.raises(audio.AudioError, match="3 samples and must fit in 2"):
        audio.pad(samples, 2)


def test_int16_round_trip():
    every = np.arange(-32767, 32768).astype(np.int16)
    np.testing.assert_array_equal(audio.to_int16(audio.from_int16(every)), every)
    assert audio.from_int16(every).dtype == np.float32
    assert np.abs(audio.from_int16(np.array([-32768, 32767], np.int16))).max() == 1
    np.testing.assert_array_equal(
        audio.to_int16([1.0, -1.0, 2.0, 0.5]), [32767, -32767, 32767, 16384]
    )
    with pytest.raises(audio.AudioError, match="NaN"):
        audio.to_int16([np.nan])
