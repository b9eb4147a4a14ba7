"""A change of a recipe: a handful of overrides of its base, which is a change too or the preset."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from mtnet_tf import config as config_lib
from mtnet_tf.config import Config

# One epoch is enough to see what several recordings of a word do.
ONE_EPOCH = ("training.joint.epochs=1", "training.joint.batch_size=64")


@dataclasses.dataclass(frozen=True)
class Change:
    """One change of a recipe.

    Attributes:
        label: what a table calls it.
        overrides: assignments as `config.override` takes them.
        base: the change that it starts from; None for the preset.
    """

    label: str
    overrides: tuple[str, ...] = ()
    base: str | None = "baseline"


def changed(name: str, changes: Mapping[str, Change], config: Config) -> Config:
    """Returns a configuration with a change, after the changes that it starts from.

    Args:
        name: a key of `changes`.
        changes: of a study.
        config: the configuration to change.

    Raises:
        ConfigError: there is no change of that name.
    """
    if name not in changes:
        raise config_lib.ConfigError(
            f"There is no change {name!r}. The changes are: {', '.join(changes)}."
        )
    change = changes[name]
    if change.base is not None:
        config = changed(change.base, changes, config)
    return config_lib.override(config, list(change.overrides))
