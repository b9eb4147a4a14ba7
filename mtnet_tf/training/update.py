"""One step: gradients of a loss, summed over the replicas, applied to some variables."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence

import keras
import tensorflow as tf

from mtnet_tf.config import OptimizerConfig
from mtnet_tf.training.optimizers import build_optimizer

# Variables, and the configuration of the optimiser that moves them.
Group = tuple[Sequence[keras.Variable], OptimizerConfig]

_SUM = tf.distribute.ReduceOp.SUM


class Update:
    """The variables that a step moves, and their optimiser, or several that share them out.

    A supervised stage has one update. An adversarial stage has two, one for the generator and one
    for the discriminator, and calls one after the other in its `replica_step`.

    Attributes:
        optimizers: belong into the checkpoint of the stage.
    """

    def __init__(
        self,
        variables: Sequence[keras.Variable],
        config: OptimizerConfig,
        num_steps: int,
        *,
        apart: Group | None = None,
        scale_loss: bool = False,
    ) -> None:
        """Builds the optimisers, in the scope of the stage's strategy.

        Args:
            variables: the trainable variables of one network or several.
            config: of the optimiser.
            num_steps: how many steps it will take; the learning rate follows them.
            apart: variables among them that a second optimiser moves, and its configuration.
            scale_loss: scales the loss, for float16. A step whose gradients overflow is skipped.
        """
        others = {id(variable) for variable in apart[0]} if apart else set()
        groups = [([v for v in variables if id(v) not in others], config)]
        if apart:
            groups.append(apart)
        self._groups = [list(group) for group, _ in groups]
        self._variables = [variable for group in self._groups for variable in group]
        self._scale_loss = scale_loss
        self.optimizers = [
            build_optimizer(config, num_steps, scale_loss=scale_loss) for _, config in groups
        ]
        # Their variables must be there before a step is traced and before a checkpoint is restored.
        for optimizer, group in zip(self.optimizers, self._groups):
            optimizer.build(group)

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
        # All optimisers have the same scale: each sees every overflow.
        scale = self._scale()
        with tf.GradientTape() as tape:
            losses = compute_losses()
            total = losses["total"] * scale if self._scale_loss else losses["total"]
        # Dense: the slices of an embedding's gradient name a row as often as a batch reads it, and
        # neither the norm nor Adam's squares would sum them first.
        gradients = [tf.convert_to_tensor(g) for g in tape.gradient(total, self._variables)]
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce(_SUM, gradients)
        norm = tf.linalg.global_norm(gradients)
        if self._scale_loss and len(self.optimizers) > 1:
            # 0, or not finite: then every optimiser leaves the step out and halves its scale.
            gradients = [gradient + (norm - norm) for gradient in gradients]
        rest = iter(gradients)
        for optimizer, group in zip(self.optimizers, self._groups):
            if group:
                optimizer.apply(list(itertools.islice(rest, len(group))), group)
        figures = {"gradient_norm": norm / scale}
        if self._scale_loss:
            finite = tf.math.is_finite(figures["gradient_norm"])
            figures["gradient_norm"] = tf.where(finite, figures["gradient_norm"], 0.0)
            figures["skipped_steps"] = 1.0 - tf.cast(finite, tf.float32)
        # These figures are the same on every replica.
        return {**losses, **{name: value / replicas for name, value in figures.items()}}

    def _scale(self) -> tf.Tensor | float:
        """Returns the scale of the loss: that of an optimiser that moves something."""
        if not self._scale_loss:
            return 1.0
        moving = next(o for o, group in zip(self.optimizers, self._groups) if group)
        return tf.convert_to_tensor(moving.dynamic_scale)

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Meanwhile the variables have their averages (`OptimizerConfig.average_decay`)."""
        last = [(variable, variable.numpy()) for variable, _ in self._averages()]
        self.keep_averages()
        try:
            yield
        finally:
            for variable, value in last:
                variable.assign(value)

    def keep_averages(self) -> None:
        """Gives the variables their averages, where the optimiser has any."""
        for variable, average in self._averages():
            variable.assign(average)

    def _averages(self) -> list[tuple[keras.Variable, keras.Variable]]:
        """Returns each variable that has an average, with it."""
        pairs = []
        for optimizer, group in zip(self.optimizers, self._groups):
            inner = optimizer.inner_optimizer if self._scale_loss else optimizer
            # Until a step is taken they are 0: with loss scaling all may have overflowed.
            if inner.use_ema and inner.iterations.numpy() > 0:
                pairs += zip(group, inner._model_variables_moving_average)
        return pairs

    def learning_rates(self) -> list[float]:
        """Returns the rate of each optimiser's next step."""
        return [float(optimizer.learning_rate) for optimizer in self.optimizers]
