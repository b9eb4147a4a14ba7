"""Floating-point operations: what share of the peak a network reaches."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from experiments.benchmarking.setting import Setting
from experiments.benchmarking.timing import by_turns, rates, significant
from mtnet_tf.models.operations import forward_flops

# Forward, the gradient of the input and the gradient of the kernel are of the same size.
_STEP_OVER_FORWARD = 3


def step_figures(
    setting: Setting, step: Callable, model: keras.Model, batch_size: int, unit: str = "images"
) -> dict:
    """Times a forward and backward pass by turns with large matrix products of the same precisions.

    Args:
        setting: has the products and the time.
        step: what is timed.
        model: the network of the step, whose operations are counted.
        batch_size: rows of a step.
        unit: what a row is, in the plural.

    Returns:
        A dict ready for JSON: "batch_size"; "<unit>_per_second" and its "spread";
        "seconds_per_step"; "gflop_per_step", forward and backward, three times forward;
        "gflops_per_second"; "share_of_peak", the time that the operations would take at the speed
        of the products over the time that the step takes; "dtypes", the share of the operations in
        each.
    """
    forward = forward_flops(model, batch_size)
    calls = {"step": step, **{dtype: setting.products[dtype] for dtype in forward}}
    seconds = by_turns(calls, setting.seconds)
    at_peak = sum(
        count / setting.products[dtype].flops * seconds[dtype] for dtype, count in forward.items()
    )
    total, median = sum(forward.values()), np.median(seconds["step"])
    return {
        "batch_size": batch_size,
        **rates(seconds["step"], batch_size, unit),
        "seconds_per_step": significant(median),
        "gflop_per_step": significant(_STEP_OVER_FORWARD * total / 1e9),
        "gflops_per_second": significant(_STEP_OVER_FORWARD * total / 1e9 / median),
        "share_of_peak": significant(np.median(_STEP_OVER_FORWARD * at_peak / seconds["step"])),
        "dtypes": {dtype: significant(count / total) for dtype, count in forward.items()},
    }
