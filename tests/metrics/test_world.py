"""Mel-cepstral distance and F0 error, against sounds whose answers are known."""

import numpy as np
import pytest
import scipy.signal

from mtnet_tf.metrics import METRICS, Scorer, world
from mtnet_tf.metrics.resampling import resample_polyphase
from mtnet_tf.metrics.score import DISTANCES, chosen_metrics

pyworld = pytest.importorskip("pyworld")
RATE = 22050


def vowel(f0=120.0, formants=(700, 1200), secs=0.5, num_samples=18140):
    """A buzz of `f0` Hz through two resonances, then silence."""
    times = np.arange(int(secs * RATE)) / RATE
    sound = scipy.signal.sawtooth(2 * np.pi * f0 * times)
    for formant in formants:
        poles = 0.97 * np.exp(2j * np.pi * formant / RATE)
        sound = scipy.signal.lfilter([1.0], [1, -2 * poles.real, abs(poles) ** 2], sound)
    return np.pad(0.5 * sound / np.abs(sound).max(), (0, num_samples - len(sound)))


def test_a_sound_is_at_no_distance_from_itself():
    assert world.mcd(vowel(), vowel()).value == 0.0
    assert world.f0_error(vowel(), vowel()).value == 0.0


def test_loudness_is_no_part_of_the_distance():
    assert world.mcd(vowel(), 0.25 * vowel()).value < 0.2


def test_another_vowel_is_further_away_than_another_pitch():
    other_pitch = world.mcd(vowel(), vowel(f0=127)).value
    other_vowel = world.mcd(vowel(), vowel(formants=(300, 2300))).value
    assert 0 < other_pitch < 3 < 6 < other_vowel


@pytest.mark.parametrize("semitones", [-3, 1, 4])
def test_the_error_of_f0_is_the_interval(semitones):
    shifted = vowel(f0=120 * 2 ** (semitones / 12))
    assert world.f0_error(vowel(), shifted).value == pytest.approx(100 * abs(semitones), abs=8)


def test_the_distance_is_the_formula_along_the_cheapest_path():
    """By dynamic programming in plain Python, over WORLD's own cepstra."""
    signals = vowel(secs=0.2), vowel(f0=140, formants=(400, 1700), secs=0.2)
    cepstra = []
    for samples in signals:
        at_16k = np.ascontiguousarray(resample_polyphase(samples, RATE, 16000))
        coarse, times = pyworld.dio(at_16k, 16000)
        f0 = pyworld.stonemask(at_16k, coarse, times, 16000)
        envelope = pyworld.cheaptrick(at_16k, f0, times, 16000)
        cepstra.append(pyworld.code_spectral_envelope(envelope, 16000, 25))
    loud = np.flatnonzero(world.analyse(resample_polyphase(signals[0], RATE, 16000)).loud)
    assert 35 <= len(loud) <= 50 and loud[0] <= 1
    one, two = (c[loud[0] : loud[-1] + 1] for c in cepstra)
    costs, lengths = {}, {}
    for i in range(len(one)):
        for j in range(len(two)):
            here = 10 / np.log(10) * np.sqrt(sum((one[i, 1:] - two[j, 1:]) ** 2))
            before = [(i - 1, j - 1), (i - 1, j), (i, j - 1)]
            before = [place for place in before if place in costs]
            best = min(before, key=costs.get, default=None)
            costs[i, j] = here + (costs[best] if best else 0.0)
            lengths[i, j] = 1 + (lengths[best] if best else 0)
    last = len(one) - 1, len(two) - 1
    assert world.mcd(*signals).value == pytest.approx(costs[last] / lengths[last], rel=1e-6)


def test_the_distance_of_two_envelopes_is_their_difference_in_decibels(monkeypatch):
    """Envelopes that differ by a cosine along WORLD's mel axis: 4 dB high, 4 / sqrt(2) dB rms."""
    frequencies = np.linspace(0, 8000, 513)
    mel = 1127.01048 * np.log1p(frequencies / 700)
    ripple = 4 * np.cos(3 * np.pi * (mel - mel[0]) / (mel[-1] - mel[0]))
    envelopes = [np.tile(10 ** (decibels / 10), (40, 1)) for decibels in (0 * ripple, ripple)]
    cepstra = [pyworld.code_spectral_envelope(one, 16000, 25) for one in envelopes]
    analyses = [world.Analysis(c, np.full(40, 120.0), np.ones(40, bool)) for c in cepstra]
    found = world.score_analyses(*analyses)["mcd"].value
    assert found == pytest.approx(4 / np.sqrt(2), rel=0.02)


def test_what_has_no_pitch_or_no_sound_fails_with_its_reason():
    noise = 0.1 * np.random.default_rng(0).normal(size=18140)
    hiss = scipy.signal.lfilter([1, -1], [1], noise)
    assert "hardly any pitch" in world.f0_error(hiss, vowel()).reason
    assert world.f0_error(hiss, vowel()).culprit == "reference"
    assert world.f0_error(vowel(), hiss).culprit == "generated"
    silence = np.zeros(18140)
    for one, two, culprit in ((silence, vowel(), "reference"), (vowel(), silence, "generated")):
        for metric in (world.mcd, world.f0_error):
            assert metric(one, two).culprit == culprit
            assert "silent" in metric(one, two).reason
    assert "not finite" in world.mcd(vowel(), np.full(18140, np.nan)).reason


def test_a_scorer_gives_the_same_numbers():
    references = np.stack([vowel(), vowel(f0=180)])
    generated = np.stack([vowel(f0=150)])
    scores, _ = Scorer(references, RATE, DISTANCES).score_and_correlate(generated, np.array([1]))
    assert set(scores) == set(DISTANCES)
    assert scores["mcd"][0] == world.mcd(references[1], generated[0])
    assert scores["f0_error"][0] == world.f0_error(references[1], generated[0])


def test_they_are_chosen_where_the_package_is(monkeypatch):
    assert chosen_metrics(extras=True) == (*METRICS, *DISTANCES)
    assert not set(DISTANCES) & set(chosen_metrics(extras=False))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert chosen_metrics(extras=True) == METRICS
