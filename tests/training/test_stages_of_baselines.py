"""The supervised stages of the systems of Table 4: their losses, against NumPy, and who moves."""

import dataclasses
import json
import types

import keras
import numpy as np
import pytest
import scipy.special

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.data.log_mel import LogMel
from mtnet_tf.models.dcmavg import build_image_classifier
from mtnet_tf.models.i2t2a import DECODER
from mtnet_tf.models.spectrogram_inverter import build_spectrogram_inverter
from mtnet_tf.training.stage import capped
from mtnet_tf.training.stages.classifier import ClassifierStage
from mtnet_tf.training.stages.inverter import InverterStage
from mtnet_tf.training.stages.text import TextStage
from tests.systems.small_adversarial import SMALL

SGD = config_lib.OptimizerConfig(name="nesterov", learning_rate=0.25, warmup_steps=0)
CHANGES = [
    *SMALL,
    "text_decoder.num_steps=6",
    "text_decoder.embedding_units=5",
    "text_decoder.units=9",
    "loss.perceptual_weight=3",
    "loss.decay_weight=0.5",
    "loss.label_smoothing=0.25",
    "training.image_encoder_optimizer=" + json.dumps(dataclasses.asdict(SGD)),
]


@pytest.fixture
def config(tiny_config):
    return config_lib.override(tiny_config, CHANGES)


def squares(model):
    kernels = [v.numpy() for v in model.trainable_variables if v.path.endswith("kernel")]
    return sum(float(np.square(kernel).sum()) for kernel in kernels)


def cross_entropy(logits, labels, smoothing=0.0):
    """Of labels [...] and logits [..., classes], averaged."""
    number = logits.shape[-1]
    target = (1 - smoothing) * np.eye(number)[labels] + smoothing / number
    return -(target * scipy.special.log_softmax(logits.astype(float), axis=-1)).sum(-1).mean()


def test_the_classifier_of_dcmavg(config, synthetic_data):
    config = systems.configure("dcmavg", config)
    model = build_image_classifier(config)
    stage = ClassifierStage(model, config, synthetic_data)
    batch = next(iter(stage.batches(0)))
    found = {name: float(loss) for name, loss in stage.losses(batch, training=False).items()}
    logits = model({"image": batch["image"]}, training=False)["logits"].numpy()
    expected = cross_entropy(logits, batch["label"].numpy(), smoothing=0.25)
    assert found["perceptual"] == pytest.approx(expected, rel=1e-5)
    assert found["decay"] == pytest.approx(squares(model), rel=1e-5)
    assert found["total"] == pytest.approx(3 * expected + 0.5 * squares(model), rel=1e-5)
    (optimizer,) = stage.update.optimizers  # as of MT-Net's image side
    assert optimizer.nesterov and stage.update.learning_rates() == [pytest.approx(0.25)]


def test_the_letters_of_i2t2a(config, synthetic_data):
    config = systems.configure("i2t2a", config)
    model = systems.find("i2t2a").build(config)
    stage = TextStage(model, config, synthetic_data)
    batch = next(iter(stage.batches(0)))
    found = {name: float(loss) for name, loss in stage.losses(batch, training=False).items()}
    assert found["total"] == pytest.approx(found["letters"] + 0.5 * squares(model), rel=1e-5)
    # The image encoder as MT-Net's image side, the letters as its speech side.
    names = [optimizer.name for optimizer in stage.update.optimizers]
    assert sorted(names) == ["nesterov", "rmsprop"]
    rates = dict(zip(names, stage.update.learning_rates()))
    assert rates["nesterov"] == pytest.approx(0.25) and rates["rmsprop"] < 0.25
    decoder = model.get_layer(DECODER)
    assert (decoder.embedding_units, decoder.units) == (5, 9)
    before = [variable.numpy() for variable in model.trainable_variables]
    no_rate = dataclasses.replace(config.training.image_encoder_optimizer, learning_rate=1e-30)
    training = dataclasses.replace(config.training, image_encoder_optimizer=no_rate)
    stage = TextStage(model, dataclasses.replace(config, training=training), synthetic_data)
    stage.train_step(batch)
    moved = {
        variable.path
        for variable, value in zip(model.trainable_variables, before)
        if not np.allclose(variable, value, rtol=0, atol=1e-20)
    }
    assert moved and moved <= {variable.path for variable in decoder.trainable_variables}


