"""A stage with two networks and two optimisers, as an adversarial system has; also a program.

    python -m tests.training.toy_gan RUN_DIR

It trains until it ends or is killed, and goes on at its last checkpoint.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from mtnet_tf.config import OptimizerConfig, StageConfig, TrainingConfig
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.training.loop import run_stage
from mtnet_tf.training.stage import Stage, random_states

TRAINING = TrainingConfig(checkpoint_secs=0.0, log_steps=5, validations=2)
CONFIG = StageConfig(batch_size=8, epochs=10)
_LATENT = 4


class ToyGan(Stage):
    """A generator of points on a line, and a discriminator with dropout."""

    name = "toy_gan"

    def __init__(self, config, training, columns):
        super().__init__(config, training, columns)
        self.generator = keras.Sequential(
            [keras.Input([_LATENT]), keras.layers.Dense(8, "relu"), keras.layers.Dense(2)]
        )
        self.discriminator = keras.Sequential(
            [
                keras.Input([2]),
                keras.layers.Dense(8, "relu"),
                keras.layers.Dropout(0.3),
                keras.layers.Dense(1),
            ]
        )
        slow = OptimizerConfig(learning_rate=1e-4, schedule="constant", name="adam")
        self.move_generator = self.make_update(self.generator.trainable_variables, config.optimizer)
        self.move_discriminator = self.make_update(self.discriminator.trainable_variables, slow)

    def replica_step(self, batch):
        fake = self.generator(batch["latent"], training=True)

        def of_discriminator():
            real_logits = self.discriminator(batch["point"], training=True)
            fake_logits = self.discriminator(fake, training=True)
            loss = tf.reduce_mean(tf.nn.softplus(-real_logits) + tf.nn.softplus(fake_logits))
            return {"discriminator": loss, "total": loss}

        def of_generator():
            logits = self.discriminator(self.generator(batch["latent"], training=True))
            loss = tf.reduce_mean(tf.nn.softplus(-logits))
            return {"generator": loss, "total": loss}

        first = self.move_discriminator(of_discriminator)
        second = self.move_generator(of_generator)
        return {"discriminator": first["discriminator"], "generator": second["generator"]}

    def trackables(self):
        return {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "generator_optimizers": self.move_generator.optimizers,
            "discriminator_optimizers": self.move_discriminator.optimizers,
            "dropout_seeds": random_states(self.discriminator),
        }

    def learning_rates(self):
        return {
            "generator_rate": self.move_generator.learning_rates()[0],
            "discriminator_rate": self.move_discriminator.learning_rates()[0],
        }

    def validate(self):
        fake = self.generator(self._columns["latent"], training=False).numpy()
        return {"validation_off_the_line": float(np.abs(fake[:, 0] - fake[:, 1]).mean())}

    def weights(self):
        return [w.numpy() for net in (self.generator, self.discriminator) for w in net.weights]


def make():
    """Returns the stage, with the same numbers in every process."""
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    x = random.normal(size=[32, 1]).astype(np.float32)
    latent = random.normal(size=[32, _LATENT]).astype(np.float32)
    return ToyGan(CONFIG, TRAINING, {"point": np.concatenate([x, x], 1), "latent": latent})


def main():
    run, stage = RunFolder(sys.argv[1]), make()
    validate = stage.validate

    def slow_validate():
        # Time for a test to kill the process in the middle of the stage.
        time.sleep(float(os.environ.get("TOY_GAN_PAUSE", 0)))
        return validate()

    stage.validate = slow_validate
    with run.lock():
        run_stage(stage, run, TRAINING)
    np.savez(run / "weights.npz", *stage.weights())


if __name__ == "__main__":
    main()
