"""One full-size training step of each stage of the presets that are meant for a GPU.

It runs on whatever device is here.
"""

import dataclasses

import keras
import numpy as np
import pytest

from mtnet_tf.config import preset
from mtnet_tf.data.pairs import AudioDescriptions, Pairs, Recordings
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.training.stages.autoencoder import AutoencoderStage
from mtnet_tf.training.stages.joint import JointStage


@pytest.fixture(scope="module", params=["paper", "released"])
def config(request):
    config = preset(request.param)
    joint = dataclasses.replace(config.training.joint, batch_size=2)
    return dataclasses.replace(config, training=dataclasses.replace(config.training, joint=joint))


@pytest.fixture(scope="module")
def data(config):
    random = np.random.default_rng(0)
    pairs = Pairs(
        random.integers(0, 256, (4, *config.data.image_shape)).astype(np.uint8),
        np.array([0, 1, 1, 0], np.int32),
        np.array([0, 1, 1, 0], np.int32),
        np.zeros(4, np.int32),
        np.array(list("abcd")),
    )
    length = config.data.audio_length
    waveforms = (8000 * random.normal(size=(2, length))).clip(-32767, 32767).astype(np.int16)
    recordings = Recordings(("a/x_0", "b/x_0"), np.array([0, 1], np.int32), waveforms)
    return AudioDescriptions(
        "synthetic", pairs, pairs.take([]), pairs, recordings, ("a", "b"), ("x",), {}
    )


def step_changes_every_weight(stage):
    """Takes a step, which must change each weight and have finite losses; returns their names."""
    weights = stage.model.trainable_weights
    before = [weight.numpy() for weight in weights]
    losses = stage.train_step(next(iter(stage.batches(0))))
    assert all(np.isfinite(float(value)) for value in losses.values()), losses
    same = [w.path for w, old in zip(weights, before) if np.array_equal(w.numpy(), old)]
    assert not same
    return set(losses)


@pytest.mark.slow
def test_joint_step_at_full_size(config, data, cheap_weights):
    features = np.tanh(np.random.default_rng(1).normal(size=(2, 1024))).astype(np.float32)
    keras.utils.set_random_seed(0)
    names = step_changes_every_weight(JointStage(build_mtnet(config), config, data, features))
    assert names >= {"perceptual", "representation", "generation", "total", "gradient_norm"}


@pytest.mark.slow
def test_autoencoder_step_at_full_size(config, data, cheap_weights):
    keras.utils.set_random_seed(0)
    model = build_audio_autoencoder(config)
    names = step_changes_every_weight(AutoencoderStage(model, config, data))
    assert names >= {"reconstruction", "total", "gradient_norm"}
