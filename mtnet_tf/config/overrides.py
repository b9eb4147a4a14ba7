"""A configuration as JSON text, with fields overridden, and compared with another."""

from __future__ import annotations

import dataclasses
import difflib
import json
import types
import typing

from mtnet_tf.config.checks import ConfigError
from mtnet_tf.config.fields import Config


def to_json(config: Config) -> str:
    """Returns the configuration as JSON text; `from_json` gives the equal configuration back."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str) -> Config:
    """Returns the configuration in a JSON text. Raises ConfigError for unknown, missing or ill-typed fields."""
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"The configuration is not JSON: {error}.") from error
    return _build(Config, values, "")


def override(config: Config, assignments: typing.Iterable[str]) -> Config:
    """Returns the configuration with assignments such as `training.joint.epochs=2` applied.

    A value is JSON (`0.1`, `[8, 16]`, `true`, `null`); what is not JSON is taken as a string. Raises ConfigError naming
    the valid keys for an unknown key, and the expected type for an ill-typed value.
    """
    values = dataclasses.asdict(config)
    valid_keys = list(flatten(values))
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ConfigError(f"An override reads key=value. Received: {assignment!r}.")
        if key not in valid_keys:
            near = difflib.get_close_matches(key, valid_keys, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigError(
                f"There is no key {key!r} to override.{hint} The keys are: {', '.join(valid_keys)}."
            )
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            value = text
        *parents, leaf = key.split(".")
        target = values
        for parent in parents:
            target = target[parent]
        target[leaf] = value
    return _build(Config, values, "")


def differences(old: Config, new: Config) -> list[str]:
    """Returns one line `key: old -> new` for each field in which the two configurations differ."""
    old_values = flatten(dataclasses.asdict(old))
    new_values = flatten(dataclasses.asdict(new))
    return [
        f"{key}: {value!r} -> {new_values[key]!r}"
        for key, value in old_values.items()
        if new_values[key] != value
    ]


def flatten(values: dict, prefix: str = "") -> dict:
    """Returns nested dicts as one, {"training.joint.epochs": 50, ...}."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _build(cls, values, path: str):
    """Builds dataclass `cls` from plain JSON values, checking names and types."""
    if not isinstance(values, dict):
        raise ConfigError(f"{path or 'The configuration'} must be an object. Received: {values!r}.")
    hints = typing.get_type_hints(cls)
    unknown, missing = set(values) - set(hints), set(hints) - set(values)
    if unknown or missing:
        what = [f"unknown: {', '.join(sorted(unknown))}"] if unknown else []
        what += [f"missing: {', '.join(sorted(missing))}"] if missing else []
        raise ConfigError(
            f"The fields of {path or 'the configuration'} do not fit this version ({'; '.join(what)})."
        )
    built = {}
    for name, hint in hints.items():
        where = f"{path}.{name}" if path else name
        value = values[name]
        built[name] = (
            _build(hint, value, where)
            if dataclasses.is_dataclass(hint)
            else _convert(value, hint, where)
        )
    return cls(**built)


def _convert(value, hint, where: str):
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        if value is None:
            return None
        (hint,) = [arg for arg in typing.get_args(hint) if arg is not type(None)]
    if typing.get_origin(hint) is tuple:
        if isinstance(value, (list, tuple)):
            item = typing.get_args(hint)[0]
            return tuple(_convert(v, item, where) for v in value)
    elif hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    elif isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    wanted = getattr(hint, "__name__", str(hint)) if typing.get_origin(hint) is None else str(hint)
    raise ConfigError(f"{where} must be of type {wanted}. Received: {value!r}.")
