"""Stage 2 (Algorithm 1, lines 4-7): the joint training.

It trains the image encoder, the cross-modal mapper and the audio generator together.
"""

from __future__ import annotations

import logging

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import losses as losses_lib
from mtnet_tf.config import Config
from mtnet_tf.data.augmentation import Augmentation
from mtnet_tf.data.batches import in_order_batches
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.models.mtnet import SPEECH_SIDE
from mtnet_tf.models.tracing import traced
from mtnet_tf.training import diagnosis
from mtnet_tf.training.stage import NUM_PICTURES, SupervisedStage, image_side

_logger = logging.getLogger(__name__)
# Phi may be as saturated as the audio features that it should resemble, and somewhat more.
_SATURATION, _MORE_THAN_AUDIO = 0.5, 0.1


class JointStage(SupervisedStage):
    """Minimises Eq. 11.

    The waveforms and the audio features of the distinct recordings lie on the device, and a batch
    names its recordings by number. So a step copies no sound to the device.
    """

    name = "joint"

    def __init__(
        self,
        model: keras.Model,
        config: Config,
        data: AudioDescriptions,
        audio_features: np.ndarray | None,
    ) -> None:
        """Puts the recordings on the device.

        Args:
            model: of `build_mtnet`.
            config: of the run.
            data: the data set.
            audio_features: Phi^A, float32 [R, features]; None without the representation loss.
        """
        speech_side = [layer.name for layer in model.layers if layer.name in SPEECH_SIDE]
        super().__init__(
            model,
            config.training.joint,
            config.training,
            data.train.columns(),
            Augmentation(config, len(data.train)),
            image_side(model, speech_side, config.training),
        )
        self._config = config
        self._data = data
        self._eval_step = traced(self._losses_and_outputs_at_test)
        # Variables: each replica has its own copy. float32, because no GPU kernel gathers int16.
        self._waveforms = tf.Variable(data.recordings.float_waveforms(), trainable=False)
        self._names_words = config.loss.generation_target == "softmax_word"
        if self._names_words:
            self._heard_by_voice = tf.constant(data.heard_by_voice(), tf.int32)
        self._audio_features = (
            None if audio_features is None else tf.Variable(audio_features, trainable=False)
        )
        self._audio_saturation = (
            0.0 if audio_features is None else diagnosis.saturation(audio_features)
        )

    def learning_rates(self) -> dict[str, float]:
        """Returns the rate of the next step, and that of the image encoder where it has its own."""
        names = ("learning_rate", "learning_rate_image_encoder")
        return dict(zip(names, self.update.learning_rates()))

    def _targets(self, batch: dict[str, tf.Tensor], recordings: tf.Tensor) -> dict[str, tf.Tensor]:
        targets = {"label": batch["label"], "audio": tf.gather(self._waveforms, recordings)}
        if self._audio_features is not None:
            targets["audio_feature"] = tf.gather(self._audio_features, batch["recording"])
        return targets

    def _named_recordings(
        self, batch: dict[str, tf.Tensor], outputs: dict[str, tf.Tensor]
    ) -> tf.Tensor:
        """Returns int32 [batch], recordings by the pair's voice of the words that softmax names.

        Asked for these, the generator has one answer for each image feature. Asked for the true
        words it has several where the image encoder is unsure, and learns their mean. Where the
        voice was never heard to say the word, it is the pair's own recording.
        """
        words = tf.argmax(outputs["logits"], axis=-1, output_type=tf.int32)
        places = tf.stack([batch["voice"], words], axis=1)
        others = tf.gather_nd(self._heard_by_voice, places)
        own = (words == batch["label"]) | (others < 0)
        return tf.where(own, batch["recording"], others)

    def _losses_and_outputs(
        self, batch: dict[str, tf.Tensor], training: bool
    ) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        outputs = self.model(named_inputs(self.model, batch), training=training)
        recordings = batch["recording"]
        if training and self._names_words:
            recordings = self._named_recordings(batch, outputs)
        targets = self._targets(batch, recordings)
        if self._config.loss.audio_feature_weight is not None:
            generator = self.model.get_layer("audio_generator")
            features = tf.gather(self._audio_features, recordings)
            spoken = generator(features, training=training)
            outputs = {**outputs, "audio_feature_waveform": spoken}
        losses = losses_lib.joint_loss(
            self._config.loss, targets, outputs, self.model.trainable_variables
        )
        return losses, outputs

    def losses(self, batch: dict[str, tf.Tensor], training: bool) -> dict[str, tf.Tensor]:
        """Returns the terms of Eq. 11 and their "total", each a scalar float32.

        Args:
            batch: the columns of `Pairs.columns`.
            training: whether dropout is on and batch normalisation uses the batch's statistics.
        """
        return self._losses_and_outputs(batch, training)[0]

    def _losses_and_outputs_at_test(
        self, batch: dict[str, tf.Tensor]
    ) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Returns the losses, with the accuracy where there is a softmax head, and phi."""
        losses, outputs = self._losses_and_outputs(batch, training=False)
        if "logits" in outputs:
            hits = tf.argmax(outputs["logits"], axis=-1, output_type=tf.int32) == batch["label"]
            losses["accuracy"] = tf.reduce_mean(tf.cast(hits, tf.float32))
        return losses, outputs["cross_modal_representation"]

    def validate(self) -> dict[str, float]:
        """Returns figures over the validation split.

        It warns where phi is more saturated than the audio features that it should resemble.

        Returns:
            {"validation_<name>": figure}; {} where the split is empty. The losses are what a batch
            of training size has on average. `accuracy` is that of the softmax head,
            `phi_saturation` the share of phi's values near -1 or 1, and `phi_nearest_cosine` the
            largest cosine of the mean phi of two words.
        """
        pairs, phi, sums = self._data.validation, [], {}
        if not len(pairs):
            return {}
        summed = losses_lib.summed_over_batch(self._config.loss)
        for batch in in_order_batches(pairs, self.batch_size):
            losses, representation = self._eval_step(batch)
            for name, value in losses.items():
                # A mean is weighed by the examples of its batch. A sum over the batch has that
                # weight already, and is scaled to a batch of training size.
                weight = self.batch_size if name in summed else len(batch["label"])
                sums[name] = sums.get(name, 0.0) + float(value) * weight
            phi.append(representation.numpy())
        figures = {name: value / len(pairs) for name, value in sums.items()}
        weights = losses_lib.joint_weights(self._config.loss)
        figures["total"] = sum(weight * figures[name] for name, weight in weights.items())
        figures |= self._diagnose(np.concatenate(phi), pairs.labels)
        return {f"validation_{name}": value for name, value in figures.items()}

    def _diagnose(self, phi: np.ndarray, labels: np.ndarray) -> dict[str, float]:
        saturation = diagnosis.saturation(phi)
        of_audio = self._audio_saturation
        if saturation > max(_SATURATION, of_audio + _MORE_THAN_AUDIO):
            _logger.warning(
                "%.0f %% of phi is saturated (the audio features: %.0f %%): hardly any gradient"
                " passes it. Lower training.joint.optimizer.learning_rate, or set"
                " training.joint.optimizer.clip_norm.",
                100 * saturation,
                100 * of_audio,
            )
        means = {
            self._data.words[label]: phi[labels == label].mean(0) for label in np.unique(labels)
        }
        cosine, _ = diagnosis.nearest_words(np.stack(list(means.values())), list(means))
        figures = {"phi_saturation": saturation, "phi_nearest_cosine": cosine}
        return {name: value for name, value in figures.items() if value is not None}

    def write_pictures(self, step: int) -> None:
        """Writes some images, with their true and generated sounds and spectrograms.

        Args:
            step: the step that TensorBoard shows them at.
        """
        pairs = self._data.validation if len(self._data.validation) else self._data.train
        pairs = pairs.take(slice(NUM_PICTURES))
        waveforms = self.model(named_inputs(self.model, pairs.inputs()), training=False)[
            "waveform"
        ].numpy()
        true = self._data.recordings.float_waveforms()[pairs.recordings]
        rate = self._config.data.sample_rate
        tf.summary.image("image", pairs.images, step=step, max_outputs=NUM_PICTURES)
        for name, audio in (("true", true), ("generated", waveforms)):
            tf.summary.audio(
                f"waveform/{name}", audio[..., None], rate, step=step, max_outputs=NUM_PICTURES
            )
            # Padded: a sound of fewer than 512 samples would have no frame, and no picture.
            magnitude = tf.abs(tf.signal.stft(audio, 512, 128, pad_end=True))
            decibels = tf.transpose(tf.math.log(magnitude + 1e-3), [0, 2, 1])[:, ::-1]
            low, high = tf.reduce_min(decibels), tf.reduce_max(decibels)
            picture = ((decibels - low) / (high - low + 1e-6))[..., None]
            tf.summary.image(f"spectrogram/{name}", picture, step=step, max_outputs=NUM_PICTURES)
