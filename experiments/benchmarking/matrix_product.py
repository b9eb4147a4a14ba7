"""The product of two large matrices: the most that a machine does in a precision.

A network is measured against it.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from experiments.benchmarking.timing import seconds_per_call

DTYPES = ("float32", "bfloat16", "float16")
_LARGEST_SIZE = 8192
_LONG_ENOUGH_SECS = 0.05


class MatrixProduct:
    """A product of two square matrices; calling the object computes it.

    The matrices are as large as the machine is fast, because small ones do not keep it busy.

    Attributes:
        flops: floating-point operations of one call. A multiplication and an addition are two.
    """

    def __init__(self, dtype: str) -> None:
        size, usual = 256, 0.0
        while usual < _LONG_ENOUGH_SECS and size < _LARGEST_SIZE:
            size *= 2
            self.flops = 2 * size**3
            self._factors = [
                tf.cast(tf.random.stateless_uniform([size, size], [0, i], -1.0, 1.0), dtype)
                for i in (0, 1)
            ]
            usual = np.median(seconds_per_call(self, seconds=0.0))

    def __call__(self) -> tf.Tensor:
        """Returns the product, [size, size]."""
        return tf.matmul(*self._factors)
