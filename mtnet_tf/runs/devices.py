"""Chooses and checks the device that a program runs on, before any work starts."""

from __future__ import annotations

import dataclasses
import logging
from typing import Literal

import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.errors import InputError
from mtnet_tf.layers.bfloat16 import bfloat16_flag

_logger = logging.getLogger(__name__)


def select_device(name: Literal["auto", "cpu", "gpu"]) -> Literal["cpu", "gpu"]:
    """Makes TensorFlow use a device, and returns which one.

    It is called before any operation of TensorFlow's.

    Args:
        name: "auto" takes the GPUs where TensorFlow sees some, and the CPU elsewhere.

    Raises:
        InputError: "gpu" was asked for, and TensorFlow sees none. TensorFlow would run on the CPU
            and not say so.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if name == "gpu" and not gpus:
        raise InputError(
            "--device=gpu, but TensorFlow sees no GPU. Check the driver with nvidia-smi and install"
            " the CUDA libraries, in the checkout with pip install -e '.[gpu]' -c constraints.txt,"
            " or use --device=cpu."
        )
    if name == "cpu" or not gpus:
        tf.config.set_visible_devices([], "GPU")
        return "cpu"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return "gpu"


def choose_precision(config: Config, device: Literal["cpu", "gpu"]) -> Config:
    """Returns a configuration whose precision is not "auto".

    It replaces "auto" by what the device is fast at, and says so in the log.

    Args:
        config: of a run.
        device: what the run uses (`select_device`).
    """
    if config.training.precision != "auto":
        return config
    precision, reason = _gpu_precision() if device == "gpu" else _cpu_precision(bfloat16_flag())
    _logger.info("training.precision=auto: %s, because %s", precision, reason)
    training = dataclasses.replace(config.training, precision=precision)
    return dataclasses.replace(config, training=training)


def _gpu_precision() -> tuple[str, str]:
    """Returns a precision and the reason for it."""
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    capability = min(capabilities)
    reason = f"the GPU has compute capability {capability[0]}.{capability[1]}"
    if capability >= (8, 0):
        return "mixed_bfloat16", reason
    return ("mixed_float16" if capability >= (7, 0) else "float32"), reason


def _cpu_precision(flag: str | None) -> tuple[str, str]:
    """Returns a precision for a CPU with a flag of `bfloat16_flag`, and the reason for it."""
    if flag:
        return "mixed_bfloat16", f"the CPU has {flag}"
    return "float32", "the CPU shows no arithmetic in bfloat16"
