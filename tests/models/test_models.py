import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtnet_tf import config as config_lib
from mtnet_tf import losses, systems
from mtnet_tf.config import preset
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.audio_generator import build_audio_generator
from mtnet_tf.models.image_encoder import build_image_encoder
from mtnet_tf.models.mtnet import build_mtnet, build_test_network

VARIANTS = [system.name for system in systems.of_table("3")]


def num_parameters(model):
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables)


def images(config, n=4, seed=0):
    random = np.random.default_rng(seed)
    return {"image": random.integers(0, 256, (n, *config.data.image_shape)).astype(np.uint8)}


def test_released_has_the_published_sizes(cheap_weights):
    config = preset("released")
    assert num_parameters(build_mtnet(config)) == 60_195_752
    autoencoder = build_audio_autoencoder(config)
    assert num_parameters(autoencoder) == 262_635_524


def test_paper_sizes(cheap_weights):
    """Counted by hand from Tables 1 and 2 and Figure 4."""
    config = preset("paper")
    count, channels = 0, 1
    for width in (32, 128, 256, 512, 1024):
        count += channels * width + width + 2 * width  # transition: kernel, bias, BN
        count += 2 * (9 * width * width + width)  # two 3x3 convolutions
        channels = width

    def dense(m, n):
        return m * n + n

    count += 2 * dense(1024, 1024) + dense(1024, 10)  # FC_1^1, FC_2^1, softmax
    count += 2 * dense(1024, 1024)  # cross-modal mapping
    count += 3 * 3 * (3 + 1) + dense(1024, 1024) + dense(1024, 18140)  # audio generation
    assert num_parameters(build_mtnet(config)) == count


@pytest.mark.parametrize("name", VARIANTS)
def test_outputs_of_each_variant(tiny_config, name):
    config = systems.configure(name, tiny_config)
    keras.utils.set_random_seed(0)
    outputs = build_mtnet(config)(images(config))
    shapes = {name: tuple(value.shape) for name, value in outputs.items()}
    expected = {
        "image_feature": (4, 16),
        "cross_modal_representation": (4, 12),
        "waveform": (4, 900),
    }
    if name not in ("gen_only", "gen_rep"):
        expected["logits"] = (4, 3)
    assert shapes == expected
    assert np.abs(outputs["waveform"]).max() <= 1.0


@pytest.mark.parametrize("name", VARIANTS)
def test_gradient_reaches_every_weight(tiny_config, name):
    config = systems.configure(name, tiny_config)
    keras.utils.set_random_seed(0)
    model = build_mtnet(config)
    random = np.random.default_rng(0)
    batch = {
        "label": np.array([0, 1, 2, 0]),
        "audio": random.normal(size=(4, 900)).astype(np.float32),
        "audio_feature": random.normal(size=(4, 12)).astype(np.float32),
    }
    config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, decay_weight=0.0))
    with tf.GradientTape() as tape:
        loss = losses.joint_loss(config.loss, batch, model(images(config), training=True), [])[
            "total"
        ]
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables)
    ):
        assert gradient is not None, variable.path
        if not (
            variable.path.startswith("image_encoder")
            and "trans" in variable.path
            and "conv/bias" in variable.path
        ):
            assert np.abs(gradient).max() > 0, variable.path  # a bias before BN has gradient 0


