"""The update of all weights by this project's optimiser and by Keras', and whether they agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from experiments.benchmarking.setting import Setting
from experiments.benchmarking.timing import by_turns, significant, speed_ratio
from mtnet_tf.config import OptimizerConfig
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.optimizers import build_optimizer

_KERAS_OPTIMIZERS = {"rmsprop": keras.optimizers.RMSprop, "adam": keras.optimizers.Adam}
_COMPARED_STEPS = 3


def optimizer(setting: Setting) -> dict:
    """Measures the update of the joint network's weights by turns with Keras' optimiser."""
    shapes = [tuple(weight.shape) for weight in build_mtnet(setting.config).trainable_variables]
    training = setting.config.training
    return compare_updates(
        training.joint.optimizer, shapes, setting.seconds, jit_compile=training.jit_compile
    )


def compare_updates(
    config: OptimizerConfig,
    shapes: Sequence[tuple[int, ...]],
    seconds: float,
    *,
    jit_compile: bool = False,
) -> dict:
    """Times the two optimisers. Both start as Keras' does, and have a constant learning rate.

    Args:
        config: of this project's optimiser. The schedule, the clipping and the start of the mean
            square are left out.
        shapes: of the weights.
        seconds: how long each is measured.
        jit_compile: whether this project's update is compiled with XLA.

    Returns:
        "num_weights", "milliseconds" and "keras_milliseconds" of an update, their ratio, and
        "largest_difference" of the weights after some updates, over the largest weight.
    """
    config = dataclasses.replace(
        config, schedule="constant", warmup_steps=0, initial_mean_square=0.0, clip_norm=None
    )
    options = {"learning_rate": config.learning_rate, "epsilon": config.epsilon}
    if config.name == "rmsprop":
        options |= {"rho": config.rho, "momentum": config.momentum}
    random = np.random.default_rng(0)
    gradients = [tf.constant(random.standard_normal(shape, np.float32)) for shape in shapes]
    ours, our_weights = _updater(build_optimizer(config, 1), gradients, jit_compile)
    keras_own, keras_weights = _updater(
        _KERAS_OPTIMIZERS[config.name](**options), gradients, jit_compile=False
    )
    for _ in range(_COMPARED_STEPS):
        ours(), keras_own()
    moved = max(np.abs(w.numpy()).max() for w in keras_weights)
    apart = max(np.abs(w.numpy() - v.numpy()).max() for w, v in zip(our_weights, keras_weights))
    times = by_turns({"ours": ours, "keras": keras_own}, seconds)
    return {
        "num_weights": sum(int(np.prod(shape)) for shape in shapes),
        "milliseconds": significant(1e3 * np.median(times["ours"])),
        "keras_milliseconds": significant(1e3 * np.median(times["keras"])),
        **speed_ratio(times["ours"], times["keras"]),
        "largest_difference": float(apart / moved),
    }


def _updater(optimizer: keras.optimizers.Optimizer, gradients: list[tf.Tensor], jit_compile: bool):
    """Returns a function that updates weights, always with the same gradients, and the weights."""
    weights = [keras.Variable(np.zeros(gradient.shape, np.float32)) for gradient in gradients]
    optimizer.build(weights)
    update = traced(
        lambda *gradients: optimizer.apply(gradients, weights), jit_compile=jit_compile or None
    )
    return lambda: update(*gradients), weights
