"""The training of DCMAVG's other half: images of sounds, apart from the half that speaks."""

from __future__ import annotations

import keras

from mtnet_tf.config import Config
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.data.pairs import AudioDescriptions
from mtnet_tf.models.adversarial import build_discriminator, build_generator
from mtnet_tf.models.dcmavg import build_sound_classifier
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.image import ImageStage
from mtnet_tf.training.stages.sound_classifier import SoundClassifierStage


def train_images_of_sounds(
    config: Config, data: AudioDescriptions, classifier: keras.Model, session: Session
) -> ImageStage:
    """Trains both stages, and returns the second one, which makes images of held-out sounds.

    Args:
        config: of the run of DCMAVG.
        data: the data set.
        classifier: the trained image classifier of DCMAVG, which says what the best images are.
        session: where it writes.

    Raises:
        InputError: as `loop.run_stage`.
    """
    spectrograms = LogMel(config).spectrograms(data.recordings.float_waveforms())
    keras.utils.set_random_seed(config.training.seed)
    sounds = build_sound_classifier(config)
    generator, discriminator = (
        build_generator(config, "image"),
        build_discriminator(config, "image"),
    )
    session.run_stage(SoundClassifierStage(sounds, config, data, spectrograms))
    embeddings = sounds(spectrograms, training=False)["embedding"].numpy()
    stage = ImageStage(generator, discriminator, classifier, config, data, embeddings)
    session.run_stage(stage)
    return stage
