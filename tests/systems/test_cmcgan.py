"""CMCGAN: a step moves all networks, it learns, and it resumes to the same bits."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf import systems
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network
from tests.systems.small_adversarial import (
    LEARNS_BY_HEART,
    SMALL,
    assert_moved,
    cmcgan_stage,
    values_of,
)
from tests.systems.trainings import assert_resumes_to_the_same_bits, of_four_images


@pytest.fixture
def config(tiny_config):
    return systems.configure("cmcgan", config_lib.override(tiny_config, SMALL))


@pytest.mark.parametrize("loss", ["gan_cls", "hinge"])
def test_a_step_moves_every_weight_of_all_networks(loss, config, synthetic_data):
    config = config_lib.override(config, [f"adversarial.loss={loss}"])
    stage, networks = cmcgan_stage(config, synthetic_data)
    before = values_of(networks)
    for batch in list(stage.batches(0))[:3]:
        figures = stage._train_step(batch)  # its graph takes ten seconds to trace
    assert all(np.isfinite(figure) for figure in figures.values())
    total = float(figures["generator_adversarial"]) + 10 * float(figures["generator_consistency"])
    assert float(figures["generator_total"]) == pytest.approx(total, rel=1e-5)
    assert_moved(networks, before, loss)


@pytest.mark.parametrize("loss", ["gan_cls", "hinge"])
def test_the_losses_are_of_all_pairs_and_all_cycles(loss, config, synthetic_data, monkeypatch):
    """Against the same networks, called one by one."""
    config = config_lib.override(config, ["adversarial.mismatched_weight=3"])
    stage, networks = cmcgan_stage(config, synthetic_data)
    # Without spectral normalisation, each call of which in training changes the network.
    monkeypatch.setattr(stage, "_config", dataclasses.replace(config.adversarial, loss=loss))
    monkeypatch.setattr(stage, "update_both", lambda first, second: (first(), second()))
    batch = next(iter(stage.batches(0)))
    of_discriminator, of_others = stage.replica_step(batch)
    see, hear, draw, speak, judge = (
        lambda inputs, network=network: network(inputs, training=True).numpy()
        for network in networks
    )
    image = batch["image"].numpy() / np.float32(127.5) - 1
    sound = stage.spectrograms.numpy()[batch["recording"].numpy()]
    z = [stage.draw_noise(len(image), use).numpy() for use in (0, 1)]
    others = [stage.draw_other_sounds(batch["label"], uses).numpy() for uses in ((2, 4), (3, 5))]

    def image_of(embedding):
        return draw({"embedding": embedding, "noise": z[0]})

    def sound_of(embedding):
        return speak({"embedding": embedding, "noise": z[1]})

    def true(logits):
        return np.mean(np.log1p(np.exp(logits)) if loss == "gan_cls" else np.maximum(0, 1 + logits))

    def of_made(logits):
        return true(-logits) if loss == "gan_cls" else -logits.mean()

    def logits(image, sound):
        return judge({"image": image, "spectrogram": sound})

    made = [logits(image, sound_of(see(image))), logits(image_of(hear(sound)), sound)]
    wrong = [logits(image, other) for other in others]
    total = 8 * true(-logits(image, sound)) + 3 * sum(map(true, wrong)) + sum(map(true, made))
    assert float(of_discriminator["total"]) == pytest.approx(total / 2, rel=1e-4)
    assert float(of_others["adversarial"]) == pytest.approx(sum(map(of_made, made)), rel=1e-4)
    # A -> V -> A and V -> A -> V; A -> A -> V and V -> V -> A.
    back = [sound_of(see(image_of(hear(sound)))), image_of(hear(sound_of(see(image))))]
    back += [image_of(hear(sound_of(hear(sound)))), sound_of(see(image_of(see(image))))]
    ways = zip(back, (sound, image, image, sound))
    cycles = sum(np.abs(again - true).mean() for again, true in ways)
    assert float(of_others["consistency"]) == pytest.approx(cycles, rel=1e-4)


def test_the_others_are_moved_k_times_after_the_discriminator(config, synthetic_data):
    cosine = [
        f"training.{name}.{field}"
        for name in ("adversarial.optimizer", "discriminator_optimizer")
        for field in ("schedule=cosine", "learning_rate=0.001")
    ]
    config = config_lib.override(config, ["adversarial.generator_updates=2", *cosine])
    stage, _ = cmcgan_stage(config, synthetic_data)
    stage._train_step(next(iter(stage.batches(0))))  # without its graph, as above
    found = stage.trackables()
    assert int(found["discriminator_optimizers"][0].iterations) == 1
    assert int(found["generator_optimizers"][0].iterations) == 2
    # Both are as far on the way to their last update.
    rates = stage.learning_rates()
    assert rates["learning_rate"] == pytest.approx(rates["learning_rate_discriminator"])
    assert rates["learning_rate"] < 0.001


def test_looks_are_at_images_that_are_held_out(config, synthetic_data):
    stage, networks = cmcgan_stage(config, synthetic_data)
    noise = tf.ones([6, 3])
    pixels = synthetic_data.validation.images / np.float32(127.5) - 1
    encoder, decoder = networks[0], networks[3]
    expected = decoder({"embedding": encoder(pixels), "noise": noise})
    np.testing.assert_allclose(stage.make(slice(0, 6), noise), expected, atol=1e-5)
    assert set(stage.validate()) == {"validation_word_accuracy", "validation_diversity"}


@pytest.mark.slow
def test_it_learns_to_say_four_images(config, synthetic_data, tmp_path):
    config = config_lib.override(
        config,
        [*LEARNS_BY_HEART, "training.adversarial.epochs=600"],
    )
    data = of_four_images(synthetic_data)
    pairs = data.train
    run = RunFolder(tmp_path / "run")
    train(config, data, run, "cpu")
    spoken = load_network(run)({"image": pairs.images}, training=False)["waveform"].numpy()
    true = synthetic_data.recordings.float_waveforms()
    cosines = (spoken @ true.T) / np.linalg.norm(true, axis=1)
    assert (synthetic_data.recordings.labels[cosines.argmax(1)] == pairs.labels).all()


def test_resume_equals_uninterrupted(config, synthetic_data, tmp_path):
    one_layer = ["adversarial.sound_channels=[4]", "adversarial.image_channels=[4]"]
    config = config_lib.override(config, one_layer)
    assert_resumes_to_the_same_bits(config, synthetic_data, tmp_path, "adversarial")
