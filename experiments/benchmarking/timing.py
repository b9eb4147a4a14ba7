"""Seconds a call, by turns: a machine's clock varies from minute to minute, a ratio of neighbours hardly does."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

_LEAST_TURNS = 5


def by_turns(calls: dict[str, Callable], seconds: float) -> dict[str, np.ndarray]:
    """Times calls against each other: a run of each of about a second, over and over, at least five times.

    Before its first turn a call is made once, unmeasured (a graph is traced, a kernel chosen), and then so often that
    the length of its runs is known. A turn begins with one more unmeasured call: the processor's caches and the
    allocator's pages are still the previous call's, as they never are in training.

    Args:
        calls: by name.
        seconds: that each has in all its turns; a slow call is made at least once a turn.

    Returns:
        {name: float64 [turns], seconds a call in each turn}.
    """
    num_turns = max(_LEAST_TURNS, round(seconds))
    counts = {}
    for name, call in calls.items():
        _run(call, 1)
        counts[name] = _calls_within(call, seconds / num_turns)
    turns = [
        {name: _turn(call, counts[name]) / counts[name] for name, call in calls.items()}
        for _ in range(num_turns)
    ]
    return {name: np.array([turn[name] for turn in turns]) for name in calls}


def seconds_per_call(call: Callable, seconds: float) -> np.ndarray:
    """Returns float64 [turns], seconds a call; see `by_turns`."""
    return by_turns({"call": call}, seconds)["call"]


def rates(seconds: np.ndarray, count: int, unit: str) -> dict:
    """Returns {"<unit>_per_second": median over the turns, "spread": [lowest, highest]} of calls that do `count` each."""
    per_second = count / seconds
    return {
        f"{unit}_per_second": significant(np.median(per_second)),
        "spread": [significant(per_second.min()), significant(per_second.max())],
    }


def speed_ratio(seconds: np.ndarray, reference: np.ndarray) -> dict:
    """Returns {"ratio": how many times faster than the reference, median over the turns, "ratio_spread"}."""
    by_turn = reference / seconds
    return {
        "ratio": significant(np.median(by_turn)),
        "ratio_spread": [significant(by_turn.min()), significant(by_turn.max())],
    }


def significant(value) -> float:
    """Returns a number to four significant digits: a timing has no more."""
    return float(f"{value:.4g}")


def _calls_within(call, seconds) -> int:
    count = 1
    while (taken := _run(call, count)) < seconds / 4:
        count *= 2
    return max(1, round(count * seconds / taken))


def _turn(call, count) -> float:
    _run(call, 1)
    return _run(call, count)


def _run(call, count) -> float:
    """Returns the seconds that `count` calls take, until the device has done all that they began."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    tf.test.experimental.sync_devices()
    return time.perf_counter() - start
