"""Figure 5 and the voices: what an example is, and where the files of the examples lie.

Who makes them and who shows them asks here. TensorFlow is not imported.
"""

from __future__ import annotations

import dataclasses
import pathlib

from mtnet_tf.files import safe_name

RECORD = "examples.json"  # in their folder: what was chosen, and who said it how
TRUE = "true"  # the name under which the recordings themselves are heard
TRUE_LABEL = "the recording"  # what a reader is told that this is
SPECTROGRAMS = "systems.png"  # in their folder: what each system says
_OF_DATASET = "_examples"  # how their folder ends
OF_VOICES = "examples"  # the folder of the examples of the voices, beside their result files


@dataclasses.dataclass(frozen=True)
class Example:
    """A scored pair that is shown.

    Attributes:
        image_id: which pair.
        word: what it should say.
        retrieved_word: the word that it is nearest to; "" for silence.
        corr2d: its score.
    """

    image_id: str
    word: str
    retrieved_word: str
    corr2d: float

    @property
    def kind(self) -> str:
        """Whether its word was retrieved: "good" or "bad"."""
        return "good" if self.word == self.retrieved_word else "bad"


def folder_of(results: pathlib.Path, dataset: str) -> pathlib.Path:
    """Returns the folder of the examples of a data set, beside the result files of its cells."""
    return results / f"{dataset}{_OF_DATASET}"


def datasets_with_examples(results: pathlib.Path) -> list[str]:
    """Returns the data sets that have examples beside the result files of their cells."""
    found = results.glob(f"*{_OF_DATASET}/{RECORD}")
    return [path.parent.name.removesuffix(_OF_DATASET) for path in found]


def image_of(folder: pathlib.Path, number: int) -> pathlib.Path:
    """Returns the picture of an example; the first has the number 1."""
    return folder / "images" / f"{number}.png"


def sound_of(folder: pathlib.Path, number: int, example: Example, name: str) -> pathlib.Path:
    """Returns the sound of an example.

    Args:
        folder: of the examples.
        number: of the example; the first has 1.
        example: the example.
        name: of the system or control that says it, or `TRUE`.
    """
    word = safe_name(example.word)
    return folder / "sounds" / f"{number}_{example.kind}_{word}_{name}.flac"


def sound_of_voice(folder: pathlib.Path, number: int, voice: str, name: str) -> pathlib.Path:
    """Returns the sound of an example of the voices.

    Args:
        folder: of the examples.
        number: of the example; the first has 1.
        voice: in which it is said.
        name: of the network that says it, or of the recording.
    """
    return folder / "sounds" / f"{number}_{safe_name(voice)}_{name}.flac"
