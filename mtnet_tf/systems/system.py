"""What a system is: one record from its name in a table to its network at test time."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # They import TensorFlow; the names of the systems are wanted without it.
    import keras

    from mtnet_tf.config import Config
    from mtnet_tf.data.pairs import AudioDescriptions
    from mtnet_tf.systems.controls import Control
    from mtnet_tf.training.session import Session

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def _unchanged(config: Config) -> Config:
    return config


def _nothing(of: Config | keras.Model) -> None:
    del of


@dataclasses.dataclass(frozen=True)
class System:
    """A network that is trained on images and recordings, and then speaks images.

    Attributes:
        name: of its run folder, its result files and the flag value: lower case letters, digits
            and underscores.
        label: what a table calls it; the paper's words where the paper has it.
        tables: the paper's tables that it is a row of, such as "3"; any other text for a table of
            one's own. A study compares the rows of the first.
        build: config -> the network that is trained and saved. It takes a dict of named inputs
            (`image`, uint8 [batch, height, width, channels]) and returns a dict of named outputs
            with `waveform`, float32 [batch, L_s] in [-1, 1], and, where it classifies, `logits`,
            float32 [batch, num_classes].
        train: (config, data, session) -> the trained network: the stages, one after the other.
        configure: config -> config, what the system changes in a configuration, if anything.
        check: config -> None, once it has the shapes of the data set and before it is trained;
            raises ConfigError where the system cannot be built or trained so.
        make_ready: network -> None, before it speaks: loads what it speaks with and is no network,
            such as a text-to-speech engine. Raises InputError where that is not installed.
        controls: what is scored beside the first run of it, such as the ceiling of a part of it.
        takes_voices: whether it reads `voice.conditioning` and `training.frozen`.
    """

    name: str
    label: str
    tables: tuple[str, ...]
    build: Callable[[Config], keras.Model]
    train: Callable[[Config, AudioDescriptions, Session], keras.Model]
    configure: Callable[[Config], Config] = _unchanged
    check: Callable[[Config], None] = _nothing
    make_ready: Callable[[keras.Model], None] = _nothing
    controls: tuple[Control, ...] = ()
    takes_voices: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError for a name that cannot be a folder's, or without a label or tables."""
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                "A system's name is lower case letters, digits and underscores."
                f" Received: {self.name!r}."
            )
        # A text would be taken for a tuple of letters.
        if not self.label or not self.tables or isinstance(self.tables, str):
            raise ValueError(
                f"The system {self.name} needs a label and a tuple of tables."
                f" Received: label={self.label!r}, tables={self.tables!r}."
            )

    def build_for_use(self, config: Config) -> keras.Model:
        """Returns the network as it is used, in float32 whatever its training was; untrained."""
        return self.build(config.in_float32())
