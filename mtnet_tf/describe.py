"""The testing stage (section 3.5): pictures -> spoken words, and how sure the network is."""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import scipy.special
import tensorflow as tf

from mtnet_tf import pretrained
from mtnet_tf.data import audio, audio_files
from mtnet_tf.data.images import decode_image, read_image
from mtnet_tf.data.picture_files import ImageError
from mtnet_tf.data.playing import play
from mtnet_tf.data.slices import slices
from mtnet_tf.errors import InputError
from mtnet_tf.models.inputs import named_inputs
from mtnet_tf.models.tracing import traced
from mtnet_tf.runs.calibration import Calibration, read_calibration
from mtnet_tf.runs.run_folder import RunFolder
from mtnet_tf.speech import letters
from mtnet_tf.systems.trained import load_network

if TYPE_CHECKING:
    import keras

    from mtnet_tf.metrics.scorer import Scorer

Picture = pathlib.Path | str | bytes | np.ndarray

_BATCH = 64


@dataclasses.dataclass(frozen=True)
class Guess:
    """What the softmax layer takes a picture for.

    Attributes:
        word: a word of the data set.
        probability: in [0, 1], after the temperature of the run's calibration.
    """

    word: str
    probability: float


@dataclasses.dataclass(frozen=True)
class Description:
    """A spoken description.

    Attributes:
        waveform: float32 [L_s] in [-1, 1].
        sample_rate: Hz.
        image: what the network saw, uint8 [height, width, channels].
        inverted: whether light and dark were exchanged before.
        guesses: of the softmax layer, all words, the likeliest first; empty without such a layer.
        text: what a network that spells has written; "" for any other.
        threshold: the probability from which on the network counts as sure.
    """

    waveform: np.ndarray
    sample_rate: int
    image: np.ndarray
    inverted: bool
    guesses: tuple[Guess, ...]
    text: str
    threshold: float
    _recordings: _Recordings = dataclasses.field(repr=False)

    @property
    def word(self) -> str:
        """What the picture shows: the likeliest word, or the text, or the nearest recording's."""
        return self.guesses[0].word if self.guesses else self.text or self.nearest[0]

    @property
    def is_sure(self) -> bool | None:
        """Whether the word is likely enough to be relied on; None without a softmax layer."""
        return self.guesses[0].probability >= self.threshold if self.guesses else None

    @functools.cached_property
    def nearest(self) -> tuple[str, float]:
        """The word of the recording with the highest Corr2D, and that Corr2D; ("", NaN) if silent.

        It tells what was said. It does not tell whether that is right.
        """
        return self._recordings.nearest(self.waveform)

    @property
    def duration_secs(self) -> float:
        """Length of the waveform in seconds."""
        return len(self.waveform) / self.sample_rate

    def write(self, path: pathlib.Path | str, sample_rate: int | None = None) -> None:
        """Writes a 16-bit wav or flac file, resampled to `sample_rate` Hz; None for its own.

        The paper: "interpolated to generate the corresponding audio file according to the sample
        frequency". Raises AudioError for a rate or a path that cannot be used.
        """
        sample_rate = sample_rate or self.sample_rate
        samples = audio.resample(self.waveform, self.sample_rate, sample_rate)
        audio_files.write_audio(path, samples, sample_rate)

    def play(self) -> None:
        """Plays the sound, and returns when it has ended. Raises AudioError without a player."""
        play(self.waveform, self.sample_rate)


