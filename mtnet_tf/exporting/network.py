"""What is exported: the way from an image, and a voice, to its waveform and the probabilities."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import tensorflow as tf

from mtnet_tf.config import ConfigError
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.models.tracing import traced
from mtnet_tf.runs.calibration import Calibration, read_calibration
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems.trained import read_network

_INPUTS = ("image", "voice")  # what may be asked of a program that has no Keras
_NUM_TRIALS = 8


class Exported(tf.Module):
    """The trained network of a run with its preprocessing, as one function of named tensors.

    Attributes:
        inputs: the names of the inputs: "image", uint8 [batch, height, width, channels], and
            "voice", int32 [batch], where the network depends on it.
        metadata: what a program needs beside the numbers, as JSON.
    """

    def __init__(self, run: RunFolder) -> None:
        """Reads the network.

        Raises:
            ConfigError: it speaks with a program, as I2T2A does, or takes more than an image and a
                voice.
            RunFolderError: the run has no trained network.
        """
        super().__init__(name="mtnet")
        config = run.config()
        self.network = read_network(run)
        if "letters" in self.network.output:
            raise ConfigError(
                f"The network of {config.system!r} speaks with a text-to-speech program, which"
                " cannot be exported."
            )
        if not set(self.network.input) <= set(_INPUTS):
            raise ConfigError(
                f"The network of {config.system!r} takes {', '.join(self.network.input)}. One that"
                " takes an image, or an image and a voice, can be exported."
            )
        self.inputs = tuple(name for name in _INPUTS if name in self.network.input)
        self._calibration = read_calibration(run)
        self._config = config
        self.metadata = json.dumps(_metadata(run, self._calibration, self.inputs))
        specs = {
            "image": tf.TensorSpec([None, *config.data.image_shape], tf.uint8, name="image"),
            "voice": tf.TensorSpec([None], tf.int32, name="voice"),
        }
        self.describe = traced(
            self._describe, input_signature=[specs[name] for name in self.inputs]
        )

    def _describe(self, image: tf.Tensor, voice: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        values = {"image": image, "voice": voice}
        outputs = self.network(named_inputs(self.network, values), training=False)
        described = {"waveform": outputs["waveform"]}
        if "logits" in outputs:
            logits = outputs["logits"] / self._calibration.temperature
            described["probabilities"] = tf.nn.softmax(logits)
        return described

    def expected(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Returns what Keras makes of {input: array [n, ...]}: {output: float32 [n, ...]}."""
        return {name: value.numpy() for name, value in self.describe(**inputs).items()}

    def trial_inputs(self) -> dict[str, np.ndarray]:
        """Returns inputs to compare two forms on: noise, black and white, in voices by turns."""
        shape = (_NUM_TRIALS, *self._config.data.image_shape)
        images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        images[0], images[1] = 0, 255
        voices = np.arange(_NUM_TRIALS, dtype=np.int32) % self._config.data.num_voices
        return {name: {"image": images, "voice": voices}[name] for name in self.inputs}


def _metadata(run: RunFolder, calibration: Calibration, inputs: tuple[str, ...]) -> dict[str, Any]:
    config = run.config()
    return {
        "system": config.system,
        "preset": config.preset,
        "words": run.words(),
        "voices": run.voices_spoken(),
        "inputs": list(inputs),
        "sample_rate": config.data.sample_rate,
        "image_shape": list(config.data.image_shape),
        "digit_size": config.data.digit_size,
        "threshold": calibration.threshold,
        "training_command": run.environment()["command"],
    }
