"""The testing stage (section 3.5): one image to one waveform, interpolated to the sample rate asked for."""

from __future__ import annotations

import dataclasses

import numpy as np

from mtnet_tf.data import audio
from mtnet_tf.files import read_npz
from mtnet_tf.metrics.scorer import Scorer
from mtnet_tf.models.mtnet import build_test_network
from mtnet_tf.runs.run_folder import RunFolder


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
        return len(self.waveform) / self.sample_rate

    def write(self, path, sample_rate: int) -> None:
        """Writes a 16-bit file at `sample_rate` Hz ("interpolated ... according to the sample frequency")."""
        audio.write_audio(
            path, audio.resample(self.waveform, self.sample_rate, sample_rate), sample_rate
        )


class Describer:
    """The test network of a run folder, ready for images."""

    def __init__(self, run_dir):
        """Raises RunFolderError if `run_dir` has no trained network."""
        run = RunFolder(run_dir)
        self._network = build_test_network(run.model())
        self._sample_rate = run.config().data.sample_rate
        recordings = read_npz(run / "recordings.npz")
        used = recordings["word"] != ""
        self._words = recordings["word"][used]
        self._scorer = Scorer(audio.from_int16(recordings["waveform"][used]), self._sample_rate)

    def describe(self, image: np.ndarray) -> Description:
        """Returns the description of an image, uint8 [height, width, channels]."""
        waveform = self._network(image[None], training=False).numpy()[0]
        correlations = self._scorer.correlations(waveform[None])[0]
        if np.all(np.isnan(correlations)):
            return Description(waveform, self._sample_rate, "", float("nan"))
        nearest = int(np.nanargmax(correlations))
        return Description(
            waveform, self._sample_rate, str(self._words[nearest]), float(correlations[nearest])
        )
