"""Python functions as TensorFlow graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def traced(function: Callable, **options: Any) -> Callable:
    """Returns a function as a graph, which is traced once for batches of all sizes.

    AutoGraph is off. It makes operations of Python's `if` and `while` over tensors, of which there
    are none here, and rewriting the source of all that is called takes a quarter of a start.

    Args:
        function: of tensors, in nests; what else it takes is fixed when it is traced.
        **options: further arguments of `tf.function`.
    """
    return tf.function(function, autograph=False, reduce_retracing=True, **options)
