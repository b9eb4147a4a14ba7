"""How fast a network describes images."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np

from mtnet_tf.data.pairs import Pairs

_WARM_UP, _ONE_AT_A_TIME, _AT_ONCE, _BATCHES = 3, 30, 64, 5


def describing_speed(speak: Callable[[Pairs], np.ndarray], pairs: Pairs) -> dict[str, float]:
    """Measures a network on images that it describes anyway.

    Args:
        speak: pairs -> their waveforms.
        pairs: the pairs that are scored; the first ones are described, again where there are few.

    Returns:
        {"description_milliseconds": from one image to its waveform, the median,
        "descriptions_per_second": of batches of 64, the median}.
    """

    def seconds(size: int, times: int) -> float:
        taken = []
        for k in range(_WARM_UP + times):
            batch = pairs.take(np.arange(k * size, (k + 1) * size) % len(pairs))
            start = time.perf_counter()
            speak(batch)
            taken.append(time.perf_counter() - start)
        return statistics.median(taken[_WARM_UP:])

    return {
        "description_milliseconds": round(1e3 * seconds(1, _ONE_AT_A_TIME), 3),
        "descriptions_per_second": round(_AT_ONCE / seconds(_AT_ONCE, _BATCHES), 1),
    }
