"""Toy: two layers that speak. Importing this registers the system."""

import dataclasses

import keras

from mtnet_tf import losses, systems
from mtnet_tf.training.stage import SupervisedStage


def configure(config):
    """Leaves out the losses of heads that this network does not have."""
    loss = dataclasses.replace(
        config.loss.without_audio_feature(),
        perceptual_weight=None,
        generation_target="true_word",  # no softmax head names another
    )
    return dataclasses.replace(config, loss=loss)


def build(config):
    """A dict of named inputs -> a dict of named outputs."""
    image = keras.Input(config.data.image_shape, name="image", dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(8, activation="tanh")(x)
    waveform = keras.layers.Dense(config.data.audio_length, activation="tanh")(x)
    return keras.Model({"image": image}, {"waveform": waveform}, name="toy")


class ToyStage(SupervisedStage):
    """One loss, and one update of all weights."""

    name = "toy"

    def __init__(self, model, config, data):
        audio = data.recordings.float_waveforms()[data.train.recordings]
        columns = {**data.train.inputs(), "audio": audio}
        super().__init__(model, config.training.joint, config.training, columns)

    def losses(self, batch, training):
        waveform = self.model({"image": batch["image"]}, training=training)["waveform"]
        return {"total": losses.generation_loss(batch["audio"], waveform)}


def train(config, data, session):
    """The stages, one after the other."""
    keras.utils.set_random_seed(config.training.seed)
    network = build(config)
    session.run_stage(ToyStage(network, config, data))
    return network


TOY = systems.register(
    systems.System(
        name="toy",
        label="Toy",
        tables=("toys",),
        configure=configure,
        build=build,
        train=train,
    )
)
