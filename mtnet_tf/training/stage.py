"""A stage of a training: what one step does, what a checkpoint holds, how it is validated."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import OptimizerConfig, StageConfig, TrainingConfig
from mtnet_tf.data.augmentation import Augmentation
from mtnet_tf.data.batches import shuffled_batches
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.distribution import DistributionError, lost_workers
from mtnet_tf.training.update import Group, Update

NUM_PICTURES = 4  # of one kind that `write_pictures` shows
_SUM = tf.distribute.ReduceOp.SUM


class Stage(abc.ABC):
    """A number of equal steps over shuffled batches; `loop.run_stage` takes them.

    The loop knows no model. A subclass makes its networks and its updates, says what one step is
    (`replica_step`), and names what a checkpoint must hold (`trackables`).

    A stage and its networks are made in the scope of a `tf.distribute` strategy, on whose replicas
    its steps run. Each replica takes an equal part of the batch.

    Attributes:
        name: names its checkpoints and its lines in the log.
        strategy: the strategy in whose scope the stage was made.
        batch_size: the rows of a step, on all replicas together.
        num_steps: the steps of the whole stage.
        num_validations: how often it is validated, evenly spread, the last time at its end, and at
            most once a step; 0 for its end alone.
        train_step: batch -> {name: scalar float32}. It takes one step on all replicas and returns
            its figures.
    """

    name: str

    def __init__(
        self,
        config: StageConfig,
        training: TrainingConfig,
        columns: dict[str, np.ndarray],
        augmentation: Augmentation | None = None,
    ) -> None:
        """Counts the steps; a subclass then makes its networks and its updates.

        Args:
            config: how long this stage is and how its batches are drawn.
            training: what all stages have in common: seed, precision, XLA.
            columns: {name: array [rows, ...]}, the rows from which the batches are drawn.
            augmentation: moves the images of the batches; None leaves them as they are.

        Raises:
            DistributionError: the batch cannot be divided among the replicas, or XLA was asked for
                on several.
        """
        self.strategy = tf.distribute.get_strategy()
        self.batch_size = config.batch_size
        self._columns, self._stage_config, self._training = columns, config, training
        self._augmentation = augmentation
        num_rows = len(next(iter(columns.values())))
        self.num_steps = max(1, round(config.epochs * num_rows / self.batch_size))
        self.num_validations = training.validations
        replicas = self.strategy.num_replicas_in_sync
        if self.batch_size % replicas:
            raise DistributionError(
                f"The batches of the {self.name} stage, {self.batch_size} rows, cannot be divided"
                f" among {replicas} replicas: give its batch_size a multiple of {replicas}."
            )
        if training.jit_compile and replicas > 1:
            raise DistributionError("training.jit_compile is for one replica: use --strategy=none.")
        self.train_step = traced(self._train_step, jit_compile=training.jit_compile or None)

    def make_update(
        self,
        variables: Sequence[keras.Variable],
        config: OptimizerConfig,
        apart: Group | None = None,
        times: int = 1,
    ) -> Update:
        """Returns an update that lasts as long as the stage.

        Args:
            variables: the trainable variables that it moves.
            config: of its optimiser.
            apart: variables among them that a second optimiser moves, and its configuration.
            times: how often a step moves them.
        """
        scale_loss = self._training.precision == "mixed_float16"
        num_steps = self.num_steps * times
        return Update(variables, config, num_steps, apart=apart, scale_loss=scale_loss)

    @abc.abstractmethod
    def replica_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Takes a step on one replica's part of a batch.

        Args:
            batch: {name: tensor [batch_size / replicas, ...]}, rows of the columns.

        Returns:
            {name: scalar float32}: figures for the log, each this replica's share.
        """

    @abc.abstractmethod
    def trackables(self) -> dict[str, Any]:
        """Returns {name: trackable} of all that a step changes, for `tf.train.Checkpoint`."""

    @abc.abstractmethod
    def learning_rates(self) -> dict[str, float]:
        """Returns {name: rate} of its updates, for the log."""

    def validate(self) -> dict[str, float]:
        """Returns figures over held-out data, {} where there is none."""
        return {}

    @contextlib.contextmanager
    def as_kept(self) -> Iterator[None]:
        """A context in which the networks have the weights that the stage keeps if it ends now."""
        yield

    def finish(self) -> None:
        """Gives the networks the weights that are kept, when the stage has ended."""

    def write_pictures(self, step: int) -> None:
        """Writes pictures and sounds to the default summary writer; nothing by default.

        Args:
            step: the step that TensorBoard shows them at.
        """

    def batches(self, first_step: int) -> Iterable[dict[str, tf.Tensor]]:
        """Returns the batches of the steps that are left, divided among the replicas.

        Args:
            first_step: how many steps have been taken.
        """

        def own_batches(context: tf.distribute.InputContext | None = None) -> tf.data.Dataset:
            return shuffled_batches(
                self._columns,
                batch_size=self.batch_size,
                seed=self._training.seed,
                first_step=first_step,
                num_steps=self.num_steps,
                sampling=self._stage_config.sampling,
                num_parts=replicas,
                parts=_parts(context, replicas),
                augmentation=self._augmentation,
            )

        replicas = self.strategy.num_replicas_in_sync
        if replicas == 1:
            return own_batches()
        return self._distributed(own_batches)

    def _distributed(
        self, own_batches: Callable[[tf.distribute.InputContext], tf.data.Dataset]
    ) -> Iterator[dict[str, tf.Tensor]]:
        batches = self.strategy.distribute_datasets_from_function(own_batches)
        # The workers tell each other whether there is another batch, and one may be gone.
        with lost_workers(self.strategy):
            yield from batches

    def _train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        figures = self.strategy.run(self.replica_step, args=(batch,))
        return {name: self.strategy.reduce(_SUM, part, axis=None) for name, part in figures.items()}


