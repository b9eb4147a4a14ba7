"""The adversarial stage of DCMAVG: spectrograms from the embeddings of images."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import adversarial_losses
from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.training.adversarial_stage import AdversarialStage


class DcmavgStage(AdversarialStage):
    """Each step moves the discriminator, and then the generator, on one batch of embeddings."""

    name = "adversarial"

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
        self._generate = tf.function(
            lambda embedding, noise: generator(
                {"embedding": embedding, "noise": noise}, training=False
            ),
            reduce_retracing=True,
        )

    def replica_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Moves the discriminator, and then the generator; see `Stage`."""
        embedding = batch["embedding"]
        real = tf.gather(self.spectrograms, batch["recording"])
        wrong = tf.gather(self.spectrograms, self.draw_other_words(batch["label"], use=0))
        noise = self.draw_noise(tf.shape(embedding)[0], use=1)

        def make() -> tf.Tensor:
            return self._generator({"embedding": embedding, "noise": noise}, training=True)

        def judged(spectrogram: tf.Tensor) -> tf.Tensor:
            inputs = {"spectrogram": spectrogram, "embedding": embedding}
            return self.discriminator(inputs, training=True)

        fake = make()

        def of_discriminator() -> dict[str, tf.Tensor]:
            others = [judged(wrong), judged(fake)]
            return {"total": adversarial_losses.discriminator_loss(judged(real), others, self.form)}

        def of_generator() -> dict[str, tf.Tensor]:
            return {"total": adversarial_losses.generator_loss(judged(make()), self.form)}

        return self.update_both(of_discriminator, of_generator)

    def make_spectrograms(self, rows: slice, noise: np.ndarray) -> np.ndarray:
        """Returns spectrograms of held-out images; see `AdversarialStage`."""
        return self._generate(self._validation[rows], noise).numpy()
