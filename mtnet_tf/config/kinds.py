"""The kinds of value that several fields share, each with its range."""

from __future__ import annotations

from typing import Annotated, Literal

from mtnet_tf.config.ranges import Form, Length, Range

Name = Annotated[
    str,
    Form("[a-z][a-z0-9_]{0,63}", "a name of lower-case letters, digits and underscores"),
]
Seed = Annotated[int, Range(least=0, most=2**32 - 1)]
Pixels = Annotated[int, Range(least=1, most=1024)]
Units = Annotated[int, Range(least=1, most=65_536)]
Layers = Annotated[tuple[Units, ...], Length(1, 32)]
LayersOrNone = Annotated[tuple[Units, ...], Length(0, 32)]
LayerNumber = Annotated[int, Range(least=1, most=32)]
KernelSize = Annotated[int, Range(least=1, most=31, odd=True)]
DilationRate = Annotated[int, Range(least=1, most=64)]
Activation = Literal["relu", "tanh"]
# A smaller number becomes 0 in float32, by which something may then be divided.
SMALLEST = 1e-30
Epsilon = Annotated[float, Range(least=SMALLEST, most=10)]
Fraction = Annotated[float, Range(least=0, below=1)]
LossWeight = Annotated[float, Range(least=0, most=1e6)]
