"""The generator and the matching-aware discriminator of both halves of DCMAVG (GAN-CLS)."""

from __future__ import annotations

import keras
import tensorflow as tf

from mtnet_tf import adversarial_losses
from mtnet_tf.config.networks import AdversarialConfig
from mtnet_tf.models.adversarial import Modality
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.stages.adversarial import Losses


class MatchingAwareGan:
    """A generator that is given an embedding, and a discriminator that is given it too.

    Attributes:
        generate: (embedding, noise) -> samples at test time, as a graph.
    """

    def __init__(
        self,
        modality: Modality,
        generator: keras.Model,
        discriminator: keras.Model,
        config: AdversarialConfig,
    ) -> None:
        """Takes the networks.

        Args:
            modality: what the generator makes and the discriminator judges.
            generator: of `build_generator`.
            discriminator: of `build_discriminator`.
            config: of the adversarial loss.
        """
        self._modality, self._config = modality, config
        self._generator, self._discriminator = generator, discriminator
        self.generate = traced(
            lambda embedding, noise: self._make(embedding, noise, training=False)
        )

    def losses(
        self, embedding: tf.Tensor, real: tf.Tensor, wrong: tf.Tensor, noise: tf.Tensor
    ) -> tuple[Losses, Losses]:
        """Returns the losses of the discriminator and of the generator in one step.

        Args:
            embedding: float32 [batch, embedding_units].
            real: samples that belong to the embeddings.
            wrong: true samples of other words.
            noise: z, float32 [batch, noise_units].

        Returns:
            The arguments of `AdversarialStage.update_both`.
        """

        def make() -> tf.Tensor:
            return self._make(embedding, noise, training=True)

        def judged(sample: tf.Tensor) -> tf.Tensor:
            inputs = {self._modality: sample, "embedding": embedding}
            return self._discriminator(inputs, training=True)

        fake = make()

        def of_discriminator() -> dict[str, tf.Tensor]:
            loss = adversarial_losses.discriminator_loss(
                judged(real),
                [judged(wrong)],
                [judged(fake)],
                self._config.loss,
                self._config.mismatched_weight,
            )
            return {"total": loss}

        def of_generator() -> dict[str, tf.Tensor]:
            return {"total": adversarial_losses.generator_loss(judged(make()), self._config.loss)}

        return of_discriminator, of_generator

    def _make(self, embedding: tf.Tensor, noise: tf.Tensor, training: bool) -> tf.Tensor:
        return self._generator({"embedding": embedding, "noise": noise}, training=training)
