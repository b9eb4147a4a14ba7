"""How the weights start.

Algorithm 1: "All weights are randomly sampled by truncated_normal distribution".
"""

from typing import Any

import keras

from mtnet_tf.config import InitializationConfig


def weight_initializers(config: InitializationConfig) -> dict[str, dict[str, Any]]:
    """Returns the initialisers of a layer, serialised so that each layer makes its own.

    One initialiser object would give every kernel of one shape the same numbers. The numbers follow
    `keras.utils.set_random_seed`.

    Args:
        config: The part of the run's configuration.

    Returns:
        The keyword arguments "kernel_initializer" and "bias_initializer".
    """
    if config.kernel == "truncated_normal":
        kernel = keras.initializers.TruncatedNormal(stddev=config.kernel_scale)
    else:
        # A constant 0.1 explodes over 9,216 inputs where no normalisation follows.
        kernel = keras.initializers.VarianceScaling(
            config.kernel_scale, "fan_in", "truncated_normal"
        )
    return {
        "kernel_initializer": keras.initializers.serialize(kernel),
        "bias_initializer": keras.initializers.serialize(keras.initializers.Constant(config.bias)),
    }
