"""The adversarial stage of DCMAVG: spectrograms from the embeddings of images."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.training.stages.matching_aware import MatchingAwareGan
from mtnet_tf.training.stages.spectrogram import SpectrogramStage


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
        pairs: Pairs,
    ) -> None:
        """Takes the embeddings.

        Args:
            generator: of `build_generator`.
            discriminator: of `build_discriminator`.
            config: of the run.
            data: the data set.
            spectrograms: of the recordings, float32 [R, mels, frames, 1].
            embeddings: {"train" and "validation": float32 [n, embedding_units]} of the images.
            pairs: of the training images, with the words and recordings that are learned.
        """
        columns = {
            "embedding": embeddings["train"],
            "label": pairs.labels,
            "recording": pairs.recordings,
        }
        super().__init__(config, data, spectrograms, columns, [generator], discriminator)
        self._gan = MatchingAwareGan("spectrogram", generator, discriminator, config.adversarial)
        self._validation = embeddings["validation"]

    def replica_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Moves the discriminator, and then the generator; see `Stage`."""
        embedding = batch["embedding"]
        real = tf.gather(self.spectrograms, batch["recording"])
        wrong = self.draw_other_sounds(batch["label"], uses=(0, 2))
        noise = self.draw_noise(tf.shape(embedding)[0], use=1)
        return self.update_both(*self._gan.losses(embedding, real, wrong, noise))

    def make(self, rows: slice, noise: np.ndarray) -> np.ndarray:
        """Returns spectrograms of held-out images; see `AdversarialStage`."""
        return self._gan.generate(self._validation[rows], noise).numpy()
