import warnings

import numpy as np
import pystoi
import pytest

from mtnet_tf.metrics.stoi import estoi, stoi, stoi_classic


def _generated(reference, kind, seed):
    noise = np.random.default_rng(seed).standard_normal(len(reference))
    return {
        "noisy": reference + 0.03 * noise,
        "noise": 0.1 * noise,
        "quiet": 0.01 * reference,
        "delayed": np.roll(reference, 220),
    }[kind]


@pytest.mark.parametrize("kind", ["noisy", "noise", "quiet", "delayed"])
@pytest.mark.parametrize("sample_rate", [22050, 10000])
def test_is_pystois_value_where_it_has_one(voice, kind, sample_rate):
    for seed in range(3):
        reference = voice(15000 + 1000 * seed, seed, 18140).astype(np.float64)
        generated = _generated(reference, kind, seed)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # fewer than 30 frames
            expected = pystoi.stoi(reference, generated, sample_rate)
        assert stoi(reference, generated, sample_rate).value == pytest.approx(expected, abs=1e-12)
        assert stoi_classic(reference, generated, sample_rate) == stoi(
            reference, generated, sample_rate
        )
        # pystoi adds noise of 1e-16 before it divides.
        expected = pystoi.stoi(reference, generated, sample_rate, extended=True)
        assert estoi(reference, generated, sample_rate).value == pytest.approx(expected, abs=1e-9)


def _by_the_book(reference, generated):
    """One segment of all frames, at 10 kHz, without silent frames: Taal et al. literally."""
    window = np.hanning(258)[1:-1]
    starts = range(0, len(reference) - 256, 128)
    x, y = (
        np.array([np.fft.rfft(window * s[i : i + 256], 512) for i in starts]).T
        for s in (reference, generated)
    )
    bands, _ = pystoi.utils.thirdoct(10000, 512, 15, 150)
    x, y = (np.sqrt(bands @ np.abs(s) ** 2) for s in (x, y))
    scores = []
    for a, b in zip(x, y):
        b = np.minimum(b * np.linalg.norm(a) / np.linalg.norm(b), a * (1 + 10 ** (15 / 20)))
        scores.append(np.corrcoef(a, b)[0, 1])
    return np.mean(scores)


def test_a_short_word_is_one_segment():
    generator = np.random.default_rng(0)
    reference = generator.standard_normal(2944)  # no frame is 40 dB below another
    generated = reference + 0.5 * generator.standard_normal(2944)
    # What STOI works on: the windowed frames, none of them silent, added up again.
    window = np.hanning(258)[1:-1]
    joined = []
    for signal in (reference, generated):
        total = np.zeros(21 * 128 + 128)
        for i in range(21):
            total[i * 128 : i * 128 + 256] += window * signal[i * 128 : i * 128 + 256]
        joined.append(total)
    score = stoi(reference, generated, 10000)
    assert score.value == pytest.approx(_by_the_book(*joined), abs=1e-12)
    assert stoi_classic(reference, generated, 10000).culprit == "reference"


def test_identical_short_words_score_one(voice):
    word = voice(7000, 1, 18140)
    assert stoi(word, word).value == pytest.approx(1.0)
    assert estoi(word, word).value == pytest.approx(1.0)
    score = stoi_classic(word, word)
    assert "30 frames" in score.reason and score.culprit == "reference"


def test_too_short_for_any_segment(voice):
    for num_samples in (100, 564, 2500):
        score = stoi(voice(num_samples, 1), voice(num_samples, 2))
        assert "10 frames" in score.reason and score.culprit == "reference"


def test_ten_frames_are_enough():
    # n samples at 10 kHz make ceil((n - 256) / 128) frames, one fewer once they are joined again.
    for num_samples, scored in ((1664, True), (1663, True), (1536, False)):
        noise = np.random.default_rng(0).standard_normal(num_samples)
        score = stoi(noise, noise, 10000)
        assert np.isfinite(score.value) == scored, (num_samples, score)


def test_a_silent_generated_signal_fails(voice):
    for metric in (stoi, stoi_classic, estoi):
        score = metric(voice(15000, 1, 18140), np.zeros(18140))
        assert (score.reason, score.culprit) == ("the generated signal is silent", "generated")
    # What has too few frames is the reference's own failure.
    assert stoi(voice(7000, 1, 18140), np.zeros(18140)).culprit == "generated"
    assert stoi_classic(voice(7000, 1, 18140), np.zeros(18140)).culprit == "reference"
    assert stoi(voice(1000, 1, 18140), np.zeros(18140)).culprit == "reference"
