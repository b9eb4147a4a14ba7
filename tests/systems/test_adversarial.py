"""What the adversarial stages have in common: what reaches them from the configuration."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.models import adversarial
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training.session import Session
from mtnet_tf.training.stages.image import as_samples
from tests.systems.small_adversarial import SMALL, cmcgan_stage, dcmavg_stage, image_stage


@pytest.fixture
def config(tiny_config):
    return systems.configure("dcmavg", config_lib.override(tiny_config, SMALL))


def test_each_side_has_its_own_optimizer(config, synthetic_data):
    config = config_lib.override(
        config,
        [
            "training.adversarial.optimizer.learning_rate=0.003",
            "training.discriminator_optimizer.learning_rate=0.002",
        ],
    )
    stage, *_ = dcmavg_stage(config, synthetic_data)
    assert stage.learning_rates() == pytest.approx(
        {"learning_rate": 0.003, "learning_rate_discriminator": 0.002}
    )


def layers_of(network):
    """The kinds of the layers, and of those that a layer wraps."""
    wrapped = [layer.layer for layer in network.layers if hasattr(layer, "layer")]
    return [type(layer).__name__ for layer in [*network.layers, *wrapped]]


@pytest.mark.parametrize("conditioning", ["concatenation", "projection"])
@pytest.mark.parametrize("loss", ["gan_cls", "hinge"])
def test_the_hinge_loss_brings_spectral_normalisation_to_discriminators_alone(
    loss, conditioning, config
):
    form = [f"adversarial.loss={loss}", f"adversarial.conditioning={conditioning}"]
    config = config_lib.override(config, form)
    judges = {
        "of sounds": (adversarial.build_discriminator(config, "spectrogram"), 4),
        "of images": (adversarial.build_discriminator(config, "image"), 4),
        "of pairs": (adversarial.build_pair_discriminator(config), 7),
    }
    for name, (judge, with_kernels) in judges.items():
        kinds = layers_of(judge)
        assert kinds.count("SpectralNormalization") == (with_kernels if loss == "hinge" else 0), (
            name
        )
        assert ("FusedBatchNormalization" in kinds) == (loss == "gan_cls"), name
    for build in (adversarial.build_encoder, adversarial.build_generator):
        kinds = layers_of(build(config, "image"))
        assert "FusedBatchNormalization" in kinds and "SpectralNormalization" not in kinds


def test_convolutions_alone_have_the_precision_of_the_training(config):
    config = config_lib.override(config, ["training.precision=mixed_bfloat16"])
    networks = [
        adversarial.build_generator(config, "image"),
        adversarial.build_encoder(config, "spectrogram"),
        adversarial.build_discriminator(config, "image"),
        adversarial.build_pair_discriminator(config),
    ]
    for network in networks:
        for layer in network.layers:
            low = re.fullmatch(r"(\w+_)?(conv|deconv|relu|leaky_relu)\d+", layer.name)
            expected = "bfloat16" if low else "float32"
            assert layer.compute_dtype == expected, (network.name, layer.name)
        assert network.output.dtype == "float32"
        assert {weight.dtype for weight in network.weights} == {"float32"}


def test_an_image_is_spoken_with_a_latent_of_zeros(config, synthetic_data):
    network = systems.find("dcmavg").build(config)
    outputs = network({"image": synthetic_data.test.images}, training=False)
    zeros = tf.zeros([len(synthetic_data.test), config.adversarial.noise_units])
    inputs = {"embedding": outputs["embedding"], "noise": zeros}
    spoken = network.get_layer("spectrogram_generator")(inputs, training=False)
    np.testing.assert_allclose(outputs["spectrogram"], spoken, atol=1e-5)


def test_validations_have_the_latent_of_the_test_but_of_images_a_drawn_one(config, synthetic_data):
    stage, *_ = dcmavg_stage(config, synthetic_data)
    assert stage.validation_noise(4).shape == (4, 3) and not stage.validation_noise(4).any()
    drawn = image_stage(config, synthetic_data).validation_noise(500)
    assert drawn.shape == (500, 3) and 0.9 < drawn.std() < 1.1


def given_to_the_losses(stage, batch, monkeypatch):
    """What a step gives to the losses: embedding, true and mismatched samples, latent."""
    given = []
    monkeypatch.setattr(stage._gan, "losses", lambda *what: given.extend(what) or (None, None))
    monkeypatch.setattr(stage, "update_both", lambda *_: {})
    stage.replica_step(batch)
    return [tensor.numpy() for tensor in given]


def test_what_dcmavg_learns_sounds_from(config, synthetic_data, monkeypatch):
    stage, generator, _ = dcmavg_stage(config, synthetic_data)
    batch = next(iter(stage.batches(0)))
    embedding, real, wrong, noise = given_to_the_losses(stage, batch, monkeypatch)
    np.testing.assert_array_equal(embedding, batch["embedding"])
    np.testing.assert_array_equal(real, stage.spectrograms.numpy()[batch["recording"].numpy()])
    np.testing.assert_array_equal(wrong, stage.draw_other_sounds(batch["label"], uses=(0, 2)))
    np.testing.assert_array_equal(noise, stage.draw_noise(len(noise), use=1))
    assert noise.std() > 0.5
    z = np.ones([6, 3], np.float32)
    inputs = {"embedding": stage._validation[:6], "noise": z}
    np.testing.assert_allclose(stage.make(slice(0, 6), z), generator(inputs), atol=1e-5)


def test_what_its_other_half_learns_images_from(config, synthetic_data, monkeypatch):
    stage = image_stage(config, synthetic_data)
    (generator,) = stage.trackables()["generators"]
    batch = next(iter(stage.batches(0)))
    embedding, real, wrong, noise = given_to_the_losses(stage, batch, monkeypatch)
    embeddings = stage._embeddings.numpy()
    np.testing.assert_array_equal(embedding, embeddings[batch["recording"].numpy()])
    np.testing.assert_array_equal(real, as_samples(batch["image"]))
    others = stage.draw_other_images(batch["label"], uses=(0, 1, 3))
    np.testing.assert_array_equal(wrong, as_samples(others))
    np.testing.assert_array_equal(noise, stage.draw_noise(len(noise), use=2))
    z = np.ones([6, 3], np.float32)
    inputs = {"embedding": embeddings[synthetic_data.validation.recordings], "noise": z}
    np.testing.assert_allclose(stage.make(slice(0, 6), z), generator(inputs), atol=1e-5)


@pytest.mark.parametrize("build", [image_stage, lambda *given: cmcgan_stage(*given)[0]])
def test_true_images_are_moved(build, config, synthetic_data):
    overrides = ["augmentation.alternating_flip=true", "data.digit_size=null"]
    moving = build(config_lib.override(config, overrides), synthetic_data)
    still = build(config, synthetic_data)
    moved, true = (np.concatenate([b["image"] for b in s.batches(0)]) for s in (moving, still))
    mirrored = (moved != true).any((1, 2, 3))
    np.testing.assert_array_equal(moved[mirrored], true[mirrored, :, ::-1])
    assert 0.3 < mirrored.mean() < 0.7


@pytest.mark.parametrize("name", ["dcmavg", "cmcgan", "i2t2a"])
def test_the_weights_begin_with_the_seed(name, tiny_config, synthetic_data, tmp_path, monkeypatch):
    """Where no stage moves them."""
    monkeypatch.setattr(Session, "run_stage", lambda self, stage, **_: None)
    monkeypatch.setattr("mtnet_tf.systems.i2t2a._load_voice", lambda network: None)

    def weights(seed, folder):
        overrides = [*SMALL, f"training.seed={seed}", "text_decoder.num_steps=6"]
        of_seed = systems.configure(name, config_lib.override(tiny_config, overrides))
        session = Session(RunFolder(tmp_path / folder), of_seed.training)
        keras.utils.set_random_seed(99)  # what another training has left
        network = systems.find(name).train(of_seed, synthetic_data, session)
        return np.concatenate([weight.ravel() for weight in network.get_weights()])

    first = weights(0, "a")
    keras.utils.set_random_seed(3)
    np.testing.assert_array_equal(first, weights(0, "b"))
    assert (first != weights(1, "c")).any()
