"""RMSProp as TensorFlow 1 had it, and the learning-rate schedule (section 4.3)."""

import math

import keras
import tensorflow as tf

from mtnet_tf.config import OptimizerConfig


class _SummedGradients:
    """For gradients that the training step has summed over the replicas: Keras would do it after clipping."""

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return list(grads_and_vars)


class _Adam(_SummedGradients, keras.optimizers.Adam):
    pass


@keras.saving.register_keras_serializable("mtnet_tf")
class RMSProp(_SummedGradients, keras.optimizers.Optimizer):
    """RMSProp with momentum in one fused kernel, about twice as fast as `keras.optimizers.RMSprop` on a CPU.

        mean_square <- rho * mean_square + (1 - rho) * gradient^2
        moment      <- momentum * moment + learning_rate * gradient / sqrt(mean_square + epsilon)
        weight      <- weight - moment

    `initial_mean_square` is 0 in Keras 3 and 1 in TensorFlow 1, the paper's library. From 0 the first step has the size
    learning_rate / sqrt(1 - rho) whatever the gradient; from 1 it is about learning_rate * gradient, a warm-up in itself.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        rho=0.9,
        momentum=0.0,
        epsilon=1e-7,
        initial_mean_square=0.0,
        name="rmsprop",
        **kwargs,
    ):
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.initial_mean_square = initial_mean_square

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self._mean_squares = self.add_optimizer_variables(
            variables,
            "mean_square",
            initializer=keras.initializers.Constant(self.initial_mean_square),
        )
        self._moments = self.add_optimizer_variables(variables, "moment")

    def update_step(self, gradient, variable, learning_rate):
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

    def get_config(self):
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "initial_mean_square": self.initial_mean_square,
        }


def _handle(variable):
    return (
        getattr(variable, "value", variable).handle
        if isinstance(variable, keras.Variable)
        else variable.handle
    )


@keras.saving.register_keras_serializable("mtnet_tf")
class WarmupSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up over `warmup_steps`, then constant, or half a cosine down to `final_fraction` at `total_steps`."""

    def __init__(self, learning_rate, warmup_steps, total_steps, schedule, final_fraction):
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.schedule = schedule
        self.final_fraction = final_fraction

    def __call__(self, step):
        step = tf.cast(step, tf.float32)
        rate = self.learning_rate * tf.minimum(1.0, (step + 1.0) / max(self.warmup_steps, 1))
        if self.schedule == "cosine":
            length = max(self.total_steps - self.warmup_steps, 1)
            progress = tf.clip_by_value((step - self.warmup_steps) / length, 0.0, 1.0)
            cosine = 0.5 * (1.0 + tf.cos(math.pi * progress))
            rate *= self.final_fraction + (1.0 - self.final_fraction) * cosine
        return rate

    def get_config(self):
        return dict(vars(self))


def build_optimizer(
    config: OptimizerConfig, total_steps: int, *, scale_loss: bool = False
) -> keras.optimizers.Optimizer:
    """Returns the optimiser of a stage that lasts `total_steps` steps. A warm-up takes at most a tenth of them.

    On several replicas its `apply` takes gradients that are summed over them. With `scale_loss` (float16) it scales
    the loss, and leaves out a step whose gradients overflow.
    """
    schedule = WarmupSchedule(
        config.learning_rate,
        min(config.warmup_steps, total_steps // 10),
        total_steps,
        config.schedule,
        config.final_learning_rate_fraction,
    )
    if config.name == "adam":
        optimizer = _Adam(
            schedule, name="adam", epsilon=config.epsilon, global_clipnorm=config.clip_norm
        )
    else:
        optimizer = RMSProp(
            schedule,
            rho=config.rho,
            momentum=config.momentum,
            epsilon=config.epsilon,
            initial_mean_square=config.initial_mean_square,
            global_clipnorm=config.clip_norm,
        )
    return keras.optimizers.LossScaleOptimizer(optimizer) if scale_loss else optimizer
