"""Stage 2 (Algorithm 1, lines 4-7): image encoder, cross-modal mapper and audio generator, trained jointly."""

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf import losses as losses_lib
from mtnet_tf.config import Config
from mtnet_tf.data import AudioDescriptions, in_order_batches
from mtnet_tf.training.stage import Stage

_NUM_PICTURES = 4


class JointStage(Stage):
    """Minimises Eq. 11. Waveforms and audio features of the distinct recordings lie on the device; a batch names them."""

    name = "joint"

    def __init__(
        self,
        model: keras.Model,
        config: Config,
        data: AudioDescriptions,
        audio_features: np.ndarray | None,
    ):
        super().__init__(model, config.training.joint, config.training, data.train.columns())
        self._config = config
        self._data = data
        self._eval_step = tf.function(self._losses_and_accuracy, reduce_retracing=True)
        # Variables: each replica has its own copy. float32, because no GPU kernel gathers int16.
        self._waveforms = tf.Variable(data.recordings.float_waveforms(), trainable=False)
        self._audio_features = (
            None if audio_features is None else tf.Variable(audio_features, trainable=False)
        )

    def _targets(self, batch):
        targets = {
            "label": batch["label"],
            "audio": tf.gather(self._waveforms, batch["recording"]),
        }
        if self._audio_features is not None:
            targets["audio_feature"] = tf.gather(self._audio_features, batch["recording"])
        return targets

    def _losses_and_outputs(self, batch, training):
        outputs = self.model(batch["image"], training=training)
        losses = losses_lib.joint_loss(
            self._config.loss, self._targets(batch), outputs, self.model.trainable_variables
        )
        return losses, outputs

    def losses(self, batch, training):
        return self._losses_and_outputs(batch, training)[0]

    def _losses_and_accuracy(self, batch):
        losses, outputs = self._losses_and_outputs(batch, training=False)
        if "logits" in outputs:
            hits = tf.argmax(outputs["logits"], axis=-1, output_type=tf.int32) == batch["label"]
            losses["accuracy"] = tf.reduce_mean(tf.cast(hits, tf.float32))
        return losses

    def validate(self):
        """Returns the mean losses and the softmax head's accuracy over the validation split."""
        sums, count = {}, 0
        for batch in in_order_batches(self._data.validation, self.batch_size):
            size = len(batch["label"])
            for name, value in self._eval_step(batch).items():
                sums[name] = sums.get(name, 0.0) + float(value) * size
            count += size
        return {f"validation_{name}": value / count for name, value in sums.items()}

    def write_pictures(self, step):
        pairs = self._data.validation if len(self._data.validation) else self._data.train
        pairs = pairs.take(np.arange(min(_NUM_PICTURES, len(pairs))))
        waveforms = self.model(pairs.images, training=False)["waveform"].numpy()
        true = self._data.recordings.float_waveforms()[pairs.recordings]
        rate = self._config.data.sample_rate
        tf.summary.image("image", pairs.images, step=step, max_outputs=_NUM_PICTURES)
        for name, audio in (("true", true), ("generated", waveforms)):
            tf.summary.audio(
                f"waveform/{name}", audio[..., None], rate, step=step, max_outputs=_NUM_PICTURES
            )
            magnitude = tf.abs(tf.signal.stft(audio, 512, 128))
            decibels = tf.transpose(tf.math.log(magnitude + 1e-3), [0, 2, 1])[:, ::-1]
            low, high = tf.reduce_min(decibels), tf.reduce_max(decibels)
            picture = ((decibels - low) / (high - low + 1e-6))[..., None]
            tf.summary.image(f"spectrogram/{name}", picture, step=step, max_outputs=_NUM_PICTURES)
