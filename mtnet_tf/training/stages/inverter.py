"""A stage of DCMAVG and CMCGAN: a network learns to make waveforms of true spectrograms."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import losses as losses_lib
from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.training.stage import SupervisedStage, capped


class InverterStage(SupervisedStage):
    """Minimises Eq. 6 between the waveforms of spectrograms and the recordings themselves.

    It goes over the recordings that the training split uses, each weighted by its uses.
    """

    name = "inverter"

    def __init__(
        self, model: keras.Model, config: Config, data: AudioDescriptions, spectrograms: np.ndarray
    ) -> None:
        """Takes the recordings.

        Args:
            model: of `build_spectrogram_inverter`.
            config: of the run.
            data: the data set.
            spectrograms: of the recordings, float32 [R, mels, frames, 1].
        """
        used, weights = data.used_recordings()
        columns = {
            "spectrogram": spectrograms[used],
            "audio": data.recordings.float_waveforms()[used],
            "weight": weights,
        }
        stage = capped(config.training.inverter, len(used))
        super().__init__(model, stage, config.training, columns)
        self._loss_config = config.loss

    def losses(self, batch: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """Returns the terms of Eq. 6 and their "total", each a scalar float32.

        Args:
            batch: rows of the columns.
            training: whether batch normalisation uses the batch's own statistics.
        """
        return losses_lib.autoencoder_loss(
            self._loss_config,
            batch["audio"],
            self.model(batch["spectrogram"], training=training),
            batch["weight"],
            self.model.trainable_variables,
        )
