"""What is measured, for how long, and against which peak of the machine."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from mtnet_tf.config import Config

if TYPE_CHECKING:  # imports TensorFlow
    from experiments.benchmarking.matrix_product import MatrixProduct


@dataclasses.dataclass(frozen=True)
class Setting:
    """The arguments that all measurements share.

    Attributes:
        config: the configuration that is measured.
        seconds: about how long a measurement runs, in all its turns (`timing.by_turns`).
        products: {name of a dtype: large product of matrices}, against which a network is measured.
        device: for the record of a run and the program that a measurement starts.
    """

    config: Config
    seconds: float
    products: dict[str, MatrixProduct]
    device: Literal["cpu", "gpu"]

    @property
    def batch_size(self) -> int:
        """Images of a step of the joint stage."""
        return self.config.training.joint.batch_size
