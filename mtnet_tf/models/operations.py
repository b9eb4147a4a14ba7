"""How many floating-point operations a network needs."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

from mtnet_tf.models.tracing import traced


def forward_flops(model: keras.Model, batch_size: int, *, training: bool = True) -> dict[str, int]:
    """Counts the operations of a network's convolutions and matrix products.

    The shapes in its graph say how many there are. A multiplication and an addition are two
    operations. Normalisation, activations and pooling are not counted. The zeros of SAME padding
    are counted like pixels, except where `DilatedConv2D` leaves them out.

    Args:
        model: a functional model.
        batch_size: of its inputs.
        training: whether it is applied as in training.

    Returns:
        {name of a dtype: operations that are computed in it}.

    Raises:
        ValueError: the graph has an operation that may multiply matrices and is not known here.
    """
    spec = tf.nest.map_structure(
        lambda x: tf.TensorSpec([batch_size, *x.shape[1:]], x.dtype), model.input
    )
    forward = traced(lambda inputs: model(inputs, training=training))
    flops = {}
    for operation in forward.get_concrete_function(spec).graph.get_operations():
        if count := _operation_flops(operation):
            dtype = operation.outputs[0].dtype.name
            flops[dtype] = flops.get(dtype, 0) + count
    return flops


def _operation_flops(operation: tf.Operation) -> int:
    """Returns 2 * (values that are summed up) * (products in each)."""
    if operation.type == "Conv2D":
        # Kernel height and width, channels in.
        values, terms = operation.outputs[0], operation.inputs[1].shape[:-1]
    elif operation.type == "Conv2DBackpropInput":  # a transposed convolution
        # As many as the convolution has that it is the transpose of.
        values, terms = operation.inputs[2], operation.inputs[1].shape[:-1]
    elif operation.type == "MatMul":
        values = operation.outputs[0]
        terms = [operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]]
    elif any(word in operation.type for word in ("Conv", "MatMul", "Einsum", "PartitionedCall")):
        raise ValueError(f"The operations of {operation.type} ({operation.name}) are not counted.")
    else:
        return 0
    return 2 * math.prod(values.shape) * math.prod(terms)
