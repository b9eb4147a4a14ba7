"""The inner loop of the auditory spectrogram, compiled by numba.

It does to the letter what 129 calls of `scipy.signal.lfilter` (transposed direct form II, float64),
a subtraction of neighbours, a rectifier and a one-pole integrator do, in the same order of
operations, so the numbers are the same bits. It is faster because a filter stops at its true order
instead of at 24, because sixteen filters advance together in the processor's vector registers, and
because a frame's intermediate signals never leave the cache.

The machine code is never cached on disk: two processes that compiled the variants of one closure at
a time left a numba cache in which one stood in another's place, and every Corr2D was wrong.
"""

import numba
import numpy as np

SAMPLES_PER_FRAME = 160  # 10 ms
# Filters that advance together: what LLVM turns into vector instructions best.
_LANES = 16
# The compiled variants: a group of filters takes the smallest that fits.
_ORDERS = (8, 13, 15, 24)
# Coefficients of a filter in the table.
_VALUES = 25


def _make_filter(order: int):
    """Compiles the step of one group of filters over one frame, for a constant order.

    One flat array holds state, numerators and denominators: constant offsets into one array are
    what lets LLVM prove that nothing overlaps, and so vectorise.
    """
    numerator = (order + 1) * _LANES
    denominator = 2 * numerator

    def filter_frame(
        samples: np.ndarray, start: int, table: np.ndarray, channels: np.ndarray, first: int
    ):
        for t in range(SAMPLES_PER_FRAME):
            x = samples[start + t]
            for lane in range(_LANES):
                y = table[lane] + table[numerator + lane] * x
                for i in range(order):
                    here, after = i * _LANES + lane, (i + 1) * _LANES + lane
                    table[here] = (
                        table[after] + table[numerator + after] * x - table[denominator + after] * y
                    )
                channels[t, first + lane] = y

    return numba.njit(filter_frame)


_filter_8, _filter_13, _filter_15, _filter_24 = (_make_filter(order) for order in _ORDERS)


@numba.njit
def _run(
    samples: np.ndarray,
    tables: np.ndarray,
    orders: np.ndarray,
    alpha: float,
    spectrogram: np.ndarray,
):
    num_frames, num_channels = spectrogram.shape
    num_groups = len(orders)
    channels = np.zeros((SAMPLES_PER_FRAME, num_groups * _LANES))
    level = np.zeros(num_channels)
    for frame in range(num_frames):
        start = frame * SAMPLES_PER_FRAME
        for group in range(num_groups):
            first = group * _LANES
            if orders[group] == 8:
                _filter_8(samples, start, tables[group], channels, first)
            elif orders[group] == 13:
                _filter_13(samples, start, tables[group], channels, first)
            elif orders[group] == 15:
                _filter_15(samples, start, tables[group], channels, first)
            else:
                _filter_24(samples, start, tables[group], channels, first)
        for t in range(SAMPLES_PER_FRAME):
            for k in range(num_channels):
                inhibited = channels[t, k] - channels[t, k + 1]
                level[k] = max(inhibited, 0.0) + alpha * level[k]
        for k in range(num_channels):
            spectrogram[frame, k] = level[k]


def plan(order: np.ndarray, b: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lays the coefficient table out for `run`.

    Args:
        order: int [129], the order of each filter.
        b: float64 [129, 25], the numerators, zero above each filter's order.
        a: float64 [129, 25], the denominators, zero above each filter's order; a[:, 0] is 1.

    Returns:
        (orders, tables): int64 [groups] and float64 [groups, values], `filters` of `run`.
    """
    num_groups = -(-len(order) // _LANES)
    orders = np.empty(num_groups, np.int64)
    tables = np.zeros((num_groups, 3 * _VALUES * _LANES))
    for group in range(num_groups):
        members = slice(group * _LANES, (group + 1) * _LANES)
        orders[group] = min(n for n in _ORDERS if n >= order[members].max())
        size = orders[group] + 1
        table = tables[group, : 3 * size * _LANES].reshape(3, size, _LANES)
        count = len(order[members])
        table[1, :, :count] = b[members, :size].T
        table[2, :, :count] = a[members, :size].T
    return orders, tables


def run(
    samples: np.ndarray, filters: tuple[np.ndarray, np.ndarray], alpha: float, num_channels: int
) -> np.ndarray:
    """Computes the spectrogram of one signal.

    Args:
        samples: float64 [frames * 160] at 16 kHz.
        filters: what `plan` returned for num_channels + 1 filters.
        alpha: the integrator's coefficient.
        num_channels: how many differences of neighbouring filters there are.

    Returns:
        float64 [frames, num_channels].
    """
    orders, tables = filters
    spectrogram = np.empty((len(samples) // SAMPLES_PER_FRAME, num_channels))
    _run(samples, tables.copy(), orders, alpha, spectrogram)
    return spectrogram
