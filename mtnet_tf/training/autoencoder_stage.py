"""Stage 1 (Algorithm 1, lines 1-3): the audio autoencoder, trained on the distinct recordings."""

import dataclasses

import keras
import numpy as np

from mtnet_tf import losses as losses_lib
from mtnet_tf.config import Config
from mtnet_tf.data import AudioDescriptions
from mtnet_tf.training.stage import Stage


class AutoencoderStage(Stage):
    """Minimises Eq. 6 over the recordings of the training split, each weighted by how often it is paired.

    The loss over all pairs is the same sum, with many equal terms; an epoch here is one pass over the distinct
    recordings.
    """

    name = "autoencoder"

    def __init__(self, model: keras.Model, config: Config, data: AudioDescriptions):
        uses = np.bincount(data.train.recordings, minlength=len(data.recordings))
        (used,) = np.nonzero(uses)
        columns = {
            "audio": data.recordings.float_waveforms()[used],
            "weight": (uses[used] / uses[used].mean()).astype(np.float32),
        }
        stage_config = config.training.autoencoder
        batch_size = min(stage_config.batch_size, len(used))
        stage_config = dataclasses.replace(stage_config, batch_size=batch_size)
        super().__init__(model, stage_config, config.training, columns)
        self._loss_config = config.loss

    def losses(self, batch, training):
        outputs = self.model(batch["audio"], training=training)
        return losses_lib.autoencoder_loss(
            self._loss_config,
            batch["audio"],
            outputs["reconstruction"],
            batch["weight"],
            self.model.trainable_variables,
        )


def compute_audio_features(model: keras.Model, audio: np.ndarray) -> np.ndarray:
    """Returns the audio feature set (line 3): float32 [R, features] of recordings float32 [R, L_s]."""
    return np.concatenate(
        [
            model(audio[i : i + 100], training=False)["audio_feature"].numpy()
            for i in range(0, len(audio), 100)
        ]
    )
