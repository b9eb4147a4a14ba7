"""A voice that is learned beside those that a network knows."""

import numpy as np
import pytest

from mtnet_tf.config import ConfigError, override
from mtnet_tf.config.new_voice import configure_new_voice
from mtnet_tf.data.voices import select_voices, spoken_by
from mtnet_tf.describe import Describer
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.models.voice_conditioning import SHARED_LAYERS
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.train import train
from mtnet_tf.systems.trained import load_network
from mtnet_tf.training.new_voice import freeze, join_voices, take_over

IMAGE_SIDE = ["image_encoder", "classifier", "cross_modal_mapper"]
FAST = [
    "audio_generator.num_blocks=3",  # each with weights of other names
    "training.joint.epochs=40",
    "training.joint.optimizer.learning_rate=0.002",
    "training.log_steps=50",
    "training.checkpoint_secs=1000",
    "training.validations=0",
    "loss.decay_weight=0",
]


@pytest.fixture(scope="module")
def base(tiny_config, synthetic_data, tmp_path_factory):
    """A run of the two voices."""
    run = RunFolder(tmp_path_factory.mktemp("base") / "run")
    config = override(
        tiny_config, [*FAST, "voice.conditioning=film", "data.num_voices=2", "loss.decay_weight=0"]
    )
    train(config, synthetic_data, run, "cpu")
    return run


def new_voice(base, three_voices, frozen, folder, *overrides):
    data = select_voices(spoken_by(three_voices, "an"), ["an"])
    config = configure_new_voice(base.config(), frozen, overrides)
    config, data = join_voices(config, data, base)
    run = RunFolder(folder)
    return train(config, data, run, "cpu", init_from=base), data, run


def error(network, data):
    """The error over the pairs of the training split, as a share of the recordings' energy."""
    pairs = data.train
    true = data.recordings.float_waveforms()[pairs.recordings]
    said = network({"image": pairs.images, "voice": pairs.voices}, training=False)["waveform"]
    return np.square(said - true).sum() / np.square(true).sum()


def test_generator_and_embedding_learn_it(base, three_voices, tmp_path):
    frozen = [*IMAGE_SIDE, *SHARED_LAYERS["film"]]
    network, data, run = new_voice(
        base, three_voices, frozen, tmp_path / "run", "training.joint.epochs=150"
    )
    assert error(network, data) < 0.05
    learned = network.get_layer("audio_generator").weights
    learned += network.get_layer("voice_conditioning").get_layer("voice_embedding").weights
    learned = {weight.path for weight in learned}
    before = {weight.path: weight.numpy() for weight in load_network(base).weights}
    for weight in network.weights:
        same = np.array_equal(weight.numpy(), before[weight.path])
        assert same == (weight.path not in learned), weight.path
    assert run.environment()["init_from"] == str(base.path)
    speaker = Describer(run.path)
    assert (speaker.voices, speaker.words) == (("a", "an", "b"), three_voices.words)
    said = speaker.describe(data.train.images[0], voice="an")
    recording = data.recordings.float_waveforms()[data.train.recordings[0]]
    assert np.square(said.waveform - recording).sum() < 0.1 * np.square(recording).sum()


def test_the_embedding_alone_leaves_the_known_voices_as_they_are(base, three_voices, tmp_path):
    frozen = [*IMAGE_SIDE, *SHARED_LAYERS["film"], "audio_generator"]
    # Of what is learned nothing decays.
    decay = "loss.decay_weight=0.0005"
    network, data, _ = new_voice(base, three_voices, frozen, tmp_path / "run", decay)
    fresh = build_mtnet(override(base.config(), ["data.num_voices=3"]))
    take_over(fresh, data.voices, base)
    assert error(network, data) < error(fresh, data)
    images, known = three_voices.test.images, load_network(base)
    for old, new in ((0, 0), (1, 2)):
        ours = {"image": images, "voice": np.full(len(images), new)}
        theirs = {"image": images, "voice": np.full(len(images), old)}
        for name, values in known(theirs, training=False).items():
            np.testing.assert_array_equal(values, network(ours, training=False)[name])


def test_a_new_voice_begins_as_the_mean_of_the_known_ones(base, three_voices):
    network = build_mtnet(override(base.config(), ["data.num_voices=3"]))
    take_over(network, three_voices.voices, base)
    embeddings, of_base = (
        of.get_layer("voice_conditioning").get_layer("voice_embedding").embeddings.numpy()
        for of in (network, load_network(base))
    )
    np.testing.assert_array_equal(embeddings[[0, 2]], of_base)
    np.testing.assert_allclose(embeddings[1], of_base.mean(axis=0), rtol=1e-6)


def test_no_two_weights_have_one_name(base):
    paths = [weight.path for weight in build_mtnet(base.config()).weights]
    assert len(set(paths)) == len(paths)


def test_other_layers_are_refused(base, three_voices):
    config = override(base.config(), ["data.num_voices=3", "audio_generator.hidden_units=[8]"])
    with pytest.raises(ConfigError, match="generator_fc1/kernel has no counterpart"):
        take_over(build_mtnet(config), three_voices.voices, base)


def test_what_is_frozen_has_no_gradient_and_keeps_its_statistics(base):
    network = build_mtnet(base.config())
    freeze(network, ["image_encoder", "gamma"])
    left = {variable.path for variable in network.trainable_variables}
    assert not any("image_encoder" in path or "/gamma/" in path for path in left)
    assert any("voice_embedding" in path for path in left)
    before = [weight.numpy() for weight in network.get_layer("image_encoder").weights]
    network({"image": np.zeros((2, 12, 12, 1)), "voice": np.zeros(2)}, training=True)
    for old, weight in zip(before, network.get_layer("image_encoder").weights):
        np.testing.assert_array_equal(old, weight.numpy())


def test_a_wrong_layer_and_nothing_to_learn_are_refused(base):
    with pytest.raises(ConfigError, match="no layers encoder to freeze. .* image_encoder"):
        freeze(build_mtnet(base.config()), ["encoder"])
    network = build_mtnet(base.config())
    with pytest.raises(ConfigError, match="All layers are frozen"):
        freeze(network, [layer.name for layer in network.layers if layer.weights])


@pytest.mark.parametrize("overrides", [[], ["voice.conditioning=film"]])
def test_a_network_deaf_to_the_voice_is_refused(overrides, tiny_config):
    """The second one was trained on one voice."""
    with pytest.raises(ConfigError, match="needs a network that depends on the voice"):
        configure_new_voice(override(tiny_config, overrides), [], [])


def test_the_configuration(base):
    config = configure_new_voice(base.config(), ["image_encoder"], ["training.joint.epochs=7"])
    assert (config.training.frozen, config.training.joint.epochs) == (("image_encoder",), 7)
    assert config.loss.representation_weight is None
    assert config.loss.generation_target == "true_word"
    assert config.voice == base.config().voice
