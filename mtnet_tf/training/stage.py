"""One stage of Algorithm 1: a model, its optimiser and how a batch becomes losses."""

from __future__ import annotations

import abc

import keras
import tensorflow as tf

from mtnet_tf.config import StageConfig
from mtnet_tf.training.optimizers import build_optimizer


class Stage(abc.ABC):
    """The step of a training stage; `loop.run_stage` repeats it. A subclass says what its losses are.

    Attributes:
        name: of its checkpoints and its lines in the log.
        model: the Keras model it trains.
        num_steps: the steps of the whole stage.
        train_step: batch -> {term: scalar float32}, the losses and the gradients' global norm; updates the weights.
    """

    name: str

    def __init__(self, model: keras.Model, config: StageConfig, examples_per_epoch: int):
        self.model = model
        self.batch_size = config.batch_size
        self.num_steps = max(1, round(config.epochs * examples_per_epoch / self.batch_size))
        self.optimizer = build_optimizer(config.optimizer, self.num_steps)
        # Before tracing, and before a checkpoint is restored.
        self.optimizer.build(model.trainable_variables)
        self.train_step = tf.function(self._train_step, reduce_retracing=True)

    @abc.abstractmethod
    def batches(self, first_step: int) -> tf.data.Dataset:
        """Returns the batches of the steps from `first_step` to the last."""

    @abc.abstractmethod
    def losses(self, batch, training: bool) -> dict[str, tf.Tensor]:
        """Returns {term: scalar float32} with a "total"."""

    def validate(self) -> dict[str, float]:
        """Returns figures over held-out data, {} where there is none."""
        return {}

    def write_pictures(self, step: int) -> None:
        """Writes pictures and sounds to the default summary writer; nothing by default."""

    def _train_step(self, batch):
        with tf.GradientTape() as tape:
            losses = self.losses(batch, training=True)
        variables = self.model.trainable_variables
        gradients = tape.gradient(losses["total"], variables)
        self.optimizer.apply_gradients(zip(gradients, variables))
        return {**losses, "gradient_norm": tf.linalg.global_norm(gradients)}

    def learning_rate(self) -> float:
        return float(self.optimizer.learning_rate)