class Describer:
    """The trained network of a run folder, ready for pictures.

    Attributes:
        words: what it can say.
        voices: that it speaks in: as the one that is asked for; where it does not depend on the
            voice, as all of them together, or as the only one.
        image_shape: (height, width, channels) of what it sees.
        sample_rate: Hz, of what it says.
    """

    def __init__(self, run_dir: pathlib.Path | str | None = None) -> None:
        """Reads the network.

        Args:
            run_dir: a run folder; None for the network of digits that ships with the package
                (`pretrained.run_dir` has others).

        Raises:
            RunFolderError: `run_dir` has no trained network.
        """
        self._run = run = RunFolder(pretrained.run_dir() if run_dir is None else run_dir)
        self._config = run.config()
        self._network = load_network(run)
        self._apply = _as_graph(self._network)
        self._calibration = read_calibration(run)
        self._recordings = _Recordings(run, self._config.data.sample_rate)
        self.words = self._recordings.words
        self.voices = tuple(run.voices_spoken())
        self.image_shape = self._config.data.image_shape
        self.sample_rate = self._config.data.sample_rate

    def describe(
        self,
        picture: Picture,
        *,
        invert: Literal["auto", "yes", "no"] = "auto",
        voice: str | None = None,
        **inputs: Any,
    ) -> Description:
        """Returns the description of a picture.

        Args:
            picture: the path or the bytes of a picture file, which may have any size
                (`data.images.decode_image`); or uint8 [*image_shape], which is taken as it is.
            invert: as in `decode_image`; an array is never inverted.
            voice: one of `voices`; None for the first.
            **inputs: further inputs of the network, without the batch axis.

        Raises:
            ImageError: the picture cannot be used.
            InputError: there is no such voice, the network does not depend on the voice, or it has
                no such input.
        """
        (description,) = self.describe_all([picture], invert=invert, voice=voice, **inputs)
        return description

    def describe_all(
        self,
        pictures: Sequence[Picture],
        *,
        invert: Literal["auto", "yes", "no"] = "auto",
        voice: str | None = None,
        **inputs: Any,
    ) -> list[Description]:
        """Returns the descriptions of pictures, as `describe` does of one.

        Args:
            pictures: as in `describe`.
            invert: as in `describe`.
            voice: as in `describe`, the same for all.
            **inputs: as in `describe`, the same for all.
        """
        self._check_names(inputs)
        number = 0 if voice is None else self._run.voice_number(voice)
        if "voice" in self._network.input:
            inputs["voice"] = np.int32(number)
        seen = [self._see(picture, invert) for picture in pictures]
        found = []
        for rows in slices(len(seen), _BATCH):
            found += self._describe(seen[rows], inputs)
        return found

    def _check_names(self, inputs: dict[str, Any]) -> None:
        known = [name for name in self._network.input if name != "image"]
        if unknown := [name for name in inputs if name not in known]:
            raise InputError(
                f"The network has no input {', '.join(unknown)}. Beside the picture it takes:"
                f" {', '.join(known) or 'nothing'}."
            )

    def _see(self, picture: Picture, invert: str) -> tuple[np.ndarray, bool]:
        """Returns a picture as the network sees it, and whether it was inverted."""
        data = self._config.data
        if isinstance(picture, bytes):
            return decode_image(picture, data.image_shape, invert, data.digit_size)
        if isinstance(picture, np.ndarray):
            if picture.shape != data.image_shape or picture.dtype != np.uint8:
                raise ImageError(
                    f"An array is taken as it is: it must be uint8 {list(data.image_shape)}."
                    f" Received: {picture.dtype} {list(picture.shape)}. Give the path or the bytes"
                    " of a picture of another size."
                )
            return picture, False
        return read_image(picture, data.image_shape, invert, data.digit_size)

    def _describe(
        self, seen: list[tuple[np.ndarray, bool]], inputs: dict[str, Any]
    ) -> list[Description]:
        values = {"image": np.stack([image for image, _ in seen])}
        for name, value in inputs.items():
            values[name] = np.stack([np.asarray(value)] * len(seen))
        outputs = self._apply(named_inputs(self._network, values))
        texts = [""] * len(seen)
        if "letters" in outputs:
            texts = letters.decode(outputs["letters"].numpy())
        guesses = [()] * len(seen)
        if "logits" in outputs:
            guesses = [_guesses(row, self.words, self._calibration) for row in outputs["logits"]]
        return [
            Description(
                waveform,
                self.sample_rate,
                image,
                inverted,
                guesses[k],
                texts[k],
                self._calibration.threshold,
                self._recordings,
            )
            for k, (waveform, (image, inverted)) in enumerate(
                zip(outputs["waveform"].numpy(), seen)
            )
        ]


def _as_graph(network: keras.Model) -> Callable[[dict[str, Any]], dict[str, tf.Tensor]]:
    """Returns the network as one graph for batches of any size, 15 times as fast as layer by layer.

    All calls go this way: the last bits of a waveform do not depend on which call it was.
    """
    specs = {
        name: tf.TensorSpec(tensor.shape, tensor.dtype) for name, tensor in network.input.items()
    }
    graph = traced(lambda inputs: network(inputs, training=False), input_signature=[specs])
    return lambda inputs: graph(
        {name: tf.cast(inputs[name], spec.dtype) for name, spec in specs.items()}
    )


def _guesses(logits: Any, words: Sequence[str], calibration: Calibration) -> tuple[Guess, ...]:
    scaled = np.asarray(logits, np.float64) / calibration.temperature
    probabilities = scipy.special.softmax(scaled)
    order = np.argsort(-probabilities, kind="stable")
    return tuple(Guess(words[k], float(probabilities[k])) for k in order)


class _Recordings:
    """The recordings of a run, which tell what word a sound is nearest to."""

    def __init__(self, run: RunFolder, sample_rate: int) -> None:
        recordings = run.recordings()
        self._labels = recordings.labels[recordings.labels >= 0]
        self._waveforms = recordings.waveforms[recordings.labels >= 0]
        self._sample_rate = sample_rate
        self.words = tuple(run.words())

    @functools.cached_property
    def _scorer(self) -> Scorer:
        # Here and not above: most callers do not ask, and its import takes a second.
        from mtnet_tf.metrics.scorer import Scorer

        return Scorer(audio.from_int16(self._waveforms), self._sample_rate)

    def nearest(self, waveform: np.ndarray) -> tuple[str, float]:
        from mtnet_tf.metrics.scorer import nearest_reference

        nearest, corr2d = nearest_reference(self._scorer.correlations(waveform[None])[0])
        return "" if nearest is None else self.words[self._labels[nearest]], corr2d
