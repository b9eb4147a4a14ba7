"""One optimiser step: gradients of a loss, summed over the replicas, applied to some variables."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from mtnet_tf.config import OptimizerConfig
from mtnet_tf.training.optimizers import build_optimizer

_SUM = tf.distribute.ReduceOp.SUM


class Update:
    """An optimiser and the variables that it moves.

    A supervised stage has one update. An adversarial stage has two, one for the generator and one
    for the discriminator, and calls one after the other in its `replica_step`.

    Attributes:
        optimizer: belongs into the checkpoint of the stage.
    """

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        config: OptimizerConfig,
        num_steps: int,
        *,
        scale_loss: bool = False,
    ) -> None:
        """Builds the optimiser, in the scope of the stage's strategy.

        Args:
            variables: the trainable variables of one network or several.
            config: of the optimiser.
            num_steps: how many steps it will take; the learning rate follows them.
            scale_loss: scales the loss, for float16. A step whose gradients overflow is skipped.
        """
        self._variables = list(variables)
        self._scale_loss = scale_loss
        self.optimizer = build_optimizer(config, num_steps, scale_loss=scale_loss)
        # Its variables must be there before a step is traced and before a checkpoint is restored.
        self.optimizer.build(self._variables)

    def __call__(self, compute_losses: Callable[[], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """Moves the variables one step down the gradient of the loss "total".

        It is called on each replica. The sum of the replicas' gradients is that of the batch.

        Args:
            compute_losses: returns {term: scalar float32} with a "total", this replica's share of
                each; it runs under a gradient tape.

        Returns:
            The losses and `gradient_norm`, the global norm before clipping. With loss scaling also
            `skipped_steps`: 1 where the gradients overflowed and no variable was moved. Each is a
            share too: its sum over the replicas is the figure.
        """
        scale = tf.convert_to_tensor(self.optimizer.dynamic_scale) if self._scale_loss else 1.0
        with tf.GradientTape() as tape:
            losses = compute_losses()
            total = losses["total"] * scale if self._scale_loss else losses["total"]
        gradients = tape.gradient(total, self._variables)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce(_SUM, gradients)
        self.optimizer.apply(gradients, self._variables)
        figures = {"gradient_norm": tf.linalg.global_norm(gradients) / scale}
        if self._scale_loss:
            finite = tf.math.is_finite(figures["gradient_norm"])
            figures["gradient_norm"] = tf.where(finite, figures["gradient_norm"], 0.0)
            figures["skipped_steps"] = 1.0 - tf.cast(finite, tf.float32)
        # These figures are the same on every replica.
        return {**losses, **{name: value / replicas for name, value in figures.items()}}

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Meanwhile the variables have their averages (`OptimizerConfig.average_decay`)."""
        last = [variable.numpy() for variable in self._variables] if self._averages() else []
        self.keep_averages()
        try:
            yield
        finally:
            for variable, value in zip(self._variables, last):
                variable.assign(value)

    def keep_averages(self) -> None:
        """Gives the variables their averages, where the optimiser has any."""
        for variable, average in zip(self._variables, self._averages()):
            variable.assign(average)

    def _averages(self) -> list[keras.Variable]:
        inner = self.optimizer.inner_optimizer if self._scale_loss else self.optimizer
        # Until a step is taken they are 0: with loss scaling all may have overflowed.
        there = inner.use_ema and inner.iterations.numpy() > 0
        return inner._model_variables_moving_average if there else []

    def learning_rate(self) -> float:
        """Returns the rate of the next step."""
        return float(self.optimizer.learning_rate)
