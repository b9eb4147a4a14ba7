"""The one stage of I2T2A: image encoder and text decoder learn the words."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import Config
from mtnet_tf.data.augmentation import Augmentation
from mtnet_tf.data.batches import in_order_batches
from mtnet_tf.data.pairs import AudioDescriptions, DataError
from mtnet_tf.losses import letter_loss, weight_decay
from mtnet_tf.models.i2t2a import DECODER
from mtnet_tf.models.tracing import traced
from mtnet_tf.speech import letters as letters_lib
from mtnet_tf.training.stage import SupervisedStage, image_side


class TextStage(SupervisedStage):
    """Minimises the cross-entropy of the letters, each after the true ones before it."""

    name = "text"

    def __init__(self, model: keras.Model, config: Config, data: AudioDescriptions) -> None:
        """Puts the words on the device.

        Args:
            model: of `build_i2t2a`.
            config: of the run. The stage is as long as stage 2 of MT-Net, with its optimisers.
            data: the data set.

        Raises:
            DataError: a word is too long for the decoder, or has other letters than it knows.
        """
        super().__init__(
            model,
            config.training.joint,
            config.training,
            data.train.columns(),
            Augmentation(config, len(data.train)),
            image_side(model, [DECODER], config.training),
        )
        self._data, self._loss_config = data, config.loss
        self._reader = keras.Model(model.input, model.output["image_feature"])
        self._decoder = model.get_layer(DECODER)
        try:
            words = letters_lib.encode(data.words, config.text_decoder.num_steps)
        except ValueError as error:
            raise DataError(f"{data.name} has a word that cannot be written: {error}") from error
        self._words = tf.Variable(words, trainable=False)
        self._read = traced(
            lambda image: self._decoder(self._reader({"image": image}, training=False)),
        )

    def losses(self, batch: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """Returns the letter loss, the decay and their weighted "total", each a scalar float32.

        Args:
            batch: the columns of `Pairs.columns`.
            training: whether batch normalisation uses the batch's statistics.
        """
        letters = tf.gather(self._words, batch["label"])
        feature = self._reader({"image": batch["image"]}, training=training)
        loss = letter_loss(letters, self._decoder(feature, letters), self._loss_config.letters)
        decay = weight_decay(self.model.trainable_variables)
        total = loss + self._loss_config.decay_weight * decay
        return {"letters": loss, "decay": decay, "total": total}

    def validate(self) -> dict[str, float]:
        """Returns "validation_text_accuracy", the share of words that are right in every letter."""
        pairs = self._data.validation
        if not len(pairs):
            return {}
        words = np.array(self._data.words)
        right = 0
        for batch in in_order_batches(pairs, self.batch_size):
            read = letters_lib.decode(np.argmax(self._read(batch["image"]), axis=-1))
            right += np.sum(words[batch["label"]] == read)
        return {"validation_text_accuracy": float(right / len(pairs))}
