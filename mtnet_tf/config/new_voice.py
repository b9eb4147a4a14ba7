"""The configuration of a training that teaches a network another voice (beyond the paper)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mtnet_tf.config.overrides import override
from mtnet_tf.config.ranges import ConfigError

if TYPE_CHECKING:
    from mtnet_tf.config.fields import Config


def configure_new_voice(config: Config, frozen: Sequence[str], overrides: Iterable[str]) -> Config:
    """Returns the configuration of a training that begins with the network of another one.

    Eq. 9 alone is left to teach the voice, and asks for the pair's own recording: stage 1 has not
    heard the voice, which need not have said all words. All else stays as it was, so
    `loss.generation_gradient` still spares the cross-modal mapper and the image encoder.

    Args:
        config: of the other run.
        frozen: names of the layers that stay as they are.
        overrides: assignments as `override` takes them, over all that.

    Raises:
        ConfigError: the network does not depend on the voice, or an override is refused.
    """
    if not config.depends_on_voice:
        raise ConfigError(
            "A new voice needs a network that depends on the voice. Train one on two voices or more"
            " with --override=voice.conditioning=concatenation."
        )
    loss = dataclasses.replace(config.loss.without_audio_feature(), generation_target="true_word")
    training = dataclasses.replace(config.training, frozen=tuple(frozen))
    config = dataclasses.replace(config, loss=loss, training=training)
    return override(config, overrides)
