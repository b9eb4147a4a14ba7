"""The checks of a data set one by one, on what a pass would have found."""

import math

import numpy as np
import pytest

from data_builders.inspection.checks import (
    Sound,
    check_clipping,
    check_leak,
    check_pairs,
    check_silence,
    measure,
)


def test_measure():
    rate, full = 22050, 32767
    square = np.tile(np.repeat([full // 2, -(full // 2)], 25), 90)[:4410].astype(np.int16)
    sound = measure(square, rate)
    assert (sound.num_samples, sound.peak, sound.flat_top) == (4410, full // 2, 25)
    assert sound.rms_db == pytest.approx(-6.02, abs=0.01)
    assert (sound.leading_ms, sound.trailing_ms) == (0, 0)
    padded = measure(np.pad(square, (2205, 6615)), rate)
    assert padded.leading_ms == pytest.approx(100, abs=10)
    assert padded.trailing_ms == pytest.approx(300, abs=10)
    assert padded.rms_db == pytest.approx(sound.rms_db + 10 * math.log10(1 / 3), abs=0.01)
    sine = np.round(0.9 * full * np.sin(np.arange(9000) * 0.1)).astype(np.int16)
    assert measure(sine, rate).flat_top < 3
    assert measure(np.array([0, -32768, -32767, -32768, 5], np.int16), rate) == (
        measure(np.array([0, 32767, 32767, 32767, 5], np.int16), rate)
    )
    for empty in (np.zeros(0, np.int16), np.zeros(900, np.int16)):
        assert measure(empty, rate) == Sound(len(empty), 0, -math.inf, 0, 0, 0)


def test_silent_recordings():
    loud = Sound(4410, 29490, -20.0, 10.0, 100.0, 1)
    faint = Sound(4410, 30, -60.1, 0.0, 0.0, 1)
    assert check_silence({"a": loud}).status == "ok"
    check = check_silence({"a": loud, "b": faint, "c": Sound(9, 0, -math.inf, 0, 0, 0)})
    assert check.status == "note"
    assert check.detail == (
        "2 of 3: b is silent (-60 dB of full scale), c is silent (-inf dB of full scale)"
    )


def test_leak_by_design():
    record = {"recording_id": "six/authors_0", "voice_id": "authors", "samples_sha256": "ab"}
    pairs = {"train": np.array([5, 2]), "test": np.array([1, 0])}
    other = {**record, "recording_id": "six/authors_1", "samples_sha256": "cd"}
    check = check_leak("authors", [record, other], pairs)
    assert check.status == "note"
    assert check.detail.startswith("1 recordings are in both splits, by design of authors:")


def test_missing_pairs():
    assert check_pairs({"train": 2}, {"train": 2}).status == "ok"
    check = check_pairs({"train": 2000, "test": 1}, {"train": 1999, "test": 1})
    assert (check.status, check.detail) == ("FAILED", "pairs are missing: train has 1,999 of 2,000")


def test_where_a_flat_top_stands():
    sounds = {"a": Sound(900, 32767, -9.0, 0.0, 0.0, 3), "b": Sound(900, 32767, -9.0, 0.0, 0.0, 2)}
    assert check_clipping(sounds, 0.9).status == "FAILED"
    assert check_clipping(sounds, 1.0).status == "note"  # taken as they are
    assert check_clipping({"b": sounds["b"]}, 0.9).status == "ok"
