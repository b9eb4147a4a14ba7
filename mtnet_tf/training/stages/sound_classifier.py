"""A stage of DCMAVG's half that makes images: a classifier of true spectrograms."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import losses as losses_lib
from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.training.stage import SupervisedStage, capped


class SoundClassifierStage(SupervisedStage):
    """Minimises the cross-entropy of the words of the recordings. It is as long as the inverter's.

    The training has each recording once, however often it is paired with an image.
    """

    name = "sound_classifier"

    def __init__(
        self, model: keras.Model, config: Config, data: AudioDescriptions, spectrograms: np.ndarray
    ) -> None:
        """Takes the recordings.

        Args:
            model: of `build_sound_classifier`.
            config: of the run.
            data: the data set.
            spectrograms: of the recordings, float32 [R, mels, frames, 1].
        """
        used, _ = data.used_recordings()
        columns = {"spectrogram": spectrograms[used], "label": data.recordings.labels[used]}
        stage = capped(config.training.inverter, len(used))
        super().__init__(model, stage, config.training, columns)

    def losses(self, batch: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """Returns the cross-entropy as "total", a scalar float32.

        Args:
            batch: rows of the columns.
            training: whether batch normalisation uses the batch's own statistics.
        """
        logits = self.model(batch["spectrogram"], training=training)["logits"]
        return {"total": losses_lib.perceptual_loss(batch["label"], logits)}

    def validate(self) -> dict[str, float]:
        """Returns "accuracy", of the recordings themselves: none is held out."""
        logits = self.model(self._columns["spectrogram"], training=False)["logits"].numpy()
        return {"accuracy": float(np.mean(logits.argmax(-1) == self._columns["label"]))}
