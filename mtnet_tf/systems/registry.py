"""The one list of systems. Flags, studies, reports and pages ask it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mtnet_tf.config import Config, ConfigError
from mtnet_tf.systems import cmcgan, dcmavg, i2t2a, mtnet
from mtnet_tf.systems.system import System

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mtnet_tf.systems.controls import Control

_systems: dict[str, System] = {}


def register(system: System) -> System:
    """Adds a system, which then is a row of its tables, and returns it.

    Raises:
        ValueError: another system has its name, or its label in one of its tables.
    """
    for other in _systems.values():
        same_table = set(other.tables) & set(system.tables)
        if other.name == system.name or (same_table and other.label == system.label):
            raise ValueError(
                f"There is a system {other.name!r} with the label {other.label!r} in the tables"
                f" {', '.join(other.tables)} already. Received: {system.name!r}, {system.label!r}."
            )
    _systems[system.name] = system
    return system


def names() -> tuple[str, ...]:
    """Returns the names of all systems, in the order of the tables."""
    return tuple(_systems)


def find(name: str) -> System:
    """Returns the system `name`. Raises ConfigError, with the names that there are, for another."""
    if name not in _systems:
        raise ConfigError(f"There is no system {name!r}. The systems are: {', '.join(_systems)}.")
    return _systems[name]


def find_all(names: Iterable[str]) -> tuple[System, ...]:
    """Returns the systems of some names. Raises ConfigError for none, an unknown or one twice."""
    names = list(names)
    if not names:
        raise ConfigError(f"No system is named. The systems are: {', '.join(_systems)}.")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"These systems are named more than once: {', '.join(twice)}.")
    return tuple(find(name) for name in names)


def of_table(table: str) -> tuple[System, ...]:
    """Returns the rows of a table, in its order."""
    return tuple(system for system in _systems.values() if table in system.tables)


def controls(table: str | None = None) -> dict[str, tuple[System, Control]]:
    """Returns {name of a control: (the system that it is scored beside, the control)}.

    Args:
        table: whose systems are asked; None for all systems.
    """
    rows = _systems.values() if table is None else of_table(table)
    return {control.name: (system, control) for system in rows for control in system.controls}


def configure(name: str, config: Config) -> Config:
    """Returns a configuration of MT-Net changed to that of the system `name`.

    Raises:
        ConfigError: as `find`; the configuration is another system's already; or it asks for
            voices, which the system does not take.
    """
    if config.system not in ("mtnet", name):
        raise ConfigError(
            f"The configuration is of the system {config.system!r}, and {name!r} is asked for. Name"
            " the system with --system alone."
        )
    system = find(name)
    if not system.takes_voices:
        for field, value, without in (
            ("voice.conditioning", config.voice.conditioning, "none"),
            ("training.frozen", config.training.frozen, ()),
        ):
            if value != without:
                raise ConfigError.of_field(field, f"is not for {system.label}", value)
    return dataclasses.replace(system.configure(config), system=name)


# MT-Net is the last row of both tables.
for _row in (*mtnet.ABLATIONS, dcmavg.DCMAVG, cmcgan.CMCGAN, i2t2a.I2T2A, mtnet.MTNET):
    register(_row)
