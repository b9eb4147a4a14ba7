"""The adversarial stages whose networks make spectrograms of images."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.data.augmentation import Augmentation
from mtnet_tf.data.by_word import ByWord
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.training.stage import NUM_PICTURES
from mtnet_tf.training.stages.adversarial import AdversarialStage


class SpectrogramStage(AdversarialStage):
    """An adversarial stage that makes spectrograms.

    A word is recognised by the nearest recording of those that the training split uses.

    Attributes:
        spectrograms: of the recordings, float32 [R, mels, frames, 1].
    """

    def __init__(
        self,
        config: Config,
        data: AudioDescriptions,
        spectrograms: np.ndarray,
        columns: dict[str, np.ndarray],
        generators: Sequence[keras.Model],
        discriminator: keras.Model,
        augmentation: Augmentation | None = None,
    ) -> None:
        """Puts the spectrograms of the recordings on the device.

        Args:
            config: of the run.
            data: the data set.
            spectrograms: of the recordings, float32 [R, mels, frames, 1].
            columns: as in `Stage`.
            generators: as in `AdversarialStage`.
            discriminator: as in `AdversarialStage`.
            augmentation: as in `Stage`.
        """
        super().__init__(config, data, columns, generators, discriminator, augmentation)
        self.spectrograms = tf.Variable(spectrograms, trainable=False)
        self._of_words = data.first_recordings()
        self._used = np.unique(data.train.recordings)
        self._used_labels = data.recordings.labels[self._used]
        self._by_word = ByWord(self._used_labels, len(data.words))

    def draw_other_sounds(self, labels: tf.Tensor, uses: tuple[int, int]) -> tf.Tensor:
        """Returns the spectrogram of a training recording of another word for each label.

        Args:
            labels: int32 [batch].
            uses: as in `draw_other_items`.
        """
        places = self.draw_other_items(self._by_word, labels, uses)
        return tf.gather(self.spectrograms, tf.gather(self._used, places))

    def recognize(self, made: np.ndarray) -> np.ndarray:
        """Returns the word of the training recording that each spectrogram is nearest to."""
        true = self.spectrograms.numpy()[self._used].reshape(len(self._used), -1)
        flat = made.reshape(len(made), -1)
        # |a - b|^2 but for |a|^2, which is the same for all recordings.
        nearest = np.argmin(np.square(true).sum(-1) - 2 * flat @ true.T, axis=-1)
        return self._used_labels[nearest]

    def distance_between_words(self) -> float:
        """Returns the mean absolute difference of the spectrograms of two words."""
        words = self._words()
        return float(np.abs(words - np.roll(words, 1, axis=0)).mean())

    def write_pictures(self, step: int) -> None:
        """Writes spectrograms of some held-out images, below the recordings of their words.

        Args:
            step: the step that TensorBoard shows them at.
        """
        count = min(NUM_PICTURES, len(self._labels))
        if not count:
            return
        made = self.make_all(count, self.validation_noise(count))
        true = self._words()[self._labels[:count]]
        pictures = (np.concatenate([true, made], axis=1)[:, ::-1] + 1) / 2
        tf.summary.image("spectrogram", pictures, step=step, max_outputs=NUM_PICTURES)

    def _words(self) -> np.ndarray:
        return self.spectrograms.numpy()[self._of_words]
