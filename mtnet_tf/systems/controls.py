"""Controls: what the scores of a table are worth.

A control is no network of a table: it plays noise, a mean, or a recording. With one recording a
word, a plain classifier that plays the recording is hard to beat: no row of the paper's has a
higher PESQ.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from mtnet_tf.data.draws import drawn_number
from mtnet_tf.data.pairs import AudioDescriptions, Pairs
from mtnet_tf.speech import SpeechEngine, SpeechError

if TYPE_CHECKING:  # Keras imports TensorFlow; the names of the controls are wanted without it.
    import keras

    from mtnet_tf.config import Config

_logger = logging.getLogger(__name__)
Speak = Callable[[Pairs], np.ndarray]

_NUM_NOISES = 16  # different white-noise waveforms; the image id chooses one
_SEED = 0  # of the noise and of the wrong words


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What an evaluation scores: a trained network or a control.

    Attributes:
        name: of its result folder.
        label: what a table calls it.
        speak: pairs -> float32 [n, L_s] in [-1, 1], one waveform a pair. A network looks at the
            inputs of the pairs alone; a control may look at their labels. What it answers for a
            pair depends on that pair, not on where the pair stands.
    """

    name: str
    label: str
    speak: Speak


@dataclasses.dataclass(frozen=True)
class Context:
    """What a control may look at.

    Attributes:
        data: the data set. The recordings are those that its training split uses.
        predicted: {image id: word} of the pairs to score, by the softmax head of a network or as
            it spells them; None where it does neither.
        config: of the run that the control stands beside; None for no run.
        network: of that run.
    """

    data: AudioDescriptions
    predicted: Mapping[str, str] | None = None
    config: Config | None = None
    network: keras.Model | None = None


@dataclasses.dataclass(frozen=True)
class Control:
    """One control of the tables.

    Attributes:
        name, label: as a `Candidate` has them.
        make: context -> its `speak`; None where it cannot be made, such as without a second word.
        make_engine: makes the engine that it speaks with, or raises SpeechError where that is not
            installed; None for no engine.
    """

    name: str
    label: str
    make: Callable[[Context], Speak | None]
    make_engine: Callable[[], SpeechEngine] | None = None


def _white_noise(context: Context) -> Speak:
    """White noise at the level of the recordings that the training split uses."""
    data = context.data
    recordings = data.recordings.float_waveforms()
    level = np.sqrt(np.mean(np.square(recordings[np.unique(data.train.recordings)])))
    random = np.random.default_rng(_SEED)
    noises = random.normal(0.0, level, [_NUM_NOISES, recordings.shape[1]])
    noises = np.clip(noises, -1, 1).astype(np.float32)
    return lambda pairs: noises[[drawn_number(_SEED, i) % _NUM_NOISES for i in pairs.image_ids]]


def _mean_waveform(context: Context) -> Speak:
    """The mean waveform of the training pairs, for every image."""
    data = context.data
    uses = np.bincount(data.train.recordings, minlength=len(data.recordings)) / len(data.train)
    mean = (uses @ data.recordings.float_waveforms()).astype(np.float32)
    return lambda pairs: np.tile(mean, [len(pairs), 1])


def _wrong_word(context: Context) -> Speak | None:
    """A recording of another word, drawn for each image."""
    num_words, say = len(context.data.words), _lookup(context)
    if num_words < 2:
        return None

    def speak(pairs: Pairs) -> np.ndarray:
        shifts = [1 + drawn_number(_SEED, i) % (num_words - 1) for i in pairs.image_ids]
        return say(pairs, (pairs.labels + np.array(shifts)) % num_words)

    return speak


def _classifier_and_recording(context: Context) -> Speak | None:
    """The recording of the word that the softmax head sees, or silence for what is no word."""
    predicted, say = context.predicted, _lookup(context)
    if predicted is None:
        return None
    labels = {word: label for label, word in enumerate(context.data.words)}

    def speak(pairs: Pairs) -> np.ndarray:
        found = np.array([labels.get(predicted[i], -1) for i in pairs.image_ids])
        return np.where(found[:, None] < 0, np.float32(0), say(pairs, found))

    return speak


def _true_label_and_recording(context: Context) -> Speak:
    """The recording of the true word: the ceiling, where each word has one by each voice."""
    say = _lookup(context)
    return lambda pairs: say(pairs, pairs.labels)


CEILING = Control("true_label_and_recording", "true label + recording", _true_label_and_recording)

# Those of every table, in its order. They are scored beside MT-Net, whose head they look at.
CONTROLS = (
    Control("white_noise", "white noise", _white_noise),
    Control("mean_waveform", "mean waveform", _mean_waveform),
    Control("wrong_word", "wrong word", _wrong_word),
    Control("classifier_and_recording", "classifier + recording", _classifier_and_recording),
    CEILING,
)


def installed(controls: Iterable[Control]) -> list[Control]:
    """Returns the controls without those whose engine is not installed; a warning names these."""
    found = []
    for control in controls:
        try:
            if control.make_engine is not None:
                control.make_engine()
            found.append(control)
        except SpeechError as error:
            _logger.warning("The control %r is left out: %s", control.label, error)
    return found


def make_controls(context: Context, controls: Sequence[Control] = CONTROLS) -> list[Candidate]:
    """Returns the controls that can be made as candidates, in their order."""
    made = [(control, control.make(context)) for control in installed(controls)]
    return [Candidate(control.name, control.label, speak) for control, speak in made if speak]


def _lookup(context: Context) -> Callable[[Pairs, np.ndarray], np.ndarray]:
    """Returns (n pairs, labels) -> float32 [n, L_s]: the word's first recording in the training.

    It is one by the pair's voice where the network beside it is told the voice too.
    """
    data, network = context.data, context.network
    waveforms = data.recordings.float_waveforms()
    if network is None or "voice" not in network.input:
        of_word = data.first_recordings()
        return lambda pairs, labels: waveforms[of_word[labels]]
    of_voice = data.recordings_by_voice()
    return lambda pairs, labels: waveforms[of_voice[pairs.voices, labels]]
