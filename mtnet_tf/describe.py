"""The testing stage (section 3.5): one image -> one waveform, at the sample rate asked for."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np

from mtnet_tf.data import audio
from mtnet_tf.metrics.scorer import Scorer
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.systems import find
from mtnet_tf.systems.trained import load_network


@dataclasses.dataclass(frozen=True)
class Description:
    """A spoken description.

    Attributes:
        waveform: float32 [L_s] in [-1, 1].
        sample_rate: Hz.
        word: of the recording with the highest Corr2D; "" for silence.
        corr2d: that Corr2D; NaN for silence.
    """

    waveform: np.ndarray
    sample_rate: int
    word: str
    corr2d: float

    @property
    def duration_secs(self) -> float:
        """Length of the waveform in seconds."""
        return len(self.waveform) / self.sample_rate

    def write(self, path: pathlib.Path | str, sample_rate: int) -> None:
        """Writes a 16-bit wav or flac file, resampled to `sample_rate` Hz.

        The paper: "interpolated to generate the corresponding audio file according to the sample
        frequency". Raises AudioError for a rate or a path that cannot be used.
        """
        samples = audio.resample(self.waveform, self.sample_rate, sample_rate)
        audio.write_audio(path, samples, sample_rate)


class Describer:
    """The test network of a run folder, ready for images."""

    def __init__(self, run_dir: pathlib.Path | str) -> None:
        """Raises RunFolderError if `run_dir` has no trained network."""
        run = RunFolder(run_dir)
        config = run.config()
        self._network = find(config.system).build_test_network(load_network(run))
        self._sample_rate = config.data.sample_rate
        words, waveforms = run.recordings()
        self._words = words
        self._scorer = Scorer(audio.from_int16(waveforms), self._sample_rate)

    def describe(self, image: np.ndarray, **inputs: np.ndarray) -> Description:
        """Returns the description of an image.

        Args:
            image: uint8 [height, width, channels].
            **inputs: further inputs of the network, without the batch axis.
        """
        values = {"image": image, **inputs}
        batch = {name: np.asarray(value)[None] for name, value in values.items()}
        network_inputs = named_inputs(self._network, batch)
        waveform = self._network(network_inputs, training=False).numpy()[0]
        correlations = self._scorer.correlations(waveform[None])[0]
        if np.all(np.isnan(correlations)):
            return Description(waveform, self._sample_rate, "", float("nan"))
        nearest = int(np.nanargmax(correlations))
        return Description(
            waveform, self._sample_rate, str(self._words[nearest]), float(correlations[nearest])
        )
