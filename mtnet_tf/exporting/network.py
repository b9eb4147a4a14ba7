"""What is exported: the way from an image to its waveform and the words' probabilities."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import tensorflow as tf

from mtnet_tf.config import ConfigError
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.runs.calibration import Calibration, read_calibration
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.trained import load_network

INPUT = "image"


class Exported(tf.Module):
    """The trained network of a run with its preprocessing, as one function of named tensors.

    Attributes:
        image_shape: (height, width, channels).
        metadata: what a program needs beside the numbers, as JSON.
    """

    def __init__(self, run: RunFolder) -> None:
        """Reads the network.

        Raises:
            ConfigError: it speaks with a program, as I2T2A does, or takes more than an image.
            RunFolderError: the run has no trained network.
        """
        super().__init__(name="mtnet")
        config = run.config()
        self.network = load_network(run)
        if "letters" in self.network.output:
            raise ConfigError(
                f"The network of {config.system!r} speaks with a text-to-speech program, which"
                " cannot be exported."
            )
        if set(self.network.input) != {INPUT}:
            raise ConfigError(
                f"The network of {config.system!r} takes {', '.join(self.network.input)}. One that"
                " takes an image alone can be exported."
            )
        self._calibration = read_calibration(run)
        self.image_shape = config.data.image_shape
        self.metadata = json.dumps(_metadata(run, self._calibration))
        spec = tf.TensorSpec([None, *config.data.image_shape], tf.uint8, name=INPUT)
        self.describe = tf.function(self._describe, input_signature=[spec])

    def _describe(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = self.network(named_inputs(self.network, {INPUT: image}), training=False)
        described = {"waveform": outputs["waveform"]}
        if "logits" in outputs:
            logits = outputs["logits"] / self._calibration.temperature
            described["probabilities"] = tf.nn.softmax(logits)
        return described

    def expected(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what Keras makes of images, {output: float32 [n, ...]}.

        Args:
            images: uint8 [n, height, width, channels].
        """
        return {name: value.numpy() for name, value in self.describe(images).items()}


def _metadata(run: RunFolder, calibration: Calibration) -> dict[str, Any]:
    config = run.config()
    return {
        "system": config.system,
        "preset": config.preset,
        "words": run.words(),
        "voices": run.voices(),
        "sample_rate": config.data.sample_rate,
        "image_shape": list(config.data.image_shape),
        "digit_size": config.data.digit_size,
        "threshold": calibration.threshold,
        "training_command": run.environment()["command"],
    }


def trial_images(shape: tuple[int, int, int], count: int = 8) -> np.ndarray:
    """Returns images to compare two forms of a network on: noise, black and white.

    Args:
        shape: (height, width, channels).
        count: how many.
    """
    images = np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8)
    images[0], images[1] = 0, 255
    return images
