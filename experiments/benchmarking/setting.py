"""What is measured, for how long, and against which peak of the machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from mtnet_tf.config import Config, override, preset, require_kept

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


def configure(name: str, assignments: Sequence[str]) -> Config:
    """Returns a preset with assignments applied, as it is trained on images of that shape.

    Images in colour are no digits. As on CIFAR10 AD, they and what the network sees are mirrored.

    Args:
        name: of the preset.
        assignments: each `key=value`, as `override` takes them.

    Raises:
        ConfigError: an assignment is refused, or makes digits of images in colour.
    """
    config = override(preset(name), assignments)
    if config.data.image_shape[-1] == 3:
        config = override(config, ["data.digit_size=null"])
        require_kept(config, assignments, "the benchmark of images in colour")
    return config
