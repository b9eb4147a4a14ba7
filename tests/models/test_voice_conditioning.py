"""The voice in phi: what depends on it, and what does not without it."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf.config import override
from mtnet_tf.models.mtnet import SPEECH_SIDE, build_mtnet
from mtnet_tf.models.voice_conditioning import build_voice_conditioning

KINDS = ["concatenation", "film"]


def conditioned(config, kind, num_voices=3):
    return override(config, [f"voice.conditioning={kind}", f"data.num_voices={num_voices}"])


def built(config):
    keras.utils.set_random_seed(0)
    return build_mtnet(config)


def images(config, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, *config.data.image_shape), np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_with_one_voice_the_network_is_mt_net_bit_for_bit(tiny_config, kind):
    plain, single = built(tiny_config), built(conditioned(tiny_config, kind, num_voices=1))
    assert list(single.input) == ["image"]
    for a, b in zip(plain.weights, single.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    inputs = {"image": images(tiny_config)}
    for name, values in plain(inputs).items():
        np.testing.assert_array_equal(values, single(inputs)[name])


def test_without_conditioning_voices_change_nothing(tiny_config):
    plain = built(tiny_config)
    many = built(override(tiny_config, ["data.num_voices=3"]))
    assert list(many.input) == ["image"]
    for a, b in zip(plain.weights, many.weights, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("kind", KINDS)
def test_the_voice_changes_what_is_said_and_not_what_is_seen(tiny_config, kind):
    network = built(conditioned(tiny_config, kind))
    assert list(network.input) == ["image", "voice"]
    random = np.random.default_rng(1)
    for variable in network.get_layer("voice_conditioning").weights:  # film starts at 0
        variable.assign(random.normal(size=variable.shape))
    image = np.repeat(images(tiny_config, 1), 3, axis=0)
    inputs = {"image": image, "voice": np.array([0, 1, 2])}
    outputs = {k: v.numpy() for k, v in network(inputs).items()}
    for name in ("image_feature", "logits"):
        np.testing.assert_array_equal(outputs[name][0], outputs[name][2])
    for name in ("cross_modal_representation", "waveform"):
        assert np.abs(outputs[name][0] - outputs[name][2]).max() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_the_voice_is_learned_with_the_whole_gradient_of_eq_9(tiny_config, kind):
    """`generation_gradient` spares what stands before the voice, of the waveform alone."""

    def gradients(factor, output="waveform"):
        config = override(conditioned(tiny_config, kind), [f"loss.generation_gradient={factor}"])
        network, random = built(config), np.random.default_rng(1)
        for variable in network.get_layer("voice_conditioning").weights:  # film starts at 0
            variable.assign(random.normal(size=variable.shape))
        with tf.GradientTape() as tape:
            inputs = {"image": images(config), "voice": np.array([0, 2])}
            loss = tf.reduce_sum(network(inputs, training=True)[output] ** 2)
        layers = ("voice_conditioning", "cross_modal_mapper")
        variables = {name: network.get_layer(name).trainable_variables for name in layers}
        found = tape.gradient(loss, variables)
        return {n: [tf.convert_to_tensor(g).numpy() for g in found[n]] for n in layers}

    whole, none = gradients(1), gradients(0)
    for gradient, spared in zip(whole["cross_modal_mapper"], none["cross_modal_mapper"]):
        assert np.abs(gradient).max() > 0
        assert not spared.any()
    for gradient, same in zip(whole["voice_conditioning"], none["voice_conditioning"]):
        assert np.abs(gradient).max() > 0
        np.testing.assert_allclose(same, gradient, rtol=1e-5, atol=1e-7)
    of_phi = gradients(0, "cross_modal_representation")
    assert all(np.abs(gradient).max() > 0 for gradient in of_phi["cross_modal_mapper"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_formula(tiny_config, kind):
    network = build_voice_conditioning(conditioned(tiny_config, kind))
    random = np.random.default_rng(0)
    for variable in network.weights:
        variable.assign(random.normal(size=variable.shape))
    phi = random.normal(size=[3, 12]).astype(np.float32)
    found = network({"cross_modal_representation": phi, "voice": np.array([2, 0, 2])})
    w = {variable.path.rpartition("voice_conditioning/")[2]: np.asarray(variable)
         for variable in network.weights}  # fmt: skip
    embedding = w["voice_embedding/embeddings"][[2, 0, 2]]
    if kind == "concatenation":
        joined = np.concatenate([phi, embedding], axis=1)
        expected = np.tanh(joined @ w["voice_fc/kernel"] + w["voice_fc/bias"])
    else:
        gamma = embedding @ w["gamma/kernel"] + w["gamma/bias"]
        expected = (1 + gamma) * phi + embedding @ w["beta/kernel"] + w["beta/bias"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_film_starts_as_the_identity(tiny_config):
    network = build_voice_conditioning(conditioned(tiny_config, "film"))
    phi = np.random.default_rng(0).normal(size=[2, 12]).astype(np.float32)
    found = network({"cross_modal_representation": phi, "voice": np.array([1, 2])})
    np.testing.assert_array_equal(found, phi)


@pytest.mark.parametrize("kind, layers", [("concatenation", 28 * 12 + 12), ("film", 2 * 17 * 12)])
def test_number_of_parameters(tiny_config, kind, layers):
    plain, network = built(tiny_config), built(conditioned(tiny_config, kind))
    assert network.count_params() - plain.count_params() == 3 * 16 + layers


@pytest.mark.parametrize("kind", ["none", *KINDS])
def test_what_is_not_the_image_side_is_the_speech_side(tiny_config, kind):
    """Each has its own optimiser where there are two: the conditioning moves with the speech."""
    network = built(conditioned(tiny_config, kind))
    learning = {layer.name for layer in network.layers if layer.trainable_variables}
    expected = {"image_encoder", "classifier", *SPEECH_SIDE}
    assert learning == expected - ({"voice_conditioning"} if kind == "none" else set())


def test_presets_leave_it_out():
    from mtnet_tf.config import PRESETS, preset

    for name in PRESETS:
        assert dataclasses.asdict(preset(name).voice)["conditioning"] == "none"
