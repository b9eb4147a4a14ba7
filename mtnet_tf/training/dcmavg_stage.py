"""The adversarial stage of DCMAVG: spectrograms from the embeddings of images."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import adversarial_losses
from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.adversarial_stage import AdversarialStage
from mtnet_tf.training.spectrogram_stage import SpectrogramStage


class DcmavgStage(SpectrogramStage):
    """Each step moves the discriminator, and then the generator, on one batch of embeddings."""

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        config: Config,
        data: AudioDescriptions,
        spectrograms: np.ndarray,
        embeddings: dict[str, np.ndarray],
    ) -> None:
        """Takes the embeddings.

        Args:
            generator: of `build_generator`.
            discriminator: of `build_discriminator`.
            config: of the run.
            data: the data set.
            spectrograms: of the recordings, float32 [R, mels, frames, 1].
            embeddings: {"train" and "validation": float32 [n, embedding_units]} of the images.
        """
        columns = {
            "embedding": embeddings["train"],
            "label": data.train.labels,
            "recording": data.train.recordings,
        }
        super().__init__(config, data, spectrograms, columns, [generator], discriminator)
        self._generator = generator
        self._validation = embeddings["validation"]
        self._generate = traced(
            lambda embedding, noise: generator(
                {"embedding": embedding, "noise": noise}, training=False
            ),
        )

    def replica_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Moves the discriminator, and then the generator; see `Stage`."""
        embedding = batch["embedding"]
        real = tf.gather(self.spectrograms, batch["recording"])
        wrong = self.draw_other_sounds(batch["label"], use=0)
        noise = self.draw_noise(tf.shape(embedding)[0], use=1)
        return matching_aware_step(self, self._generator, embedding, real, wrong, noise)

    def make(self, rows: slice, noise: np.ndarray) -> np.ndarray:
        """Returns spectrograms of held-out images; see `AdversarialStage`."""
        return self._generate(self._validation[rows], noise).numpy()


def matching_aware_step(
    stage: AdversarialStage,
    generator: keras.Model,
    embedding: tf.Tensor,
    real: tf.Tensor,
    wrong: tf.Tensor,
    noise: tf.Tensor,
) -> dict[str, tf.Tensor]:
    """Moves a discriminator that hears an embedding too, and then the generator (GAN-CLS).

    Args:
        stage: has the discriminator, and moves both.
        generator: of `build_generator`.
        embedding: float32 [batch, embedding_units].
        real: samples that belong to the embeddings.
        wrong: true samples of other words.
        noise: z, float32 [batch, noise_units].

    Returns:
        The figures of `AdversarialStage.update_both`.
    """
    what = generator.name.removesuffix("_generator")

    def make() -> tf.Tensor:
        return generator({"embedding": embedding, "noise": noise}, training=True)

    def judged(sample: tf.Tensor) -> tf.Tensor:
        return stage.discriminator({what: sample, "embedding": embedding}, training=True)

    fake = make()

    def of_discriminator() -> dict[str, tf.Tensor]:
        others = [judged(wrong), judged(fake)]
        return {"total": adversarial_losses.discriminator_loss(judged(real), others, stage.form)}

    def of_generator() -> dict[str, tf.Tensor]:
        return {"total": adversarial_losses.generator_loss(judged(make()), stage.form)}

    return stage.update_both(of_discriminator, of_generator)
