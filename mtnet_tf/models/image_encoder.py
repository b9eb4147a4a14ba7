"""Image feature learning (section 3.1.1, Table 1): image -> image feature."""

import dataclasses

import keras
from keras import layers

from mtnet_tf.config import Config
from mtnet_tf.layers.blocks import dilated_residual_block_2d, transition
from mtnet_tf.layers.mirror_average import MirrorAverage
from mtnet_tf.layers.standardization import PerImageStandardization
from mtnet_tf.models.fully_connected import fully_connected_stack
from mtnet_tf.models.initialization import weight_initializers


def build_image_encoder(config: Config) -> keras.Model:
    """Builds `image -> image_feature`.

    First comes standardisation (Eq. 1), then for each width a transition (Eq. 2) and a dilated
    residual block (Eq. 3), then global average pooling and the FC layers of Table 1.

    `paper` and `released` never reduce the resolution. So their kernels with dilation rate 2 join
    only pixels of equal parity: the encoder is four weight-sharing encoders on the four interleaved
    half-resolution images, which meet in the global average.

    Input: uint8-valued [batch, *config.data.image_shape]. Output: the image feature phi^I, float32
    [batch, feature_units[-1]], in [-1, 1] with the default tanh.
    """
    encoder = config.image_encoder
    init, precision = weight_initializers(config.initialization), config.training.precision
    batch_norm = dataclasses.asdict(config.batch_norm)
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    if encoder.standardize:
        x = PerImageStandardization(name="standardize")(image)
    else:
        x = layers.Rescaling(1.0, name="cast")(image)
    blocks = zip(encoder.widths, encoder.rate_of_each_block())
    for k, (width, dilation_rate) in enumerate(blocks, 1):
        x = transition(
            x,
            width,
            activation=encoder.activation,
            batch_norm=batch_norm,
            conv=init,
            precision=precision,
            name=f"trans{k}",
        )
        x = dilated_residual_block_2d(
            x,
            kernel_size=encoder.kernel_size,
            dilation_rate=dilation_rate,
            activation=encoder.activation,
            batch_norm=batch_norm if encoder.residual_batch_norm else None,
            zero_init=encoder.residual_zero_init,
            conv=init,
            precision=precision,
            name=f"res{k}",
        )
        if k in encoder.pool_after:
            x = layers.MaxPooling2D(2, dtype=precision, name=f"pool{k}")(x)
    x = layers.GlobalAveragePooling2D(name="global_average")(x)
    feature = fully_connected_stack(
        x,
        encoder.feature_units,
        activation=encoder.feature_activation,
        dropout_rate=encoder.dropout_rate,
        name="image_fc",
        dense=init,
    )[-1]
    return keras.Model(image, feature, name="image_encoder")


def with_mirror_average(encoder: keras.Model, config: Config) -> keras.layers.Layer:
    """Returns the encoder, which at test time sees the mirror image too where that is asked for."""
    # A mirrored digit is another sign, or none.
    if config.image_encoder.average_flips and config.data.digit_size is None:
        return MirrorAverage(encoder, name="mirror_average")
    return encoder