def test_autoencoder_feature_is_the_middle_layer(cheap_weights):
    config = preset("paper")
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, audio_length=50))
    model = build_audio_autoencoder(config)
    outputs = model(np.zeros([2, 50], np.float32))
    assert outputs["audio_feature"].shape == (2, 1024)
    assert outputs["reconstruction"].shape == (2, 50)
    sizes = [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    assert sizes == [4096, 2048, 1024, 2048, 4096, 50]


def test_proposed_autoencoder_has_the_decoder_as_generator(cheap_weights):
    config = systems.configure("autoencoder", preset("paper"))
    sizes = [
        layer.units
        for layer in build_audio_generator(config).layers
        if isinstance(layer, keras.layers.Dense)
    ]
    assert sizes == [2048, 4096, 18140]


def test_weights_of_equal_shape_start_differently(tiny_config):
    encoder = build_image_encoder(tiny_config)
    first, second = (encoder.get_layer(f"res1_conv{i}").kernel.numpy() for i in (1, 2))
    assert first.shape == second.shape
    assert not np.allclose(first, second)


def feature_map(config):
    """The encoder up to the last residual block, without what mixes all pixels."""
    encoder = build_image_encoder(config)
    return keras.Model(encoder.input, encoder.get_layer("global_average").input)


def paper_encoder(dilation_rates):
    return config_lib.override(
        preset("paper"),
        [
            "image_encoder.widths=[4, 4, 4, 4, 4]",
            "image_encoder.standardize=false",
            f"image_encoder.dilation_rates={dilation_rates}",
            "data.image_shape=[48, 48, 1]",
        ],
    )


@pytest.mark.parametrize("rates", [[1], [2], [1, 3, 2, 1, 1]])
def test_receptive_field_by_impulse(rates):
    """Each of ten 3x3 convolutions reaches its rate further; at rate 2 parities never meet."""
    keras.utils.set_random_seed(1)
    network = feature_map(paper_encoder(rates))
    image = np.full([2, 48, 48, 1], 100, np.uint8)
    image[1, 24, 24] = 250
    outputs = network(image, training=False).numpy()
    touched = np.abs(outputs[1] - outputs[0]).max(-1) > 0
    rows, columns = np.nonzero(touched)
    reach = 2 * sum(rates * 5 if len(rates) == 1 else rates)
    assert (rows.min(), rows.max()) == (24 - reach, 24 + reach)
    assert (columns.min(), columns.max()) == (24 - reach, 24 + reach)
    if rates == [2]:
        assert set(rows % 2) == {0}
        assert set(columns % 2) == {0}
    else:
        assert touched[14:35, 14:35].all()


def test_every_field_of_a_sub_network_arrives_in_its_layers(tiny_config):
    """With values that no preset has, and no two alike where they could be mixed up."""
    config = config_lib.override(
        tiny_config,
        [
            *("image_encoder.widths=[4, 6, 8]", "image_encoder.pool_after=[2]"),
            *("image_encoder.kernel_size=5", "image_encoder.dilation_rates=[3, 1, 4]"),
            *("image_encoder.activation=tanh", "image_encoder.residual_batch_norm=true"),
            *("image_encoder.feature_activation=relu", "image_encoder.feature_units=[14, 10]"),
            *("image_encoder.dropout_rate=0.1", "cross_modal_mapper.dropout_rate=0.2"),
            *("audio_generator.dropout_rate=0.3", "audio_generator.num_blocks=4"),
            *("audio_generator.kernel_size=7", "audio_generator.dilation_rate=5"),
            *("audio_generator.hidden_units=[22, 26]", "batch_norm.momentum=0.7"),
            *("batch_norm.epsilon=0.02", "audio_autoencoder.batch_norm=true"),
        ],
    )
    model, autoencoder = build_mtnet(config), build_audio_autoencoder(config)
    encoder, mapper, generator = (
        model.get_layer(name) for name in ("image_encoder", "cross_modal_mapper", "audio_generator")
    )
    sizes = {f"res{k}_add": encoder.get_layer(f"res{k}_add").output.shape[1:] for k in (1, 2, 3)}
    assert sizes == {"res1_add": (12, 12, 4), "res2_add": (12, 12, 6), "res3_add": (6, 6, 8)}
    convolutions = [layer for layer in encoder.layers if layer.name.startswith("res")]
    convolutions = [layer for layer in convolutions if "_conv" in layer.name]
    assert {layer.kernel_size for layer in convolutions} == {(5, 5)}
    rates = [layer.dilation_rate[0] for layer in convolutions]
    assert rates == [3, 3, 1, 1, 4, 4]
    activations = [x for x in encoder.layers if isinstance(x, keras.layers.Activation)]
    assert {layer.activation.__name__ for layer in activations} == {"tanh"}
    dense = [x for x in encoder.layers if isinstance(x, keras.layers.Dense)]
    assert [(x.units, x.activation.__name__) for x in dense] == [(14, "relu"), (10, "relu")]
    for part, rate in ((encoder, 0.1), (mapper, 0.2), (generator, 0.3)):
        dropouts = [x for x in part.layers if isinstance(x, keras.layers.Dropout)]
        assert {layer.rate for layer in dropouts} == {rate}
    for part, count in ((encoder, 9), (autoencoder, 6)):
        norms = [x for x in part.layers if isinstance(x, keras.layers.BatchNormalization)]
        assert [(x.momentum, x.epsilon) for x in norms] == [(0.7, 0.02)] * count
    blocks = [x for x in generator.layers if x.name.startswith("res1d")]
    assert len(blocks) == 4
    for block in blocks:
        for conv in (block.gate, block.signal, block.output_conv):
            assert (conv.kernel_size, conv.dilation_rate) == ((7,), (5,))
    units = [x.units for x in generator.layers if isinstance(x, keras.layers.Dense)]
    assert units == [22, 26, 900]


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("batch_norm", ["true", "false"])
def test_a_block_from_zero_starts_as_its_activation(activation, batch_norm, tiny_config):
    """Whatever the biases start with. What starts at zero has a gradient, and so moves."""
    config = config_lib.override(
        tiny_config,
        [
            "image_encoder.residual_zero_init=true",
            f"image_encoder.residual_batch_norm={batch_norm}",
            f"image_encoder.activation={activation}",
            "initialization.bias=0.3",
        ],
    )
    keras.utils.set_random_seed(0)
    encoder = build_image_encoder(config)
    for k in (1, 2):
        before, after = (
            encoder.get_layer(name).output
            for name in (f"trans{k}_{activation}", f"res{k}_{activation}2")
        )
        found = keras.Model(encoder.input, [before, after])(images(config)["image"])
        np.testing.assert_array_equal(found[1], getattr(keras.ops, activation)(found[0]))
    with tf.GradientTape() as tape:
        feature = encoder(images(config)["image"], training=True)
        loss = tf.reduce_sum(feature * np.random.default_rng(0).normal(size=feature.shape))
    last = "bn2/gamma" if batch_norm == "true" else "conv2/kernel"
    weights = [w for w in encoder.trainable_variables if w.path.endswith(last)]
    assert len(weights) == 2
    for weight, gradient in zip(weights, tape.gradient(loss, weights)):
        assert not weight.numpy().any() and np.abs(gradient).max() > 0, weight.path


def test_a_part_of_the_generation_loss_reaches_phi(tiny_config):
    """The waveform and the gradient of the generator stay as they are."""
    x, factor = images(tiny_config), 0.25

    def gradients(config):
        keras.utils.set_random_seed(0)
        model = build_mtnet(config)
        with tf.GradientTape() as tape:
            waveform = model(x, training=True)["waveform"]
            loss = tf.reduce_sum(waveform**2)
        found = tape.gradient(loss, model.trainable_variables)
        names = [v.path for v in model.trainable_variables]
        return waveform, dict(zip(names, found))

    waveform, whole = gradients(tiny_config)
    part_waveform, part = gradients(
        config_lib.override(tiny_config, [f"loss.generation_gradient={factor}"])
    )
    np.testing.assert_array_equal(waveform, part_waveform)
    assert list(whole) == list(part)
    generator = {v.path for v in build_mtnet(tiny_config).get_layer("audio_generator").variables}
    for name, gradient in whole.items():
        if gradient is not None:
            scale = 1 if name in generator else factor
            np.testing.assert_allclose(part[name], scale * gradient, rtol=1e-4, atol=1e-6)
    assert generator < set(whole)


def test_the_test_network_averages_over_both_ways_an_image_looks(tiny_config):
    """Not of digits: a mirrored digit is another sign, or none."""
    overrides = ["image_encoder.average_flips=true", "data.digit_size=null"]
    config = config_lib.override(tiny_config, overrides)
    assert num_parameters(build_mtnet(config)) == num_parameters(build_mtnet(tiny_config))
    keras.utils.set_random_seed(0)
    model = build_mtnet(config)
    speak = build_test_network(model)
    x = images(config)
    mirrored = {"image": x["image"][:, :, ::-1]}
    encoder = model.get_layer("mirror_average").layer
    one_way, other_way = encoder(x["image"]), encoder(mirrored["image"])
    assert np.abs(one_way - other_way).max() > 1e-3
    mean = (one_way.numpy() + other_way.numpy()) / 2
    found = model(x, training=False)
    np.testing.assert_allclose(found["image_feature"], mean, atol=1e-6)
    np.testing.assert_allclose(found["logits"], model.get_layer("classifier")(mean), atol=1e-5)
    phi = model.get_layer("cross_modal_mapper")(mean)
    waveform = model.get_layer("audio_generator")(phi)
    np.testing.assert_allclose(speak(x, training=False), waveform, atol=1e-5)
    np.testing.assert_allclose(speak(mirrored, training=False), waveform, atol=1e-5)
    in_training = model(x, training=True)["image_feature"]
    np.testing.assert_array_equal(in_training, encoder(x["image"], training=True))
    of_digits = build_mtnet(config_lib.override(tiny_config, overrides[:1]))
    assert "mirror_average" not in {layer.name for layer in of_digits.layers}


def test_phi_is_reshaped_to_the_channels_of_the_1d_blocks(tiny_config):
    config = config_lib.override(tiny_config, ["audio_generator.channels=3"])
    generator = build_audio_generator(config)
    assert generator.get_layer("reshape").output.shape[1:] == (4, 3)  # 12 values
    assert generator.get_layer("res1d_1").gate.kernel.shape == (3, 3, 3)
    with pytest.raises(config_lib.ConfigError, match="must divide the cross-modal representation"):
        config_lib.override(tiny_config, ["audio_generator.channels=5"])


def test_test_network_is_the_joint_network_without_softmax(tiny_config):
    model = build_mtnet(tiny_config)
    test_network = build_test_network(model)
    x = images(tiny_config)
    np.testing.assert_array_equal(test_network(x), model(x)["waveform"])
    assert num_parameters(model) - num_parameters(test_network) == 16 * 3 + 3


@pytest.mark.parametrize("name", VARIANTS)
def test_keras_file_round_trip(tiny_config, name, tmp_path):
    model = build_mtnet(systems.configure(name, tiny_config))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    x = images(tiny_config)
    for name, value in model(x).items():
        np.testing.assert_array_equal(loaded(x)[name], value)
