"""The adversarial stage of CMCGAN: four ways between images and sounds, and ways there and back."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import adversarial_losses
from mtnet_tf.config import Config
from mtnet_tf.data.augmentation import Augmentation
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models.adversarial import MODALITIES
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.stages.image import as_samples
from mtnet_tf.training.stages.spectrogram import SpectrogramStage


class CmcganStage(SpectrogramStage):
    """One discriminator judges pairs; two encoders and two decoders are shared by all ways.

    A decoder takes the embedding that an encoder made of either modality, and a latent z.
    """

    def __init__(
        self,
        encoders: Mapping[str, keras.Model],
        decoders: Mapping[str, keras.Model],
        discriminator: keras.Model,
        config: Config,
        data: AudioDescriptions,
        spectrograms: np.ndarray,
    ) -> None:
        """Takes the networks.

        Args:
            encoders: {"image" and "spectrogram": of `build_encoder`}.
            decoders: {"image" and "spectrogram": of `build_generator`}.
            discriminator: of `build_pair_discriminator`.
            config: of the run.
            data: the data set.
            spectrograms: of the recordings, float32 [R, mels, frames, 1].
        """
        super().__init__(
            config,
            data,
            spectrograms,
            data.train.columns(),
            [*encoders.values(), *decoders.values()],
            discriminator,
            Augmentation(config, len(data.train)),
        )
        self._encoders, self._decoders = dict(encoders), dict(decoders)
        self._images = data.validation.images
        self._config = config.adversarial
        self._speak = traced(
            lambda image, noise: decoders["spectrogram"](
                {"embedding": encoders["image"](as_samples(image), training=False), "noise": noise},
                training=False,
            ),
        )

    def replica_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Moves the discriminator, and then K times all encoders and decoders; see `Stage`."""
        size = tf.shape(batch["label"])[0]
        real = {
            "image": as_samples(batch["image"]),
            "spectrogram": tf.gather(self.spectrograms, batch["recording"]),
        }
        noise = {modality: self.draw_noise(size, use) for use, modality in enumerate(MODALITIES)}
        # (r_v, w_a) and (w_v, r_a) are both a true image with a true sound of another word.
        mismatched = [self.draw_other_sounds(batch["label"], uses) for uses in ((2, 4), (3, 5))]

        def decoded(modality: str, embedding: tf.Tensor) -> tf.Tensor:
            inputs = {"embedding": embedding, "noise": noise[modality]}
            return self._decoders[modality](inputs, training=True)

        def encoded(modality: str, sample: tf.Tensor) -> tf.Tensor:
            return self._encoders[modality](sample, training=True)

        def judged(image: tf.Tensor, spectrogram: tf.Tensor) -> tf.Tensor:
            inputs = {"image": image, "spectrogram": spectrogram}
            return self.discriminator(inputs, training=True)

        def across(embeddings: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            """Returns the image of the sound and the sound of the image."""
            return {
                "image": decoded("image", embeddings["spectrogram"]),
                "spectrogram": decoded("spectrogram", embeddings["image"]),
            }

        def both_fakes(fake: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
            return [
                judged(real["image"], fake["spectrogram"]),
                judged(fake["image"], real["spectrogram"]),
            ]

        made = across({modality: encoded(modality, real[modality]) for modality in MODALITIES})

        def of_discriminator() -> dict[str, tf.Tensor]:
            others = [judged(real["image"], sound) for sound in mismatched]
            loss = adversarial_losses.discriminator_loss(
                judged(**real),
                others,
                both_fakes(made),
                self._config.loss,
                self._config.mismatched_weight,
            )
            return {"total": loss}

        def of_others() -> dict[str, tf.Tensor]:
            embeddings = {modality: encoded(modality, real[modality]) for modality in MODALITIES}
            fake = across(embeddings)
            adversarial = tf.add_n(
                [adversarial_losses.generator_loss(x, self._config.loss) for x in both_fakes(fake)]
            )
            # What stayed in its own modality, V -> V and A -> A, goes across after that.
            stayed = {modality: decoded(modality, embeddings[modality]) for modality in MODALITIES}
            cycles = []
            for modality, other in (MODALITIES, MODALITIES[::-1]):
                for sample in (fake[other], stayed[other]):
                    again = decoded(modality, encoded(other, sample))
                    cycles.append(adversarial_losses.consistency_loss(real[modality], again))
            consistency = tf.add_n(cycles)
            total = adversarial + self._config.consistency_weight * consistency
            return {"adversarial": adversarial, "consistency": consistency, "total": total}

        return self.update_both(of_discriminator, of_others)

    def make(self, rows: slice, noise: np.ndarray) -> np.ndarray:
        """Returns spectrograms of held-out images; see `AdversarialStage`."""
        return self._speak(self._images[rows], noise).numpy()
