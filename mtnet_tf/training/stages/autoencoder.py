"""Stage 1 (Algorithm 1, lines 1-3): the audio autoencoder, trained on the distinct recordings."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import losses as losses_lib
from mtnet_tf.config import Config
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.data.slices import slices
from mtnet_tf.training.diagnosis import FeatureDiagnosis, diagnose_features
from mtnet_tf.training.stage import SupervisedStage, capped

_BATCH_SIZE = 100  # of what is not trained on


class AutoencoderStage(SupervisedStage):
    """Minimises Eq. 6 over the recordings of the training split.

    Each recording is weighted by how often it is paired with an image: the loss over all pairs is
    the same sum, with many equal terms. A batch holds distinct recordings, and all of them where
    there are fewer than its size. An epoch is one pass over the recordings. With
    `TrainingConfig.autoencoder_epoch` "pairs" it is as many updates as one pass over the pairs
    takes, which is what the published scripts do.
    """

    name = "autoencoder"

    def __init__(self, model: keras.Model, config: Config, data: AudioDescriptions) -> None:
        """Counts how often each recording is used, and the steps of the stage.

        Args:
            model: of `build_audio_autoencoder`.
            config: of the run.
            data: the data set. Recordings that its training split does not use are left out.
        """
        used, weights = data.used_recordings()
        self._words = [data.words[label] for label in data.recordings.labels[used]]
        columns = {"audio": data.recordings.float_waveforms()[used], "weight": weights}
        of_pairs = config.training.autoencoder
        stage = capped(of_pairs, len(used))
        if config.training.autoencoder_epoch == "pairs":
            updates = of_pairs.epochs * len(data.train) / of_pairs.batch_size
            stage = dataclasses.replace(stage, epochs=updates * stage.batch_size / len(used))
        super().__init__(model, stage, config.training, columns)
        self._loss_config = config.loss

    def losses(self, batch: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """Returns the terms of Eq. 6 and their "total", each a scalar float32.

        Args:
            batch: {"audio": float32 [batch, L_s], "weight": float32 [batch]}.
            training: whether batch normalisation uses the batch's own statistics.
        """
        outputs = self.model(batch["audio"], training=training)
        return losses_lib.autoencoder_loss(
            self._loss_config,
            batch["audio"],
            outputs["reconstruction"],
            batch["weight"],
            self.model.trainable_variables,
        )

    def diagnose(self) -> FeatureDiagnosis:
        """Returns what the stage has learned so far of the recordings it is trained on."""
        audio = self._columns["audio"]
        outputs = _apply(self.model, audio)
        return diagnose_features(
            audio, outputs["reconstruction"], outputs["audio_feature"], self._words
        )

    def validate(self) -> dict[str, float]:
        """Returns the figures of the diagnosis: nothing is held out from stage 1."""
        return self.diagnose().figures()


def compute_audio_features(model: keras.Model, audio: np.ndarray) -> np.ndarray:
    """Returns the audio feature set Phi^A (Algorithm 1, line 3): float32 [R, features].

    Args:
        model: the trained autoencoder.
        audio: the recordings, float32 [R, L_s].
    """
    return _apply(model, audio)["audio_feature"]


def _apply(model: keras.Model, audio: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the outputs of the autoencoder at test time, as arrays."""
    batches = [model(audio[rows], training=False) for rows in slices(len(audio), _BATCH_SIZE)]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
