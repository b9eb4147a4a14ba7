"""A configuration as JSON text, with fields overridden, and compared with another."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable
from typing import Any

from mtnet_tf.config.fields import Config
from mtnet_tf.config.networks import VoiceConfig
from mtnet_tf.config.ranges import ConfigError, checked, shown

# A configuration has some 4,000 characters, an assignment at most some 200.
_LONGEST_JSON = 100_000
_LONGEST_ASSIGNMENT = 10_000
# What configurations of earlier versions lack, and meant.
_ADDED = {
    "voice": dataclasses.asdict(VoiceConfig()),
    "data.num_voices": 1,
    "training.frozen": [],
    "loss.letters": "mean",
    "adversarial.conditioning": "concatenation",
    "adversarial.mismatched_weight": 1.0,
    "spectrogram_inverter.input_noise": 0.0,
}


def to_json(config: Config) -> str:
    """Returns the configuration as JSON text; `from_json` gives the equal configuration back."""
    return json.dumps(dataclasses.asdict(config), indent=2) + "\n"


def from_json(text: str) -> Config:
    """Returns the configuration in a JSON text, of this version or an earlier one.

    Raises:
        ConfigError: the text is no JSON or far too long, a field is unknown or missing, or a field
            holds what it must not.
    """
    if len(text) > _LONGEST_JSON:
        raise ConfigError(
            f"The configuration must be a JSON text of at most {_LONGEST_JSON:,} characters."
            f" Received: {len(text):,} characters."
        )
    try:
        values = _parsed(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"The configuration is not JSON: {error}.") from error
    return checked(_of_this_version(values), Config, "")


def _of_this_version(values: Any) -> Any:
    """Returns parsed JSON with what was added since."""
    for name, default in _ADDED.items():
        *parents, leaf = name.split(".")
        part = values
        for parent in parents:
            part = part.get(parent) if isinstance(part, dict) else None
        if isinstance(part, dict) and part:
            part.setdefault(leaf, default)
    return values


def override(config: Config, assignments: Iterable[str]) -> Config:
    """Returns the configuration with assignments such as `training.joint.epochs=2` applied.

    A value is JSON (`0.1`, `[8, 16]`, `true`, `null`); what is not JSON is taken as a string. A key
    may also name a part, such as `training.image_encoder_optimizer`, which takes `null` or an
    object of all its fields.

    Args:
        config: stays as it is.
        assignments: each `key=value`, applied in their order.

    Raises:
        ConfigError: a key is unknown (the message names the keys), or the configuration that comes
            out has a field that holds what it must not.
    """
    values = dataclasses.asdict(config)
    valid_keys = list(flatten(values))
    for assignment in assignments:
        key, value = _key_and_value(assignment)
        *parents, leaf = key.split(".")
        if not _has(values, [*parents, leaf]):
            near = difflib.get_close_matches(key, valid_keys, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigError(
                f"There is no key {shown(key)} to override.{hint} The keys are:"
                f" {', '.join(valid_keys)}."
            )
        target = values
        for parent in parents:
            target = target[parent]
        target[leaf] = value
    return checked(values, Config, "")


def require_kept(config: Config, assignments: Iterable[str], by: str) -> None:
    """Raises ConfigError where an assignment no longer holds, because its field was set after it.

    Args:
        config: to which they were applied, and then others.
        assignments: as in `override`; of two of the same key the last one counts.
        by: what applied the others, such as "the change `hinge`".
    """
    last = {assignment.partition("=")[0]: assignment for assignment in assignments}
    for key, assignment in last.items():
        if lost := differences(override(config, [assignment]), config):
            raise ConfigError(
                f"--override={assignment} has no effect: {by} sets {key} itself ({lost[0]}). Leave"
                " it out."
            )


def _has(values: dict, path: list[str]) -> bool:
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True


def _key_and_value(assignment: str) -> tuple[str, Any]:
    key, equals, text = assignment.partition("=")
    if not equals or len(assignment) > _LONGEST_ASSIGNMENT:
        raise ConfigError(
            f"An override reads key=value, in at most {_LONGEST_ASSIGNMENT:,} characters. Received:"
            f" {shown(assignment)}."
        )
    try:
        return key, _parsed(text)
    except json.JSONDecodeError:
        return key, text


def _parsed(text: str) -> Any:
    """Returns what a JSON text holds.

    Raises:
        json.JSONDecodeError: the text is no JSON.
        ConfigError: Python cannot hold it.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise ConfigError(
            "A value of the configuration has too many lists within lists, or too many digits."
            f" Received: {shown(text)}."
        ) from error


def differences(old: Config, new: Config) -> list[str]:
    """Returns one line `key: old -> new` for each field in which two configurations differ."""
    old_values = flatten(dataclasses.asdict(old))
    new_values = flatten(dataclasses.asdict(new))
    # A part that is None in one of them is a key there, and several in the other.
    return [
        f"{key}: {old_values.get(key)!r} -> {new_values.get(key)!r}"
        for key in [*old_values, *(key for key in new_values if key not in old_values)]
        if old_values.get(key) != new_values.get(key)
    ]


def flatten(values: dict, prefix: str = "") -> dict:
    """Returns nested dicts as one: {"training.joint.epochs": 50, ...}."""
    flat = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat
