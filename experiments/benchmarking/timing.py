"""Seconds a call, by turns.

The speed of a machine varies from minute to minute, a ratio of neighbouring turns hardly does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

_LEAST_TURNS = 5


def by_turns(calls: dict[str, Callable], seconds: float) -> dict[str, np.ndarray]:
    """Times calls against each other, by turns of about a second each, at least five turns.

    Before its first turn a call is made once unmeasured, in which its graph is traced and its
    kernels are chosen, and then as often as it takes to know how many calls make a turn. Each turn
    begins with one more unmeasured call, because the processor's caches and the allocator's pages
    are still those of another call, as they never are in training.

    Args:
        calls: {name: what is timed}.
        seconds: how long each is timed in all its turns. A slow call is made at least once a turn.

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
    """Returns the rate of a call, as figures ready for JSON.

    Args:
        seconds: float64 [turns], seconds a call.
        count: how many units a call does.
        unit: in the plural, such as "images".

    Returns:
        {"<unit>_per_second": median over the turns, "spread": [lowest, highest]}.
    """
    per_second = count / seconds
    return {
        f"{unit}_per_second": significant(np.median(per_second)),
        "spread": [significant(per_second.min()), significant(per_second.max())],
    }


def speed_ratio(seconds: np.ndarray, reference: np.ndarray) -> dict:
    """Returns how many times faster a call is than a reference, as figures ready for JSON.

    Args:
        seconds: float64 [turns], seconds a call.
        reference: the same of the reference, in the same turns.

    Returns:
        {"ratio": median over the turns, "ratio_spread": [lowest, highest]}.
    """
    by_turn = reference / seconds
    return {
        "ratio": significant(np.median(by_turn)),
        "ratio_spread": [significant(by_turn.min()), significant(by_turn.max())],
    }


def significant(value: float) -> float:
    """Returns a number to four significant digits: a timing has no more."""
    return float(f"{value:.4g}")


def _calls_within(call: Callable, seconds: float) -> int:
    count = 1
    while (taken := _run(call, count)) < seconds / 4:
        count *= 2
    return max(1, round(count * seconds / taken))


def _turn(call: Callable, count: int) -> float:
    _run(call, 1)
    return _run(call, count)


def _run(call: Callable, count: int) -> float:
    """Returns the seconds of `count` calls, until the device has done all that they began."""
    start = time.perf_counter()
    for _ in range(count):
        call()
    tf.test.experimental.sync_devices()
    return time.perf_counter() - start