class SupervisedStage(Stage):
    """A stage with one network, one loss and one update. A subclass says what its losses are.

    Attributes:
        model: the network.
        update: moves all trainable variables of the network.
    """

    def __init__(
        self,
        model: keras.Model,
        config: StageConfig,
        training: TrainingConfig,
        columns: dict[str, np.ndarray],
        augmentation: Augmentation | None = None,
        apart: Group | None = None,
    ) -> None:
        """Builds the optimiser.

        Args:
            model: the network, built in the scope of the same strategy.
            config: as in `Stage`, and the optimiser of the stage.
            training: as in `Stage`.
            columns: as in `Stage`.
            augmentation: as in `Stage`.
            apart: as in `make_update`.
        """
        super().__init__(config, training, columns, augmentation)
        self.model = model
        self.update = self.make_update(model.trainable_variables, config.optimizer, apart)

    @abc.abstractmethod
    def losses(self, batch: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """Returns this replica's share of each loss (see `mtnet_tf.losses`).

        Args:
            batch: one replica's part of a batch, as in `replica_step`.
            training: whether the network is applied as in training.

        Returns:
            {term: scalar float32}, with a "total", the one that is minimised.
        """

    def replica_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Takes a step down the gradient of the total loss; see `Stage`."""
        return self.update(lambda: self.losses(batch, training=True))

    def trackables(self) -> dict[str, Any]:
        """Returns the network, its optimiser and the states of its random numbers."""
        return {
            "model": self.model,
            "optimizers": self.update.optimizers,
            "dropout_seeds": random_states(self.model),
        }

    @contextlib.contextmanager
    def as_kept(self) -> Iterator[None]:
        """Meanwhile the network has the averages of its weights, where there are any."""
        with self.update.averaged():
            yield

    def finish(self) -> None:
        """Gives the network the averages of its weights, where there are any."""
        self.update.keep_averages()

    def learning_rates(self) -> dict[str, float]:
        """Returns the rate of the next step, as "learning_rate"."""
        return {"learning_rate": self.update.learning_rates()[0]}


def image_side(
    model: keras.Model, speech_side: Sequence[str], training: TrainingConfig
) -> Group | None:
    """Returns the variables that `training.image_encoder_optimizer` moves, with it; or None.

    Args:
        model: a network with an image encoder.
        speech_side: the names of the layers whose variables it does not move.
        training: has the optimiser, or None.
    """
    optimizer = training.image_encoder_optimizer
    if optimizer is None:
        return None
    layers = [model.get_layer(name) for name in speech_side]
    theirs = {id(v) for layer in layers for v in layer.trainable_variables}
    ours = [v for v in model.trainable_variables if id(v) not in theirs]
    return (ours, optimizer) if ours else None


def capped(stage: StageConfig, num_rows: int) -> StageConfig:
    """Returns a stage with no larger batch than the rows can fill, as many on each replica.

    An epoch of few rows, such as recordings, is then one pass over them.

    Args:
        stage: its length, its batch, its optimiser.
        num_rows: how many rows there are.
    """
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    largest = max(1, num_rows // replicas) * replicas
    return dataclasses.replace(stage, batch_size=min(stage.batch_size, largest))


def random_states(model: keras.Model) -> list[tf.Variable]:
    """Returns the states of the random numbers that dropout layers draw.

    A stage adds them to its trackables: a checkpoint of a Keras model leaves them out, and a run
    that goes on would drop other units.

    Args:
        model: the network.
    """
    weights = {id(weight) for weight in model.weights}
    return [variable.value for variable in model.variables if id(variable) not in weights]


def _parts(context: tf.distribute.InputContext | None, replicas: int) -> range:
    """Returns which parts of a batch go to the replicas of this process."""
    if context is None:
        return range(1)
    own = replicas // context.num_input_pipelines
    return range(context.input_pipeline_id * own, (context.input_pipeline_id + 1) * own)
