"""The adversarial stage of DCMAVG that makes images of sounds, trained apart from the other."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.data.augmentation import Augmentation, move
from mtnet_tf.data.by_word import ByWord
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.data.slices import slices
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.stage import NUM_PICTURES
from mtnet_tf.training.stages.adversarial import AdversarialStage
from mtnet_tf.training.stages.matching_aware import MatchingAwareGan


class ImageStage(AdversarialStage):
    """Each step moves the discriminator of images, and then their generator.

    A trained, frozen classifier of images says which word an image shows. A mismatched pair is a
    true image of another word, drawn at random.
    """

    name = "images"  # not that of the half that speaks

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        classifier: keras.Model,
        config: Config,
        data: AudioDescriptions,
        embeddings: np.ndarray,
    ) -> None:
        """Puts the images on the device, for the mismatched pairs.

        Args:
            generator: of `build_generator`.
            discriminator: of `build_discriminator`.
            classifier: of `build_image_classifier`.
            config: of the run.
            data: the data set.
            embeddings: of the recordings, float32 [R, embedding_units].
        """
        train, validation = data.train, data.validation
        augmentation = Augmentation(config, len(train))
        super().__init__(config, data, train.columns(), [generator], discriminator, augmentation)
        self._draw_moves = augmentation.draw
        self._embeddings = tf.constant(embeddings)
        self._images = tf.Variable(train.images, trainable=False)
        self._by_word = ByWord(train.labels, len(data.words))
        self._gan = MatchingAwareGan("image", generator, discriminator, config.adversarial)
        self._validation = validation
        self._classify = traced(
            lambda images: classifier({"image": images}, training=False)["logits"],
        )

    def draw_other_images(self, labels: tf.Tensor, uses: tuple[int, int, int]) -> tf.Tensor:
        """Returns a true image of another word for each label, uint8.

        It is moved as those of the batch are: its border would tell it apart.

        Args:
            labels: int32 [batch].
            uses: of the word, of the item (`draw_other_items`), and of how it is moved.
        """
        rows = self.draw_other_items(self._by_word, labels, uses[:2])
        moves = self._draw_moves(tf.shape(labels)[0], self.random_seed(uses[2]))
        return move(tf.gather(self._images, rows), **moves)

    def replica_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Moves the discriminator, and then the generator; see `Stage`."""
        embedding = tf.gather(self._embeddings, batch["recording"])
        real = as_samples(batch["image"])
        wrong = as_samples(self.draw_other_images(batch["label"], uses=(0, 1, 3)))
        noise = self.draw_noise(tf.shape(embedding)[0], use=2)
        return self.update_both(*self._gan.losses(embedding, real, wrong, noise))

    def make(self, rows: slice, noise: np.ndarray) -> np.ndarray:
        """Returns images of held-out sounds; see `AdversarialStage`."""
        embeddings = tf.gather(self._embeddings, self._validation.recordings[rows])
        return self._gan.generate(embeddings, noise).numpy()

    def recognize(self, made: np.ndarray) -> np.ndarray:
        """Returns what the classifier takes images for."""
        parts = [
            self._classify(as_pixels(made[rows])).numpy().argmax(-1)
            for rows in slices(len(made), self.batch_size)
        ]
        return np.concatenate(parts)

    def distance_between_words(self) -> float:
        """Returns the mean absolute difference of two held-out images, mostly of two words."""
        images = as_samples(self._validation.images[:100]).numpy()
        return float(np.abs(images - np.roll(images, 1, axis=0)).mean())

    def validation_noise(self, count: int) -> np.ndarray:
        """Returns z as it is drawn: a word has many images."""
        return np.random.default_rng(self._training.seed).normal(size=[count, self.noise_units])

    def write_pictures(self, step: int) -> None:
        """Writes some images of held-out sounds.

        Args:
            step: the step that TensorBoard shows them at.
        """
        count = min(NUM_PICTURES, len(self._labels))
        if count:
            made = self.make_all(count, self.validation_noise(count))
            tf.summary.image("image", as_pixels(made), step=step, max_outputs=NUM_PICTURES)


def as_samples(images: np.ndarray | tf.Tensor) -> tf.Tensor:
    """Returns float32 in [-1, 1] of images from 0 to 255."""
    return tf.cast(images, tf.float32) / 127.5 - 1.0


def as_pixels(made: np.ndarray) -> np.ndarray:
    """Returns uint8 images of float samples in [-1, 1]."""
    return np.clip(np.rint((made + 1) * 127.5), 0, 255).astype(np.uint8)
