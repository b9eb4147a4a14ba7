"""What the adversarial stages of Table 4 have in common: they are watched, and the best is kept."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.data.augmentation import Augmentation
from mtnet_tf.data.by_word import ByWord
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.data.slices import slices
from mtnet_tf.training.stage import Stage

Losses = Callable[[], dict[str, tf.Tensor]]

# Of the diversity: how many pairs, and how many latents of each.
_NUM_PAIRS, _NUM_LATENTS = 50, 4


class AdversarialStage(Stage):
    """A stage whose networks make something of a word and of a latent: spectrograms, or images.

    Adversarial trainings collapse. So it is validated as often as it has epochs, rounded, and the
    weights of the best word accuracy are kept, of equal ones the first; the last ones where nothing
    is held out.

    Attributes:
        noise_units: of the latent z.
        discriminator: the network that judges.
    """

    name = "adversarial"

    def __init__(
        self,
        config: Config,
        data: AudioDescriptions,
        columns: dict[str, np.ndarray],
        generators: Sequence[keras.Model],
        discriminator: keras.Model,
        augmentation: Augmentation | None = None,
    ) -> None:
        """Makes both updates.

        Args:
            config: of the run.
            data: the data set.
            columns: as in `Stage`.
            generators: the networks that make something, with the encoders that learn with them.
            discriminator: judges what they make.
            augmentation: as in `Stage`.
        """
        stage = config.training.adversarial
        super().__init__(stage, config.training, columns, augmentation)
        if self.num_validations:
            self.num_validations = max(1, round(stage.epochs))
        self.noise_units = config.adversarial.noise_units
        self._generators, self.discriminator = list(generators), discriminator
        self._move_generators = self.make_update(
            [v for network in generators for v in network.trainable_variables],
            stage.optimizer,
            times=config.adversarial.generator_updates,
        )
        self._generator_updates = config.adversarial.generator_updates
        self._move_discriminator = self.make_update(
            discriminator.trainable_variables, config.training.discriminator_optimizer
        )
        self._labels, self._num_words = data.validation.labels, len(data.words)
        self._best = [tf.Variable(weight, trainable=False) for weight in self._weights()]
        # In float64, as what it is compared with: of equal validations the first one counts.
        self._best_accuracy = tf.Variable(-1.0, dtype=tf.float64, trainable=False)

    @abc.abstractmethod
    def make(self, rows: slice, noise: np.ndarray) -> np.ndarray:
        """Returns what is made of held-out pairs: float32 [n, height, width, channels] in [-1, 1].

        Args:
            rows: of the validation part.
            noise: z, float32 [n, noise_units].
        """

    @abc.abstractmethod
    def recognize(self, made: np.ndarray) -> np.ndarray:
        """Returns which words were made, int [n].

        Args:
            made: of `make`.
        """

    @abc.abstractmethod
    def distance_between_words(self) -> float:
        """Returns the mean absolute difference of the true samples of two words."""

    def validation_noise(self, count: int) -> np.ndarray:
        """Returns z of a validation, float [count, noise_units]: zeros, as at test time."""
        return np.zeros([count, self.noise_units])

    def update_both(self, of_discriminator: Losses, of_generators: Losses) -> dict[str, tf.Tensor]:
        """Moves the discriminator, and then the generators, as often as a step moves them.

        Args:
            of_discriminator: returns the losses of the discriminator, as `Update` takes it.
            of_generators: the same of the generators.

        Returns:
            The losses and the norms of both gradients.
        """
        first = self._move_discriminator(of_discriminator)
        for _ in range(self._generator_updates):
            second = self._move_generators(of_generators)
        figures = {f"discriminator_{name}": figure for name, figure in first.items()}
        figures |= {f"generator_{name}": figure for name, figure in second.items()}
        return figures

    def draw_noise(self, batch_size: tf.Tensor, use: int) -> tf.Tensor:
        """Returns z of this step, float32 [batch_size, noise_units].

        Args:
            batch_size: how many.
            use: tells the draws of one step apart.
        """
        return tf.random.stateless_normal([batch_size, self.noise_units], self.random_seed(use))

    def draw_other_words(self, labels: tf.Tensor, use: int) -> tf.Tensor:
        """Returns int32 [batch]: for each label another one, drawn at random.

        Args:
            labels: int32 [batch].
            use: as in `draw_noise`.
        """
        shifts = tf.random.stateless_uniform(
            tf.shape(labels), self.random_seed(use), 1, self._num_words, tf.int32
        )
        return (labels + shifts) % self._num_words

    def draw_other_items(
        self, by_word: ByWord, labels: tf.Tensor, uses: tuple[int, int]
    ) -> tf.Tensor:
        """Returns int64 [batch]: for each label the place of an item of another word, at random.

        Args:
            by_word: the items.
            labels: int32 [batch].
            uses: as in `draw_noise`, of the word and of the item.
        """
        words = self.draw_other_words(labels, uses[0])
        parts = tf.random.stateless_uniform(tf.shape(labels), self.random_seed(uses[1]))
        return by_word.choose(words, parts)

    def random_seed(self, use: int) -> tf.Tensor:
        """Returns the seed of random numbers of this step: a run that goes on draws them too.

        Args:
            use: as in `draw_noise`.
        """
        step = tf.cast(self._move_discriminator.optimizers[0].iterations, tf.int32)
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        seed = (self._training.seed + 1_000_003 * use) % 2**31
        return tf.stack([seed, step * 64 + replica])

    def trackables(self) -> dict[str, Any]:
        """Returns the networks, their optimisers, and the weights that are kept so far."""
        return {
            "generators": self._generators,
            "discriminator": self.discriminator,
            "generator_optimizers": self._move_generators.optimizers,
            "discriminator_optimizers": self._move_discriminator.optimizers,
            "best": self._best,
            "best_accuracy": self._best_accuracy,
        }

    def learning_rates(self) -> dict[str, float]:
        """Returns the rate of the generators and that of the discriminator."""
        return {
            "learning_rate": self._move_generators.learning_rates()[0],
            "learning_rate_discriminator": self._move_discriminator.learning_rates()[0],
        }

    def validate(self) -> dict[str, float]:
        """Returns what is made of held-out pairs, and keeps the weights where it is best.

        Returns:
            {"validation_word_accuracy": the share of pairs of which the right word is made,
            "validation_diversity": how far what is made of one pair with several latents is apart,
            over how far two words are; left out where words do not differ}; {} where nothing is
            held out.
        """
        if not len(self._labels):
            return {}
        made = self.make_all(len(self._labels), self.validation_noise(len(self._labels)))
        accuracy = float(np.mean(self.recognize(made) == self._labels))
        if accuracy > self._best_so_far():
            self._best_accuracy.assign(accuracy)
            for kept, weight in zip(self._best, self._weights()):
                kept.assign(weight)
        return {"validation_word_accuracy": accuracy, **self._diversity()}

    def make_all(self, count: int, noise: np.ndarray) -> np.ndarray:
        """Returns what is made of the first held-out pairs, batch by batch.

        Args:
            count: of how many.
            noise: z, float [count, noise_units].
        """
        noise = noise.astype(np.float32)
        parts = [self.make(rows, noise[rows]) for rows in slices(count, self.batch_size)]
        return np.concatenate(parts)

    def _best_so_far(self) -> float:
        return float(self._best_accuracy.numpy())  # on several replicas it is no number itself

    def _weights(self) -> list[keras.Variable]:
        return [weight for network in self._generators for weight in network.weights]

    def _diversity(self) -> dict[str, float]:
        of_words = self.distance_between_words()
        if not of_words:  # there is one word, or one held-out image
            return {}
        count = min(_NUM_PAIRS, len(self._labels))
        random = np.random.default_rng(self._training.seed)
        made = [
            self.make_all(count, random.normal(size=[count, self.noise_units]))
            for _ in range(_NUM_LATENTS)
        ]
        apart = np.mean([np.abs(a - made[0]).mean() for a in made[1:]])
        return {"validation_diversity": float(apart / of_words)}

    def finish(self) -> None:
        """Gives the networks the weights of their best validation."""
        if self._best_so_far() >= 0:
            for weight, kept in zip(self._weights(), self._best):
                weight.assign(kept)
