"""The adversarial systems at the size of `synthetic_data`."""

import keras
import numpy as np

from mtnet_tf import systems
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.models.adversarial import (
    MODALITIES,
    build_discriminator,
    build_encoder,
    build_generator,
    build_pair_discriminator,
)
from mtnet_tf.models.dcmavg import build_image_classifier
from mtnet_tf.training.stages.cmcgan import CmcganStage
from mtnet_tf.training.stages.dcmavg import DcmavgStage
from mtnet_tf.training.stages.image import ImageStage

SMALL = [
    "log_mel.num_mels=16",
    "log_mel.num_frames=16",
    "log_mel.fft_length=128",
    "adversarial.sound_channels=[4, 6]",
    "adversarial.image_channels=[4, 6]",
    "adversarial.embedding_units=5",
    "adversarial.noise_units=3",
    "spectrogram_inverter.channels=[4]",
    "spectrogram_inverter.hidden_units=[24]",
    "training.inverter.epochs=10",
    "training.adversarial.epochs=4",
    "training.adversarial.batch_size=6",
]
# With the epochs of the adversarial stage beside them, enough to learn four images by heart.
LEARNS_BY_HEART = [
    "adversarial.sound_channels=[16, 32]",
    "adversarial.image_channels=[16, 32]",
    "spectrogram_inverter.channels=[16]",
    "spectrogram_inverter.hidden_units=[64]",
    "batch_norm.momentum=0.9",
    "training.inverter.epochs=500",
    "training.discriminator_optimizer.learning_rate=0.0005",
    "training.adversarial.batch_size=4",
    "training.validations=0",
    "training.checkpoint_secs=1000",
    "training.log_steps=100",
    "loss.decay_weight=0",
    "loss.reconstruction_decay_weight=0",
]


def dcmavg_stage(config, data, pairs=None):
    """Returns the stage, its generator and its discriminator; the embeddings are random."""
    keras.utils.set_random_seed(0)
    network = systems.find("dcmavg").build(config)
    random = np.random.default_rng(0)
    embeddings = {
        name: random.uniform(-1, 1, (len(getattr(data, name)), 5)).astype(np.float32)
        for name in ("train", "validation")
    }
    spectrograms = LogMel(config).spectrograms(data.recordings.float_waveforms())
    discriminator = build_discriminator(config, "spectrogram")
    generator = network.get_layer("spectrogram_generator")
    stage = DcmavgStage(
        generator, discriminator, config, data, spectrograms, embeddings, pairs or data.train
    )
    return stage, generator, discriminator


def cmcgan_stage(config, data):
    """Returns the stage and its networks: encoders, decoders, the discriminator."""
    keras.utils.set_random_seed(0)
    encoders = {what: build_encoder(config, what) for what in MODALITIES}
    decoders = {what: build_generator(config, what) for what in MODALITIES}
    discriminator = build_pair_discriminator(config)
    spectrograms = LogMel(config).spectrograms(data.recordings.float_waveforms())
    stage = CmcganStage(encoders, decoders, discriminator, config, data, spectrograms)
    return stage, [*encoders.values(), *decoders.values(), discriminator]


def image_stage(config, data):
    """Returns the stage of DCMAVG's other half; the embeddings are random."""
    keras.utils.set_random_seed(0)
    embeddings = np.random.default_rng(0).uniform(-1, 1, (len(data.recordings), 5))
    return ImageStage(
        build_generator(config, "image"),
        build_discriminator(config, "image"),
        build_image_classifier(config),
        config,
        data,
        embeddings.astype(np.float32),
    )


def values_of(networks):
    """The trainable values of each network."""
    return [[v.numpy() for v in network.trainable_variables] for network in networks]


def assert_moved(networks, before, loss):
    """Asserts that the optimisers have moved every weight that can show it."""
    for network, old in zip(networks, before):
        # Spectral normalisation writes the kernels in every call, so there the biases tell, but for
        # the logit's: within the hinge's margin true and made pairs move it as far up as down.
        # Before a batch normalisation a bias cancels out, so there the other weights tell.
        biases_tell = loss == "hinge" and "discriminator" in network.name
        for variable, value in zip(network.trainable_variables, old):
            if ("bias" in variable.path) == biases_tell and "logit/bias" not in variable.path:
                assert (variable.numpy() != value).any(), variable.path
