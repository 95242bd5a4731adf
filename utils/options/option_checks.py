"""Checks of options: values out of range, and options that a run would ignore, are refused."""

import math
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence, Set
from dataclasses import Field, fields
from typing import Any

from ..data.errors import ArgumentError

_NOTHING = ("none", "default", "auto", "", 0, 1, [])
_LABELS = {
    "single": "one class for each text",
    "multi": "several labels for each text",
    "single multi": "classes",
    "regression": "scores (regression)",
}


def check_ranges(values: Mapping[str, Any], ranges: Mapping[str, Mapping[str, float]]) -> None:
    """Refuse numbers outside an option's range.

    Args:
        values: option -> its value; None and values that are not numbers are passed over.
        ranges: option -> `low` and `high` (both included), `above` and `below` (both excluded), any of them.

    Raises:
        ArgumentError: a number is out of range, NaN or infinite.

    Example:
        >>> check_ranges({"dropout": 1.5}, {"dropout": {"low": 0, "below": 1}})
        Traceback (most recent call last):
        ...
        utils.data.errors.ArgumentError: --dropout 1.5: expected 0 or more and below 1
    """
    for name, limits in ranges.items():
        value = values.get(name)
        if value is None or isinstance(value, str | bool) or not limits:
            continue
        inside = math.isfinite(value) and limits.get("low", value) <= value <= limits.get("high", value)
        inside = inside and not value <= limits.get("above", -math.inf) and not value >= limits.get("below", math.inf)
        if not inside:
            raise ArgumentError(f"--{name} {value}: expected {_describe(limits)}")


def _describe(limits: Mapping[str, float]) -> str:
    low, high, above, below = (limits.get(name) for name in ("low", "high", "above", "below"))
    if low is not None and high is not None:
        return f"a number from {low} to {high}"
    if above is not None and below is not None:
        return f"a number between {above} and {below}"
    parts = [f"{low} or more" if low is not None else "", f"a number above {above}" if above is not None else ""]
    parts += [f"at most {high}" if high is not None else "", f"below {below}" if below is not None else ""]
    return " and ".join(part for part in parts if part)


def refuse_idle(
    groups: Sequence[Any], given: Set[str], others: Mapping[str, Any], *, trains: bool, used_with: Mapping[str, str]
) -> None:
    """Refuse options that were given and that this run would ignore.

    An option's metadata `used_with`, or else its class's `_used_with`, states when it has an effect: `loss=focal`
    (another option has one of these values, separated by commas), `template` (another option is set),
    `!validation_file` (another is not set) or `training` (the run trains a model). Several conditions, separated by
    spaces, must all hold.

    Args:
        groups: parsed dataclasses.
        given: names of the options that are set on the command line or in the configuration file.
        others: values of options that are declared elsewhere.
        trains: whether this run trains a model.
        used_with: when options that are declared elsewhere have an effect.

    Raises:
        ArgumentError: such an option is given.
    """
    ours = {each.name: (each, one) for one in groups for each in fields(one)}
    values = dict(others) | {name: getattr(one, name) for name, (_, one) in ours.items()}
    conditions = {name: _use_of(*declared) for name, declared in ours.items()} | dict(used_with)
    for name in conditions:  # in the order in which help shows them
        if name in given:
            shown, idle = _look(ours[name][0], values[name]) if name in ours else (f"--{name}", False)
            _require(conditions[name], shown, values, trains=trains, idle=idle)


def refuse_unfit(groups: Sequence[Any], given: Set[str], others: Mapping[str, str], *, problem_type: str) -> None:
    """Refuse options that were given and that labels of this kind would make idle.

    An option's metadata `labels`, or else its class's `_labels`, states with which it has an effect: `single`, `multi`
    or `regression`, separated by spaces; or that for each of its values.

    Args:
        groups, given: see `refuse_idle`.
        others: the same of options that are declared elsewhere.
        problem_type: of the model, see transformers' configurations.

    Raises:
        ArgumentError: such an option is given.
    """
    found = problem_type.partition("_")[0]
    wanted = {f"--{name}": kinds for name, kinds in others.items() if name in given}
    for one in groups:
        for option in fields(one):
            value, kinds = getattr(one, option.name), option.metadata.get("labels", getattr(one, "_labels", ""))
            shown, idle = _look(option, value)
            if option.name in given and not idle:
                wanted[shown] = kinds if isinstance(kinds, str) else kinds.get(value, "")
    for shown, kinds in wanted.items():
        if kinds and found not in kinds.split():
            raise ArgumentError(f"{shown} is for {_LABELS[kinds]}, but the labels are {_LABELS[found]}; leave it out")


def _look(option: Field, value: Any) -> tuple[str, bool]:
    """An option as it is shown, and whether its value is a default that asks for nothing."""
    shown = f"--{option.name} {value}" if option.metadata.get("choices") else f"--{option.name}"
    return shown, value == option.default and _is_nothing(value)


def refuse_unused(parser: ArgumentParser, values: Mapping[str, Any], used_with: Mapping[str, str]) -> None:
    """`refuse_idle` for a script with a parser of its own; options at their default count as not given."""
    given = {name for name, value in values.items() if value != parser.get_default(name)}
    refuse_idle([], given, values, trains=False, used_with=used_with)


def _use_of(option: Field, owner: Any) -> str:
    used_with = option.metadata.get("used_with")
    return getattr(owner, "_used_with", "") if used_with is None else used_with


def _require(conditions: str, shown: str, values: Mapping[str, Any], *, trains: bool, idle: bool) -> None:
    for condition in conditions.split():
        name, _, wanted = condition.removeprefix("!").partition("=")
        if name == "training" and not trains:
            raise ArgumentError(f"{shown} does nothing if no model is trained; leave it out, or give data to train on")
        if name not in values or idle:
            continue
        if wanted and str(values[name]) not in wanted.split(","):
            other = " or ".join(f"--{name} {each}" for each in wanted.split(","))
            raise ArgumentError(f"{shown} does nothing with --{name} {values[name]}; leave it out, or use {other}")
        if condition.startswith("!") and not _is_nothing(values[name]):
            raise ArgumentError(f"{shown} does nothing together with --{name}; leave one of them out")
        if condition == name and _is_nothing(values[name]):
            raise ArgumentError(f"{shown} does nothing without --{name}; leave it out, or give both")


def _is_nothing(value: Any) -> bool:
    return value is None or value is False or (value is not True and value in _NOTHING)  # True equals 1
