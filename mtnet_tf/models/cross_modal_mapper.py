"""Cross-modal mapping (section 3.2): image feature -> cross-modal representation."""

import keras

from mtnet_tf.config import Config
from mtnet_tf.models.fully_connected import fully_connected_stack
from mtnet_tf.models.initialization import weight_initializers


def build_cross_modal_mapper(config: Config) -> keras.Model:
    """Builds the mapping phi = f(phi^I): two coupled fully connected layers with tanh.

    Dropout follows all layers but the last.

    Input: float32 [batch, image_encoder.feature_units[-1]], the image feature phi^I. Output:
    float32 [batch, cross_modal_mapper.units[-1]] in [-1, 1], phi, as large as the audio feature.

    Args:
        config: The configuration of the run.

    Returns:
        The model `image_feature -> cross_modal_representation`.
    """
    mapper = config.cross_modal_mapper
    init = weight_initializers(config.initialization)
    image_feature = keras.Input((config.image_encoder.feature_units[-1],), name="image_feature")
    x = image_feature
    if mapper.units[:-1]:
        x = fully_connected_stack(
            x, mapper.units[:-1], dropout_rate=mapper.dropout_rate, name="mapper_fc", dense=init
        )[-1]
    phi = keras.layers.Dense(
        mapper.units[-1], activation="tanh", name="cross_modal_representation", **init
    )(x)
    return keras.Model(image_feature, phi, name="cross_modal_mapper")