def test_the_inverter_weighs_a_recording_by_its_uses(config, synthetic_data):
    config = systems.configure("dcmavg", config_lib.override(config, ["loss.decay_weight=0"]))
    config = config_lib.override(config, ["loss.reconstruction_decay_weight=0"])
    train = synthetic_data.train
    often = np.concatenate([np.arange(len(train)), np.flatnonzero(train.recordings == 0)])
    data = dataclasses.replace(synthetic_data, train=train.take(np.repeat(often, 3)))
    spectrograms = LogMel(config).spectrograms(data.recordings.float_waveforms())
    model = build_spectrogram_inverter(config)
    stage = InverterStage(model, config, data, spectrograms)
    used, uses = np.unique(data.train.recordings, return_counts=True)
    assert len(set(uses)) > 1
    batch = next(iter(stage.batches(0)))
    assert stage.batch_size == min(len(used), config.training.inverter.batch_size)
    weights = dict(zip(used, uses / uses.mean()))
    true = data.recordings.float_waveforms()
    rows = [int(np.abs(true - audio).sum(1).argmin()) for audio in batch["audio"].numpy()]
    np.testing.assert_allclose(batch["weight"], [weights[row] for row in rows], rtol=1e-5)
    made = model(batch["spectrogram"], training=False).numpy()
    errors = np.square(made - true[rows]).sum(1)
    expected = 0.5 * (errors * batch["weight"].numpy()).mean()
    found = float(stage.losses(batch, training=False)["reconstruction"])
    assert found == pytest.approx(expected, rel=1e-4)


def test_the_inverter_hears_noise_in_training_alone(config, synthetic_data):
    config = config_lib.override(config, ["spectrogram_inverter.input_noise=0.5"])
    config = systems.configure("dcmavg", config)
    spectrograms = LogMel(config).spectrograms(synthetic_data.recordings.float_waveforms())
    model = build_spectrogram_inverter(config)
    plain = build_spectrogram_inverter(
        config_lib.override(config, ["spectrogram_inverter.input_noise=0"])
    )
    plain.set_weights(model.get_weights())
    np.testing.assert_array_equal(
        model(spectrograms, training=False), plain(spectrograms, training=False)
    )
    noisy = keras.Model(model.input, model.get_layer("input_noise").output)
    noise = noisy(spectrograms, training=True).numpy() - spectrograms
    assert noise.std() == pytest.approx(0.5, rel=0.05) and abs(noise.mean()) < 0.05
    assert np.abs(noise - (noisy(spectrograms, training=True).numpy() - spectrograms)).max() > 0.1


@pytest.mark.parametrize("replicas, rows, expected", [(1, 5, 5), (1, 99, 64), (2, 5, 4), (2, 1, 2)])
def test_a_batch_is_no_larger_than_the_rows_fill(replicas, rows, expected, monkeypatch):
    strategy = types.SimpleNamespace(num_replicas_in_sync=replicas)
    monkeypatch.setattr("tensorflow.distribute.get_strategy", lambda: strategy)
    assert capped(config_lib.StageConfig(batch_size=64, epochs=1), rows).batch_size == expected


@pytest.mark.parametrize("system", ["dcmavg", "i2t2a"])
def test_their_images_are_moved_and_averaged_over_the_mirror_image(system, config, synthetic_data):
    overrides = [
        "augmentation.alternating_flip=true",
        "image_encoder.average_flips=true",
        "data.digit_size=null",
    ]
    still = systems.configure(system, config)
    moving = config_lib.override(still, overrides)

    def stage(config):
        if system == "i2t2a":
            return TextStage(systems.find(system).build(config), config, synthetic_data)
        return ClassifierStage(build_image_classifier(config), config, synthetic_data)

    moved, true = (
        np.concatenate([batch["image"] for batch in stage(of).batches(0)]) for of in (moving, still)
    )
    mirrored = (moved != true).any((1, 2, 3))
    np.testing.assert_array_equal(moved[mirrored], true[mirrored, :, ::-1])
    assert 0.3 < mirrored.mean() < 0.7
    names = {layer.name for layer in stage(moving).model.layers}
    assert names - {layer.name for layer in stage(still).model.layers} == {"mirror_average"}
