"""A stage of DCMAVG: an image classifier, one of whose layers is the embedding of the image."""

from __future__ import annotations

import dataclasses

import keras
import tensorflow as tf

from mtnet_tf import losses as losses_lib
from mtnet_tf.config import Config
from mtnet_tf.data.augmentation import Augmentation
from mtnet_tf.data.batches import in_order_batches
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models.tracing import traced
from mtnet_tf.training.stage import SupervisedStage


class ClassifierStage(SupervisedStage):
    """Minimises Eq. 4. It is as long as stage 2 of MT-Net, with the optimiser of its image side."""

    name = "classifier"

    def __init__(self, model: keras.Model, config: Config, data: AudioDescriptions) -> None:
        """Builds the optimiser.

        Args:
            model: of `build_image_classifier`.
            config: of the run.
            data: the data set.
        """
        stage = config.training.joint
        if config.training.image_encoder_optimizer is not None:
            stage = dataclasses.replace(stage, optimizer=config.training.image_encoder_optimizer)
        super().__init__(
            model,
            stage,
            config.training,
            data.train.columns(),
            Augmentation(config, len(data.train)),
        )
        self._loss_config, self._data = config.loss, data
        self._logits = traced(
            lambda image: self.model({"image": image}, training=False)["logits"],
        )

    def losses(self, batch: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """Returns Eq. 4, the decay and their weighted "total", each a scalar float32.

        Args:
            batch: the columns of `Pairs.columns`.
            training: whether batch normalisation uses the batch's own statistics.
        """
        config = self._loss_config
        logits = self.model({"image": batch["image"]}, training=training)["logits"]
        loss = losses_lib.perceptual_loss(
            batch["label"], logits, config.perceptual, config.label_smoothing
        )
        decay = losses_lib.weight_decay(self.model.trainable_variables)
        total = config.perceptual_weight * loss + config.decay_weight * decay
        return {"perceptual": loss, "decay": decay, "total": total}

    def validate(self) -> dict[str, float]:
        """Returns "validation_accuracy", the share of images whose word is the likeliest."""
        pairs = self._data.validation
        if not len(pairs):
            return {}
        hits = 0
        for batch in in_order_batches(pairs, self.batch_size):
            predicted = tf.argmax(self._logits(batch["image"]), axis=-1, output_type=tf.int32)
            hits += int(tf.reduce_sum(tf.cast(predicted == batch["label"], tf.int32)))
        return {"validation_accuracy": hits / len(pairs)}
