"""One stage of Algorithm 1: a model, its optimiser and how a batch becomes losses."""

from __future__ import annotations

import abc

import keras
import tensorflow as tf

from mtnet_tf.config import StageConfig, TrainingConfig
from mtnet_tf.data.batches import shuffled_batches
from mtnet_tf.training.distribution import DistributionError, lost_workers
from mtnet_tf.training.optimizers import build_optimizer

_SUM = tf.distribute.ReduceOp.SUM


class Stage(abc.ABC):
    """The step of a training stage; `loop.run_stage` repeats it. A subclass says what its rows and its losses are.

    A stage and its model are made in the scope of a `tf.distribute` strategy, on whose replicas its steps run: each
    replica takes an equal part of the batch, and the sum of their gradients is the gradient of the whole batch.

    Attributes:
        name: of its checkpoints and its lines in the log.
        model: the Keras model it trains.
        strategy: the strategy.
        num_steps: the steps of the whole stage.
        train_step: batch -> {term: scalar float32}, the losses and the gradients' global norm; updates the weights.
            In mixed_float16 also `skipped_steps`: 1 where the gradients overflowed and nothing was updated.
    """

    name: str

    def __init__(
        self,
        model: keras.Model,
        config: StageConfig,
        training: TrainingConfig,
        columns: dict,
    ):
        """Builds the optimiser; to be called in the scope of the strategy.

        Args:
            model: built in the same scope.
            config: of this stage.
            training: of the whole training: seed, precision, XLA.
            columns: {name: array [rows, ...]}, from which batches are drawn.

        Raises:
            DistributionError: the batch cannot be divided among the replicas, or XLA was asked for on several.
        """
        self.model = model
        self.strategy = tf.distribute.get_strategy()
        self.batch_size = config.batch_size
        self._columns, self._stage_config, self._seed = columns, config, training.seed
        num_rows = len(next(iter(columns.values())))
        self.num_steps = max(1, round(config.epochs * num_rows / self.batch_size))
        replicas = self.strategy.num_replicas_in_sync
        if self.batch_size % replicas:
            raise DistributionError(
                f"training.{self.name}.batch_size={self.batch_size} cannot be divided among {replicas} replicas: "
                f"give a multiple of {replicas}."
            )
        if training.jit_compile and replicas > 1:
            raise DistributionError("training.jit_compile is for one replica: use --strategy=none.")
        self.optimizer = build_optimizer(
            config.optimizer,
            self.num_steps,
            scale_loss=training.precision == "mixed_float16",
        )
        # Before tracing, and before a checkpoint is restored.
        self.optimizer.build(model.trainable_variables)
        self.train_step = tf.function(
            self._train_step, reduce_retracing=True, jit_compile=training.jit_compile or None
        )

    @abc.abstractmethod
    def losses(self, batch, training: bool) -> dict[str, tf.Tensor]:
        """Returns {term: scalar float32} with a "total", this replica's share of each (`losses`)."""

    def validate(self) -> dict[str, float]:
        """Returns figures over held-out data, {} where there is none."""
        return {}

    def write_pictures(self, step: int) -> None:
        """Writes pictures and sounds to the default summary writer; nothing by default."""

    def batches(self, first_step: int):
        """Returns the batches of the steps from `first_step` to the last, each divided among the replicas."""

        def own_batches(context=None):
            return shuffled_batches(
                self._columns,
                batch_size=self.batch_size,
                seed=self._seed,
                first_step=first_step,
                num_steps=self.num_steps,
                sampling=self._stage_config.sampling,
                num_parts=replicas,
                parts=_parts(context, replicas),
            )

        replicas = self.strategy.num_replicas_in_sync
        if replicas == 1:
            return own_batches()
        return self._distributed(own_batches)

    def _distributed(self, own_batches):
        batches = self.strategy.distribute_datasets_from_function(own_batches)
        # The workers tell each other whether there is another batch.
        with lost_workers(self.strategy):
            yield from batches

    def _train_step(self, batch):
        terms = self.strategy.run(self._replica_step, args=(batch,))
        return {name: self.strategy.reduce(_SUM, term, axis=None) for name, term in terms.items()}

    def _replica_step(self, batch):
        scaling = isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer)
        scale = tf.convert_to_tensor(self.optimizer.dynamic_scale) if scaling else 1.0
        with tf.GradientTape() as tape:
            losses = self.losses(batch, training=True)
            total = losses["total"] * scale if scaling else losses["total"]
        variables = self.model.trainable_variables
        gradients = tape.gradient(total, variables)
        replicas = self.strategy.num_replicas_in_sync
        if replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce(_SUM, gradients)
        self.optimizer.apply(gradients, variables)
        figures = {"gradient_norm": tf.linalg.global_norm(gradients) / scale}
        if scaling:
            # The optimizer leaves out a step whose gradients overflow, and scales less from then on.
            finite = tf.math.is_finite(figures["gradient_norm"])
            figures["gradient_norm"] = tf.where(finite, figures["gradient_norm"], 0.0)
            figures["skipped_steps"] = 1.0 - tf.cast(finite, tf.float32)
        # These are the same on every replica, and all terms are summed.
        return {**losses, **{name: value / replicas for name, value in figures.items()}}

    def learning_rate(self) -> float:
        return float(self.optimizer.learning_rate)


def _parts(context: tf.distribute.InputContext | None, replicas: int) -> range:
    """Returns which parts of a batch go to the replicas of this process."""
    if context is None:
        return range(1)
    own = replicas // context.num_input_pipelines
    return range(context.input_pipeline_id * own, (context.input_pipeline_id + 1) * own)
