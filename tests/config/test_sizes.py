"""What is counted from the fields is what the built networks have; what is far too large is one
error, before anything is built."""

import math

import pytest

from mtnet_tf import config as config_lib
from mtnet_tf.config import ConfigError, preset
from mtnet_tf.config.sizes import numbers_of_weights, values_of_a_row
from mtnet_tf.layers.letter_decoder import LetterDecoder
from mtnet_tf.models import adversarial
from mtnet_tf.models.audio_autoencoder import build_audio_autoencoder
from mtnet_tf.models.dcmavg import build_image_classifier
from mtnet_tf.models.image_encoder import build_image_encoder
from mtnet_tf.models.mtnet import build_mtnet
from mtnet_tf.models.spectrogram_inverter import build_spectrogram_inverter

# No two sizes are equal, so that none is taken for another.
ODD = config_lib.override(
    preset("tiny"),
    [
        "data.image_shape=[24, 16, 3]",
        "data.num_classes=5",
        "data.num_voices=3",
        "data.audio_length=301",
        "image_encoder.widths=[3, 5]",
        "image_encoder.pool_after=[]",
        "image_encoder.feature_units=[7, 9]",
        "audio_autoencoder.hidden_units=[31, 12, 33]",
        "audio_autoencoder.feature_layer=2",
        "cross_modal_mapper.units=[14, 12]",
        "audio_generator.channels=3",
        "audio_generator.hidden_units=[15]",
        "voice.conditioning=film",
        "voice.embedding_units=4",
        "text_decoder.num_steps=2",
        "text_decoder.units=21",
        "text_decoder.embedding_units=17",
        "log_mel.num_mels=16",
        "log_mel.num_frames=24",
        "adversarial.embedding_units=19",
        "adversarial.noise_units=6",
        "adversarial.image_channels=[8, 10]",
        "adversarial.sound_channels=[11, 13]",
        "spectrogram_inverter.channels=[4, 6]",
        "spectrogram_inverter.hidden_units=[23]",
    ],
)


def kernels(network, leave_out=()):
    """The number of weights of a network's kernels and embeddings, but of some layers."""
    return sum(
        math.prod(weight.shape)
        for weight in network.weights
        if weight.name in ("kernel", "recurrent_kernel", "embeddings")
        and not any(name in weight.path for name in leave_out)
    )


def test_the_parts_of_mtnet_have_as_many_weights_as_counted():
    network, counted = build_mtnet(ODD), numbers_of_weights(ODD)
    built = {layer.name: kernels(layer) for layer in network.layers}
    assert counted["audio_autoencoder"] == kernels(build_audio_autoencoder(ODD))
    assert counted["image_encoder"] == built["image_encoder"] + built["classifier"]
    assert counted["cross_modal_mapper"] == built["cross_modal_mapper"]
    assert counted["audio_generator"] == built["audio_generator"]
    assert counted["voice"] >= built["voice_conditioning"] > 0


def test_the_parts_of_the_other_systems_have_as_many_weights_as_counted():
    counted = numbers_of_weights(ODD)
    decoder = LetterDecoder(28, 2, ODD.text_decoder.embedding_units, ODD.text_decoder.units)
    decoder.build([None, ODD.image_encoder.feature_units[-1]])
    assert counted["text_decoder"] == kernels(decoder, leave_out=["head", "/embedding/"])
    assert counted["spectrogram_inverter"] == kernels(build_spectrogram_inverter(ODD))


@pytest.mark.parametrize(
    "largest, override",
    [
        ("spectrogram_generator", "adversarial.sound_channels=[11, 130]"),
        ("image_generator", "adversarial.image_channels=[8, 100]"),
        ("spectrogram_discriminator", "adversarial.sound_channels=[2, 2, 300]"),
        ("image_discriminator", "adversarial.image_channels=[2, 2, 300]"),
        ("pair_discriminator", "adversarial.noise_units=1"),
    ],
)
def test_the_largest_adversarial_network_has_as_many_weights_as_counted(largest, override):
    config = config_lib.override(ODD, [override])
    what, kind = largest.split("_")
    if what == "pair":
        network = adversarial.build_pair_discriminator(config)
    else:
        network = getattr(adversarial, f"build_{kind}")(config, what)
    assert numbers_of_weights(config)["adversarial"] == kernels(network, leave_out=["logit"])


def test_the_embedding_of_a_large_image_feature_is_counted():
    config = config_lib.override(ODD, ["image_encoder.feature_units=[1, 4000]"])
    classifier = build_image_classifier(config)
    built = [kernels(classifier.get_layer(name)) for name in ("embedding", "classifier")]
    assert numbers_of_weights(config)["adversarial"] == sum(built)


def test_no_tensor_of_a_row_is_larger_than_counted():
    def largest(*networks):
        layers = [layer for network in networks for layer in network.layers]
        return max(math.prod(layer.output.shape[1:]) for layer in layers)

    counted = values_of_a_row(ODD)
    assert counted == {
        "autoencoder": largest(build_audio_autoencoder(ODD)),
        "joint": largest(build_image_encoder(ODD)),
        "adversarial": largest(
            adversarial.build_generator(ODD, "image"),
            adversarial.build_generator(ODD, "spectrogram"),
            adversarial.build_discriminator(ODD, "image"),
            adversarial.build_discriminator(ODD, "spectrogram"),
        ),
        "inverter": largest(build_spectrogram_inverter(ODD)),
    }


@pytest.mark.parametrize(
    "part, overrides",
    [
        ("image_encoder", ["data.num_classes=65536", "image_encoder.feature_units=[65536]"]),
        ("text_decoder", ["text_decoder.units=65536"]),
        ("spectrogram_inverter", ["spectrogram_inverter.hidden_units=[65536, 65536]"]),
        ("spectrogram_inverter", ["spectrogram_inverter.channels=[65536, 65536]"]),
        ("adversarial", ["adversarial.noise_units=65536", "adversarial.sound_channels=[64]"]),
        ("adversarial", ["adversarial.embedding_units=65536", "adversarial.image_channels=[256]"]),
        ("adversarial", ["adversarial.sound_channels=[65536, 65536]"]),
        ("adversarial", ["adversarial.image_channels=[65536]"]),
    ],
)
def test_a_network_that_no_machine_could_hold_is_refused(part, overrides):
    with pytest.raises(ConfigError, match=f"{part} must have at most 2,000,000,000 weights"):
        config_lib.override(preset("paper"), overrides)


@pytest.mark.parametrize("stage", ["autoencoder", "joint", "adversarial", "inverter"])
def test_a_batch_that_no_machine_could_hold_is_refused(stage):
    """L_s and images are as large as data sets may have them."""
    large = config_lib.override(
        preset("tiny"), ["data.audio_length=1000000", "data.image_shape=[1024, 1024, 3]"]
    )
    with pytest.raises(ConfigError, match=rf"training.{stage}.batch_size must be at most [\d,]+ w"):
        config_lib.override(large, [f"training.{stage}.batch_size=65536"])
