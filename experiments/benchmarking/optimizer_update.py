"""The update of all weights by this project's optimiser and by Keras', and whether they agree."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from experiments.benchmarking.setting import Setting
from experiments.benchmarking.timing import by_turns, significant, speed_ratio
from mtnet_tf.config import OptimizerConfig
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.optimizers import build_optimizer

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
        config: of this project's optimiser. The schedule, the clipping, the start of the mean
            square and the average of the weights are left out.
        shapes: of the weights.
        seconds: how long each is measured.
        jit_compile: whether this project's update is compiled with XLA.

    Returns:
        "num_weights", "milliseconds" and "keras_milliseconds" of an update, their ratio, and
        "largest_difference" of the weights after some updates, over the largest weight.
    """
    config = dataclasses.replace(
        config,
        schedule="constant",
        warmup_steps=0,
        initial_mean_square=0.0,
        clip_norm=None,
        average_decay=0.0,
    )
    random = np.random.default_rng(0)
    # From gradients that stay the same, Adam's bias correction takes out what beta_1 does.
    steps = [
        [tf.constant(random.standard_normal(shape, np.float32)) for shape in shapes]
        for _ in range(_COMPARED_STEPS)
    ]
    ours, our_weights = _updater(build_optimizer(config, 1), shapes, jit_compile)
    keras_own, keras_weights = _updater(_keras_optimizer(config), shapes, jit_compile=False)
    for gradients in steps:
        ours(*gradients), keras_own(*gradients)
    moved = max(np.abs(w.numpy()).max() for w in keras_weights)
    apart = max(np.abs(w.numpy() - v.numpy()).max() for w, v in zip(our_weights, keras_weights))
    timed = {"ours": lambda: ours(*steps[0]), "keras": lambda: keras_own(*steps[0])}
    times = by_turns(timed, seconds)
    return {
        "num_weights": sum(int(np.prod(shape)) for shape in shapes),
        "milliseconds": significant(1e3 * np.median(times["ours"])),
        "keras_milliseconds": significant(1e3 * np.median(times["keras"])),
        **speed_ratio(times["ours"], times["keras"]),
        "largest_difference": float(apart / moved),
    }


def _keras_optimizer(config: OptimizerConfig) -> keras.optimizers.Optimizer:
    """Returns Keras' own optimiser of the same kind, with the same constants."""
    rate, momentum, epsilon = config.learning_rate, config.momentum, config.epsilon
    if config.name == "adam":
        return keras.optimizers.Adam(rate, beta_1=momentum, epsilon=epsilon)
    if config.name == "nesterov":
        return keras.optimizers.SGD(rate, momentum=momentum, nesterov=True)
    return keras.optimizers.RMSprop(rate, rho=config.rho, momentum=momentum, epsilon=epsilon)


def _updater(
    optimizer: keras.optimizers.Optimizer, shapes: Sequence[tuple[int, ...]], jit_compile: bool
) -> tuple[Callable[..., None], list[keras.Variable]]:
    """Returns a function that updates weights, given a gradient of each, and the weights."""
    weights = [keras.Variable(np.zeros(shape, np.float32)) for shape in shapes]
    optimizer.build(weights)
    update = traced(
        lambda *gradients: optimizer.apply(gradients, weights), jit_compile=jit_compile or None
    )
    return update, weights
