"""The optimisers of section 4.3, RMSProp as TensorFlow 1 had it, and the learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import keras
import tensorflow as tf

from mtnet_tf.config import OptimizerConfig


class _SummedGradients:
    """Takes gradients that the training step has summed over the replicas.

    Keras would sum them after it has clipped them, and so clip each replica's share by itself.
    """

    def _all_reduce_sum_gradients(self, grads_and_vars: Iterable[tuple]) -> list[tuple]:
        return list(grads_and_vars)


class _Adam(_SummedGradients, keras.optimizers.Adam):
    pass


class _SGD(_SummedGradients, keras.optimizers.SGD):
    pass


@keras.saving.register_keras_serializable("mtnet_tf")
class RMSProp(_SummedGradients, keras.optimizers.Optimizer):
    """RMSProp with momentum in one fused kernel.

        mean_square <- rho * mean_square + (1 - rho) * gradient^2
        moment      <- momentum * moment + learning_rate * gradient / sqrt(mean_square + epsilon)
        weight      <- weight - moment

    The kernel is about twice as fast on a CPU as `keras.optimizers.RMSprop`, which makes a pass
    over the weights for each operation.

    The mean square starts at 0 in Keras 3 and at 1 in TensorFlow 1, the paper's library. From 0 the
    first step has the size learning_rate / sqrt(1 - rho) whatever the gradient is. From 1 it is
    about learning_rate * gradient, which is a warm-up in itself.
    """

    def __init__(
        self,
        learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 1e-3,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        initial_mean_square: float = 0.0,
        name: str = "rmsprop",
        **kwargs: Any,
    ) -> None:
        """Takes the constants of the equations.

        Args:
            learning_rate: the rate, or a schedule step -> rate.
            rho: the decay of the mean square, in [0, 1).
            momentum: the decay of the moment, in [0, 1).
            epsilon: is added to the mean square, inside the root.
            initial_mean_square: where the mean square of every weight starts.
            name: the name of the optimiser.
            **kwargs: further arguments of `keras.optimizers.Optimizer`, such as `global_clipnorm`.
        """
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.initial_mean_square = initial_mean_square

    def build(self, variables: list[keras.Variable]) -> None:
        """Makes the mean squares and the moments of the variables, once.

        Args:
            variables: the weights that the optimiser will move.
        """
        if self.built:
            return
        super().build(variables)
        self._mean_squares = self.add_optimizer_variables(
            variables,
            "mean_square",
            initializer=keras.initializers.Constant(self.initial_mean_square),
        )
        self._moments = self.add_optimizer_variables(variables, "moment")

    def update_step(
        self, gradient: tf.Tensor, variable: keras.Variable, learning_rate: tf.Tensor
    ) -> None:
        """Moves one variable by the equations of the class.

        Args:
            gradient: of the loss with respect to the variable, of its shape and dtype.
            variable: the weight to move.
            learning_rate: the rate of this step, a scalar.
        """
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyRMSProp(
            var=_handle(variable),
            ms=_handle(self._mean_squares[index]),
            mom=_handle(self._moments[index]),
            lr=tf.cast(learning_rate, variable.dtype),
            rho=tf.cast(self.rho, variable.dtype),
            momentum=tf.cast(self.momentum, variable.dtype),
            epsilon=tf.cast(self.epsilon, variable.dtype),
            grad=gradient,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal optimiser."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "initial_mean_square": self.initial_mean_square,
        }


def _handle(variable: keras.Variable | tf.Variable) -> tf.Tensor:
    """Returns the resource that a kernel writes to."""
    return (variable.value if isinstance(variable, keras.Variable) else variable).handle


# `keras.optimizers.schedules.CosineDecay` gives the same rates after the warm-up, bit for bit. In
# the warm-up its rate at step s is s / warmup_steps of the full one, where ours is (s + 1) /
# warmup_steps, so that its first step would have the rate 0 and teach nothing. Nor has it the
# constant schedule.
@keras.saving.register_keras_serializable("mtnet_tf")
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up, then a constant rate or half a cosine.

    The paper names an "initial learning rate" and no schedule (section 4.3).
    """

    def __init__(
        self,
        learning_rate: float,
        warmup_steps: int,
        total_steps: int,
        schedule: Literal["cosine", "constant"],
        final_fraction: float,
    ) -> None:
        """Takes the constants of the schedule.

        Args:
            learning_rate: the full rate, which the last step of the warm-up has.
            warmup_steps: the steps of the warm-up; 0 for none.
            total_steps: the step at which the cosine ends.
            schedule: what follows the warm-up.
            final_fraction: the part of the full rate at which the cosine ends, in [0, 1].
        """
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.schedule = schedule
        self.final_fraction = final_fraction

    def __call__(self, step: int | tf.Tensor | keras.Variable) -> tf.Tensor:
        """Returns the rate of a step, a scalar float32.

        Args:
            step: the number of the step, from 0.
        """
        step = tf.cast(step, tf.float32)
        rate = self.learning_rate * tf.minimum(1.0, (step + 1.0) / max(self.warmup_steps, 1))
        if self.schedule == "cosine":
            length = max(self.total_steps - self.warmup_steps, 1)
            progress = tf.clip_by_value((step - self.warmup_steps) / length, 0.0, 1.0)
            cosine = 0.5 * (1.0 + tf.cos(math.pi * progress))
            rate *= self.final_fraction + (1.0 - self.final_fraction) * cosine
        return rate

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments that make an equal schedule."""
        return dict(vars(self))


def build_optimizer(
    config: OptimizerConfig, total_steps: int, *, scale_loss: bool = False
) -> keras.optimizers.Optimizer:
    """Returns the optimiser of a stage.

    On several replicas its `apply` takes gradients that are already summed over them.

    Args:
        config: the constants of the optimiser.
        total_steps: the steps of the stage. The warm-up takes at most a tenth of them.
        scale_loss: scales the loss, for float16, and leaves out a step whose gradients overflow.

    Returns:
        The optimiser, in a `keras.optimizers.LossScaleOptimizer` where the loss is scaled.
    """
    schedule = WarmupSchedule(
        config.learning_rate,
        min(config.warmup_steps, total_steps // 10),
        total_steps,
        config.schedule,
        config.final_learning_rate_fraction,
    )
    common = {"global_clipnorm": config.clip_norm}
    if config.average_decay:
        common |= {"use_ema": True, "ema_momentum": config.average_decay}
    if config.name == "adam":
        optimizer = _Adam(
            schedule, name="adam", beta_1=config.momentum, epsilon=config.epsilon, **common
        )
    elif config.name == "nesterov":
        optimizer = _SGD(
            schedule, name="nesterov", momentum=config.momentum, nesterov=True, **common
        )
    else:
        optimizer = RMSProp(
            schedule,
            rho=config.rho,
            momentum=config.momentum,
            epsilon=config.epsilon,
            initial_mean_square=config.initial_mean_square,
            **common,
        )
    return keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer
