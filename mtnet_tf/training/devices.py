"""Which device a program runs on, said and checked before any work starts."""

import tensorflow as tf

from mtnet_tf.errors import InputError


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
