"""MT-Net (Figure 2): the joint network that is trained, and the test network (section 3.5)."""

import keras

from mtnet_tf.config import Config
from mtnet_tf.models.audio_generator import build_audio_generator
from mtnet_tf.models.cross_modal_mapper import build_cross_modal_mapper
from mtnet_tf.models.image_encoder import build_image_encoder
from mtnet_tf.models.initialization import weight_initializers


def build_mtnet(config: Config) -> keras.Model:
    """Builds the joint network of stage 2 (Algorithm 1, lines 4-7).

    Input: uint8 [batch, *config.data.image_shape].

    Outputs: "image_feature" float32 [batch, image_encoder.feature_units[-1]], phi^I;
    "cross_modal_representation" float32 [batch, cross_modal_mapper.units[-1]], phi; "waveform"
    float32 [batch, L_s] in [-1, 1]; and where the perceptual loss has a weight, "logits" float32
    [batch, num_classes], before the softmax.

    Args:
        config: The configuration of the run.

    Returns:
        The model from the image to a dict of the outputs.
    """
    encoder, mapper = build_image_encoder(config), build_cross_modal_mapper(config)
    generator = build_audio_generator(config)
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    image_feature = encoder(image)
    phi = mapper(image_feature)
    outputs = {
        "image_feature": image_feature,
        "cross_modal_representation": phi,
        "waveform": generator(phi),
    }
    if config.loss.perceptual_weight is not None:
        outputs["logits"] = keras.layers.Dense(
            config.data.num_classes, name="classifier", **weight_initializers(config.initialization)
        )(image_feature)
    return keras.Model(image, outputs, name="mtnet")


def build_test_network(mtnet: keras.Model) -> keras.Model:
    """Builds the network of section 3.5, which has no softmax layer.

    Input: uint8 [batch, height, width, channels]. Output: float32 [batch, L_s] in [-1, 1].

    Args:
        mtnet: The joint network, whose weights the test network shares.

    Returns:
        The model `image -> waveform`.
    """
    image = keras.Input(mtnet.input_shape[1:], name="image", dtype="uint8")
    x = image
    for name in ("image_encoder", "cross_modal_mapper", "audio_generator"):
        x = mtnet.get_layer(name)(x)
    return keras.Model(image, x, name="mtnet_test")
