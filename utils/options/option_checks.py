"""Options that say who uses them, and in which range: other values and flags that a run would ignore are refused."""

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import Field, fields
from typing import Any


class OptionError(ValueError):
    """A value out of range, or an option that would do nothing."""


_NOTHING = ("none", "default", "auto", "", 0, 1, [])


def check_ranges(values: Mapping[str, Any], ranges: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse numbers that an option cannot mean.

    Args:
        values: option -> its value; None and what is no number is passed over.
        ranges: option -> `low` and `high` (both included), `above` and `below` (both excluded), any of them.

    Raises:
        OptionError: a number lies outside, or is none (nan, infinite).

    Example:
        >>> check_ranges({"dropout": 1.5}, {"dropout": {"low": 0, "below": 1}})
        Traceback (most recent call last):
        ...
        utils.options.option_checks.OptionError: --dropout 1.5: expected 0 or more and below 1
    """
    for name, limits in ranges.items():
        value = values.get(name)
        if value is None or isinstance(value, str | bool) or not limits:
            continue
        inside = math.isfinite(value) and limits.get("low", value) <= value <= limits.get("high", value)
        inside = inside and not value <= limits.get("above", -math.inf) and not value >= limits.get("below", math.inf)
        if not inside:
            raise OptionError(f"--{name} {value}: expected {_describe(limits)}")


def _describe(limits: Mapping[str, float]) -> str:
    low, high, above, below = (limits.get(name) for name in ("low", "high", "above", "below"))
    if low is not None and high is not None:
        return f"a number from {low} to {high}"
    if above is not None and below is not None:
        return f"a number between {above} and {below}"
    parts = [f"{low} or more" if low is not None else "", f"a number above {above}" if above is not None else ""]
    parts += [f"at most {high}" if high is not None else "", f"below {below}" if below is not None else ""]
    return " and ".join(part for part in parts if part)


def ranges_of(one: Any) -> dict[str, Mapping[str, float]]:
    """The ranges that a dataclass's fields state in their metadata."""
    return {each.name: each.metadata["limits"] for each in fields(one) if each.metadata.get("limits")}


def refuse_idle(
    groups: Sequence[Any], given: Set[str], others: Mapping[str, Any], *, trains: bool, used_with: Mapping[str, str]
) -> None:
    """Refuse options that were typed, and that this run would ignore.

    An option's metadata `used_with` says who reads it: `loss=focal` (another option has one of these values, apart by
    commas), `template` (another option says something), `!validation_file` (another says nothing) or `training` (a
    model learns); several, with blanks between, are wanted together.

    Args:
        groups: parsed dataclasses.
        given: names of the options that stand on the command line or in the configuration file.
        others: values of options that are declared elsewhere.
        trains: whether a model learns in this run.
        used_with: who reads one of those.

    Raises:
        OptionError: as described.
    """
    ours = {each.name: each for one in groups for each in fields(one)}
    values = dict(others) | {each.name: getattr(one, each.name) for one in groups for each in fields(one)}
    conditions = {name: each.metadata.get("used_with", "") for name, each in ours.items()} | dict(used_with)
    for name in conditions:  # in the order in which help shows them
        if name in given:
            option = ours.get(name)
            idle = option is not None and _is_neutral(values[name], option)
            shown = f"--{name} {values[name]}" if option and option.metadata.get("choices") else f"--{name}"
            if complaint := _unmet(shown, conditions[name], values, trains=trains, idle=idle):
                raise OptionError(complaint)


def _unmet(shown: str, conditions: str, values: Mapping[str, Any], *, trains: bool, idle: bool) -> str | None:
    for condition in conditions.split():
        name, _, wanted = condition.lstrip("!").partition("=")
        if name == "training":
            if not trains:
                return f"{shown} does nothing where no model is trained; leave it out, or give data to train on"
            continue
        if name not in values or idle:
            continue
        if wanted and str(values[name]) not in wanted.split(","):
            other = " or ".join(f"--{name} {each}" for each in wanted.split(","))
            return f"{shown} does nothing with --{name} {values[name]}; leave it out, or take {other}"
        if not wanted and condition.startswith("!") and not _is_nothing(values[name]):
            return f"{shown} does nothing beside --{name}; leave one of them out"
        if not wanted and not condition.startswith("!") and _is_nothing(values[name]):
            return f"{shown} does nothing without --{name}; leave it out, or give that, too"
    return None


def _is_nothing(value: Any) -> bool:
    return value is None or value is False or value in _NOTHING


def _is_neutral(value: Any, option: Field) -> bool:
    """Whether it asks for nothing: a default such as `none`, 0 or False, typed out."""
    return value == option.default and _is_nothing(value)
