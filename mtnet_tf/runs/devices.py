"""Which device a program runs on, said and checked before any work starts."""

import dataclasses
import logging
import pathlib

import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.errors import InputError

_logger = logging.getLogger(__name__)


class DeviceError(InputError):
    """The device asked for is not there."""


def select_device(name: str) -> str:
    """Makes TensorFlow use `name` ("auto", "cpu" or "gpu") and returns "cpu" or "gpu", what was chosen.

    To be called before any operation. Raises DeviceError for "gpu" where TensorFlow sees none: `tf.device` would run on
    the CPU in silence.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if name == "gpu" and not gpus:
        raise DeviceError(
            "--device=gpu, but TensorFlow sees no GPU. Check the driver with nvidia-smi and install the CUDA libraries "
            'with pip install "mtnet-tf[gpu]", or use --device=cpu.'
        )
    if name == "cpu" or not gpus:
        tf.config.set_visible_devices([], "GPU")
        return "cpu"
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    return "gpu"


def choose_precision(config: Config, device: str) -> Config:
    """Returns `config` with a `training.precision` of "auto" replaced by what `device` is fast at, and says so in the log."""
    if config.training.precision != "auto":
        return config
    precision, reason = _gpu_precision() if device == "gpu" else _cpu_precision()
    _logger.info("training.precision=auto: %s, because %s", precision, reason)
    training = dataclasses.replace(config.training, precision=precision)
    return dataclasses.replace(config, training=training)


def _gpu_precision():
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0, 0))
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    capability = min(capabilities)
    reason = f"the GPU has compute capability {capability[0]}.{capability[1]}"
    if capability >= (8, 0):
        return "mixed_bfloat16", reason
    return ("mixed_float16" if capability >= (7, 0) else "float32"), reason


def _cpu_precision(cpuinfo=pathlib.Path("/proc/cpuinfo")):
    flags = cpuinfo.read_text().split() if cpuinfo.exists() else []
    for flag in ("amx_bf16", "avx512_bf16"):
        if flag in flags:
            return "mixed_bfloat16", f"the CPU has {flag}"
    return "float32", "the CPU has neither amx_bf16 nor avx512_bf16, and would emulate bfloat16"
