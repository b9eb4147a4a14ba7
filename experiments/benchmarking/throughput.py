"""Floating-point operations: how many a network needs, and what share of the peak it reaches."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from experiments.benchmarking.setting import Setting
from experiments.benchmarking.timing import by_turns, rates, significant

# Forward, the gradient of the input and the gradient of the kernel are of the same size.
_STEP_OVER_FORWARD = 3


def forward_flops(model: keras.Model, batch_size: int) -> dict[str, int]:
    """Counts the operations of a network's convolutions and matrix products.

    The shapes in its graph say how many there are. A multiplication and an addition are two
    operations. Normalisation, activations and pooling are not counted. The zeros of SAME padding
    are counted like pixels, except where `DilatedConv2D` leaves them out.

    Args:
        model: a functional model.
        batch_size: of its inputs.

    Returns:
        {name of a dtype: operations that are computed in it}.

    Raises:
        ValueError: the graph has an operation that may multiply matrices and is not known here.
    """
    spec = tf.nest.map_structure(
        lambda x: tf.TensorSpec([batch_size, *x.shape[1:]], x.dtype), model.input
    )
    forward = tf.function(lambda inputs: model(inputs, training=True))
    flops = {}
    for operation in forward.get_concrete_function(spec).graph.get_operations():
        if count := _operation_flops(operation):
            dtype = operation.outputs[0].dtype.name
            flops[dtype] = flops.get(dtype, 0) + count
    return flops


def _operation_flops(operation: tf.Operation) -> int:
    """Returns 2 * (values of the output) * (products summed up in each)."""
    if operation.type == "Conv2D":
        terms = operation.inputs[1].shape[:-1]  # kernel height and width, channels in
    elif operation.type == "MatMul":
        terms = [operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]]
    elif any(word in operation.type for word in ("Conv", "MatMul", "Einsum", "PartitionedCall")):
        raise ValueError(f"The operations of {operation.type} ({operation.name}) are not counted.")
    else:
        return 0
    return 2 * math.prod(operation.outputs[0].shape) * math.prod(terms)


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
