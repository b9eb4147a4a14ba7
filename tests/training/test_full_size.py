"""One training step of the presets that are meant for a GPU, at full size, on whatever is here."""

import dataclasses

import keras
import numpy as np
import pytest

from mtnet_tf.data import AudioDescriptions, Pairs, Recordings
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.presets import preset
from mtnet_tf.training.joint_stage import JointStage


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "released"])
def test_joint_step_at_full_size(name):
    config = preset(name)
    joint = dataclasses.replace(config.training.joint, batch_size=2)
    config = dataclasses.replace(config, training=dataclasses.replace(config.training, joint=joint))
    random = np.random.default_rng(0)
    pairs = Pairs(
        random.integers(0, 256, (4, *config.data.image_shape)).astype(np.uint8),
        np.array([0, 1, 1, 0], np.int32),
        np.array([0, 1, 1, 0], np.int32),
        np.array(list("abcd")),
    )
    length = config.data.audio_length
    waveforms = (8000 * random.normal(size=(2, length))).clip(-32767, 32767).astype(np.int16)
    recordings = Recordings(("a/x_0", "b/x_0"), np.array([0, 1], np.int32), waveforms)
    data = AudioDescriptions("synthetic", pairs, pairs.take([]), pairs, recordings, ("a", "b"), {})
    features = np.tanh(random.normal(size=(2, 1024))).astype(np.float32)
    keras.utils.set_random_seed(0)
    model = build_mtnet(config)
    before = [weight.numpy() for weight in model.trainable_weights]
    stage = JointStage(model, config, data, features)
    batch = next(iter(stage.batches(0)))
    losses = {name: float(value) for name, value in stage.train_step(batch).items()}
    assert all(np.isfinite(value) for value in losses.values()), losses
    assert set(losses) >= {"perceptual", "representation", "generation", "total"}
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.trainable_weights)]
    assert (
        np.mean(changed) > 0.8
    )  # a bias before BN has no gradient, and the optimiser is gentle at first
