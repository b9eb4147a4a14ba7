"""The type and the range of a field, written at the field, and the one function that checks them.

A field's annotation says all that it may be: `Annotated[float, Range(least=0, below=1)]`,
`Annotated[tuple[int, ...], Length(most=32)]`, `Literal["relu", "tanh"]`, or one of these `| None`.
`checked` reads the annotation and checks a value against it, whether the value comes from Python,
from JSON or from an override.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
import re
import types
import typing
from typing import Any

from mtnet_tf.errors import InputError

_LONGEST_SHOWN = 200


class ConfigError(InputError, ValueError):
    """A configuration that cannot be used; the message says which field, why, and what it held."""

    @classmethod
    def of_field(cls, name: str, rule: str, value: Any) -> ConfigError:
        """Returns the error of a field that breaks a rule.

        Args:
            name: the field's full name, such as `training.joint.batch_size`.
            rule: what the field must be, such as "must be at least 1".
            value: what the field held.
        """
        return cls(f"{name} {rule}. Received: {name}={shown(value)}.")


@dataclasses.dataclass(frozen=True)
class Range:
    """The numbers that a field may hold. A bound that is not given does not exist.

    Attributes:
        least: the smallest number.
        most: the largest number.
        above: a bound that is itself too small.
        below: a bound that is itself too large.
        odd: whether only odd numbers are allowed.
    """

    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    odd: bool = False

    def broken(self, value: float) -> str | None:
        """Returns the rule that `value` breaks, or None."""
        if value < self.least:
            return f"must be at least {self.least:,}"
        if value > self.most:
            return f"must be at most {self.most:,}"
        if value <= self.above:
            return f"must be above {self.above:,}"
        if value >= self.below:
            return f"must be below {self.below:,}"
        return "must be odd" if self.odd and value % 2 == 0 else None


@dataclasses.dataclass(frozen=True)
class Length:
    """How many entries a list may have.

    Attributes:
        least: the smallest number of entries.
        most: the largest number of entries.
    """

    least: int
    most: int

    def broken(self, value: tuple) -> str | None:
        """Returns the rule that `value` breaks, or None."""
        if self.least <= len(value) <= self.most:
            return None
        return f"must have from {self.least} to {self.most} entries"


@dataclasses.dataclass(frozen=True)
class Form:
    """What a text may look like.

    Attributes:
        pattern: a regular expression that the whole text matches.
        rule: the same in words, after "must be".
    """

    pattern: str
    rule: str

    def broken(self, value: str) -> str | None:
        """Returns the rule that `value` breaks, or None."""
        return None if re.fullmatch(self.pattern, value) else f"must be {self.rule}"


def checked(value: Any, annotation: Any, name: str) -> Any:
    """Returns `value` as a field with `annotation` holds it: tuples for lists, floats for integers.

    Args:
        value: what came from Python or JSON. A part of the configuration is a dataclass or a dict.
        annotation: the field's type and range, or a dataclass.
        name: the field's full name, "" for the whole configuration.

    Raises:
        ConfigError: the value has another type, is not finite, or lies outside of its range.
    """
    if dataclasses.is_dataclass(annotation):
        return _checked_part(value, annotation, name)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):  # `X | None`
        (given,) = [argument for argument in arguments if argument is not types.NoneType]
        return None if value is None else checked(value, given, name)
    if origin is typing.Literal:
        if not any(type(value) is type(choice) and value == choice for choice in arguments):
            raise ConfigError.of_field(
                name, f"must be one of {', '.join(map(str, arguments))}", value
            )
        return value
    rules = getattr(annotation, "__metadata__", ())
    if origin is typing.Annotated:
        annotation = arguments[0]
    value = _of_type(value, annotation, name)
    for rule in rules:
        if broken := rule.broken(value):
            raise ConfigError.of_field(name, broken, value)
    if typing.get_origin(annotation) is tuple:
        return _checked_entries(value, annotation, name)
    return value


def checked_fields(values: dict, cls: type, name: str = "") -> dict:
    """Returns the values of the fields of dataclass `cls`, each checked.

    Args:
        values: {field: value}.
        cls: the dataclass.
        name: its own full name, "" for the whole configuration.

    Raises:
        ConfigError: a field is missing, unknown, or holds what it must not.
    """
    annotations = _annotations(cls)
    unknown, missing = set(values) - set(annotations), set(annotations) - set(values)
    if unknown or missing:
        what = [f"unknown: {_cut(', '.join(sorted(unknown)))}"] if unknown else []
        what += [f"missing: {', '.join(sorted(missing))}"] if missing else []
        raise ConfigError(
            f"The fields of {name or 'the configuration'} do not fit this version"
            f" ({'; '.join(what)})."
        )
    return {
        field: checked(values[field], annotation, f"{name}.{field}" if name else field)
        for field, annotation in annotations.items()
    }


@functools.cache
def _annotations(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _checked_part(value: Any, cls: type, name: str):
    if isinstance(value, cls):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(cls)}
    if not isinstance(value, dict):
        raise ConfigError(
            f"{name or 'The configuration'} must be an object of fields. Received: {shown(value)}."
        )
    return cls(**checked_fields(value, cls, name))


def _checked_entries(value: tuple, annotation: Any, name: str) -> tuple:
    entries = typing.get_args(annotation)
    if entries[-1] is Ellipsis:
        entries = entries[:1] * len(value)
    elif len(entries) != len(value):
        raise ConfigError.of_field(name, f"must have {len(entries)} entries", value)
    return tuple(
        checked(entry, annotation, f"{name}[{i}]")
        for i, (entry, annotation) in enumerate(zip(value, entries))
    )


def _of_type(value: Any, annotation: Any, name: str):
    """Returns `value` in the type of a field without its range; the entries of a list stay."""
    if typing.get_origin(annotation) is tuple:
        if isinstance(value, (list, tuple)):
            return tuple(value)
        wanted = "a list"
    elif annotation is bool:
        if isinstance(value, bool):
            return value
        wanted = "true or false"
    elif annotation is str:
        if isinstance(value, str):
            return value
        wanted = "a text"
    elif annotation is int:
        # Python counts True and False among the integers.
        if isinstance(value, numbers.Integral) and not isinstance(value, bool):
            return int(value)
        wanted = "a whole number"
    elif annotation is float:
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            return _finite(value, name)
        wanted = "a number"
    else:
        raise TypeError(f"{name} has a type that is not known here: {annotation!r}.")
    raise ConfigError.of_field(name, f"must be {wanted}", value)


def _finite(value: numbers.Real, name: str) -> float:
    try:
        number = float(value)
    except OverflowError:  # an integer beyond the largest float
        number = math.inf
    if not math.isfinite(number):
        raise ConfigError.of_field(name, "must be a finite number", value)
    return number


def shown(value: Any) -> str:
    """Returns `value` as an error message shows it: on one line, and cut where it is long."""
    try:
        return _cut(repr(value))
    except (
        ValueError,
        RecursionError,
    ):  # an integer of thousands of digits, a list in a list in...
        return f"a very long {type(value).__name__}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
