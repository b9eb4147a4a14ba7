"""MT-Net (Figure 2): the joint network that is trained, and the test network (section 3.5)."""

import keras

from mtnet_tf.config import Config
from mtnet_tf.layers.gradient_scale import GradientScale
from mtnet_tf.models.audio_generator import build_audio_generator
from mtnet_tf.models.cross_modal_mapper import build_cross_modal_mapper
from mtnet_tf.models.image_encoder import build_image_encoder, with_mirror_average
from mtnet_tf.models.initialization import weight_initializers
from mtnet_tf.models.voice_conditioning import build_voice_conditioning

# The sub-networks that make speech of an image feature.
SPEECH_SIDE = ("cross_modal_mapper", "voice_conditioning", "audio_generator")


def build_mtnet(config: Config) -> keras.Model:
    """Builds the joint network of stage 2 (Algorithm 1, lines 4-7).

    Inputs, a dict: `image` uint8-valued [batch, *config.data.image_shape]; `voice` int32 [batch],
    only where the network depends on it (`config.voice`).

    Outputs, a dict: `logits`, float32 [batch, num_classes], before the softmax, only where the
    perceptual loss has a weight; `image_feature`, phi^I; `cross_modal_representation`, phi;
    `waveform`, float32 [batch, L_s] in [-1, 1].
    """
    encoder = with_mirror_average(build_image_encoder(config), config)
    mapper = build_cross_modal_mapper(config)
    generator = build_audio_generator(config)
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    inputs, image_feature = {"image": image}, encoder(image)
    phi = to_generator = mapper(image_feature)
    if config.loss.generation_gradient != 1:
        to_generator = GradientScale(config.loss.generation_gradient, name="gradient_scale")(phi)
    if config.depends_on_voice:
        inputs["voice"] = keras.Input((), name="voice", dtype="int32")
        condition = build_voice_conditioning(config)
        # The scale spares the image encoder. The voice is learned with the whole gradient of Eq. 9.
        phi, to_generator = (
            condition({"cross_modal_representation": values, "voice": inputs["voice"]})
            for values in (phi, to_generator)
        )
    outputs = {
        "image_feature": image_feature,
        "cross_modal_representation": phi,
        "waveform": generator(to_generator),
    }
    if config.loss.perceptual_weight is not None:
        outputs["logits"] = keras.layers.Dense(
            config.data.num_classes, name="classifier", **weight_initializers(config.initialization)
        )(image_feature)
    return keras.Model(inputs, outputs, name="mtnet")


def build_test_network(network: keras.Model) -> keras.Model:
    """Returns the part of a system's network that speaks (section 3.5), with the same weights.

    Inputs: those of the network. Output: the waveform, float32 [batch, L_s] in [-1, 1].
    """
    return keras.Model(network.input, network.output["waveform"], name=f"{network.name}_test")
