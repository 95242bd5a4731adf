"""What varies between the trials of a search: choices and ranges of a script's options, read from a YAML file.

A line names an option: `head: [crf, span]` are choices, `learning_rate: {log: [1e-5, 1e-3]}` is spread evenly over
orders of magnitude, `dropout: {uniform: [0, 0.3]}` over numbers (`step: 0.05` takes only every 0.05), and
`num_train_epochs: {int: [2, 6]}` over whole numbers. `crf_learning_rate: {log: [1e-3, 1e-1], when: {head: crf}}` is
given only where the trial has that choice.
"""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from ..data.errors import ArgumentError, show
from ..options.arguments import read_mapping
from .run_configs import as_flag

RANGES = ("log", "uniform", "int")
COMBINATIONS = 16  # of choices, of which each is checked; of more, each choice by itself
EXAMPLE = "learning_rate: {log: [1e-5, 1e-3]}"


@dataclass(frozen=True)
class Setting:
    """An option of the script, and the values that a trial may give it.

    Attributes:
        name: of the option, without dashes.
        distribution: what Optuna draws from; of choices, their labels.
        choices: label -> value for the option; empty for a range.
        when: other settings of which each must have one of these labels; otherwise the option is not given.
    """

    name: str
    distribution: BaseDistribution
    choices: Mapping[str, Any] = field(default_factory=dict)
    when: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def applies(self, drawn: Mapping[str, Any]) -> bool:
        """Whether this setting is drawn, given the settings that are drawn before it."""
        return all(drawn.get(other) in labels for other, labels in self.when.items())

    @property
    def ends(self) -> list[Any]:
        """Labels of all choices, or both ends of a range."""
        return list(self.choices) or [self.distribution.low, self.distribution.high]


@dataclass(frozen=True)
class Space:
    """All settings of a search, by name, in the order of the file."""

    settings: Mapping[str, Setting]

    def draw(self, trial: optuna.Trial) -> dict[str, Any]:
        """Draw a value for each setting that applies; of choices, a label. What a trial has already is kept."""
        drawn: dict[str, Any] = {}
        for name, setting in self.settings.items():
            if setting.applies(drawn):
                drawn[name] = _suggest(trial, name, setting.distribution)
        return drawn

    def values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The values of options that belong to what was drawn."""
        return {name: self.settings[name].choices.get(value, value) for name, value in drawn.items()}

    def probes(self) -> list[dict[str, Any]]:
        """Draws that together have both ends of each range and every choice, for checks before the first trial.

        Choices come in all combinations while these are few, as options may contradict each other.
        """
        chosen = [setting for setting in self.settings.values() if setting.choices]
        if math.prod(len(setting.choices) for setting in chosen) <= COMBINATIONS:
            rows = [dict(zip([each.name for each in chosen], labels, strict=True)) for labels in _products(chosen)]
        else:
            first = {setting.name: setting.ends[0] for setting in chosen}
            rows = [first | {setting.name: label} for setting in chosen for label in setting.ends]
        found = []
        for row, end in itertools.product(rows, (0, -1)):
            drawn: dict[str, Any] = {}
            for name, setting in self.settings.items():
                if setting.applies(drawn):
                    drawn[name] = row.get(name, setting.ends[end])
            if drawn not in found:
                found.append(drawn)
        return found


def describe_drawn(drawn: Mapping[str, Any]) -> str:
    """Settings in one line.

    Example:
        >>> describe_drawn({"learning_rate": 0.000213456, "head": "crf", "num_train_epochs": 3})
        'learning_rate 0.000213, head crf, num_train_epochs 3'
    """
    shown = (f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in drawn.items())
    return ", ".join(shown)


def read_space(path: str) -> Space:
    """Read a file of settings.

    Raises:
        ArgumentError: no such file, an empty one, or settings that cannot be drawn; all are reported together.
    """
    empty = f"{path}: expected settings to search, such as `{EXAMPLE}`, found none; add one"
    try:
        values, written = read_mapping(path, "file of settings to search", example=EXAMPLE)
    except ArgumentError as error:
        raise ArgumentError(empty if str(error).endswith("found NoneType") else str(error)) from None
    if not values:
        raise ArgumentError(empty)
    settings: dict[str, Setting] = {}
    problems = []
    for (name, plain), value in zip(written.items(), values.values(), strict=True):
        try:
            settings[str(name)] = _read_setting(str(name), value, plain, settings)
        except ArgumentError as error:
            problems.append(f"{path}: {name}: {error}")
    if problems:
        raise ArgumentError("\n".join(problems))
    return Space(settings)


def _read_setting(name: str, value: Any, plain: Any, earlier: Mapping[str, Setting]) -> Setting:
    """A setting from its value, which is given twice: with numbers and booleans, and as it is written."""
    if isinstance(value, list):
        value, plain = {"choices": value}, {"choices": plain}
    if not isinstance(value, dict):
        raise ArgumentError(f"expected choices `[a, b]` or a range `{{log: [1e-5, 1e-3]}}`, found {show(value)}")
    kinds = [kind for kind in (*RANGES, "choices") if kind in value]
    unknown = [str(key) for key in value if key not in (*RANGES, "choices", "step", "when")]
    if len(kinds) != 1 or unknown:
        found = ", ".join(map(str, value)) or "nothing"
        raise ArgumentError(f"expected one of log, uniform, int and choices, with `step` and `when`, found {found}")
    kind = kinds[0]
    when = _read_condition(plain.get("when") or {}, earlier)
    if kind == "choices":
        choices = _read_choices(name, value["choices"], plain["choices"])
        if "step" in value:
            raise ArgumentError("expected a range with `step`, found choices; leave it out")
        return Setting(name, CategoricalDistribution(list(choices)), choices, when)
    return Setting(name, _read_range(kind, plain), when=when)


def _read_range(kind: str, plain: Mapping[str, Any]) -> BaseDistribution:
    ends, step = plain[kind], plain.get("step")
    if not isinstance(ends, list) or len(ends) != 2:
        raise ArgumentError(f"expected two ends `{{{kind}: [low, high]}}`, found {show(ends)}")
    number = int if kind == "int" else float
    try:
        low, high = map(number, ends)
        step = None if step is None else number(step)
    except (TypeError, ValueError):
        what = "whole numbers" if kind == "int" else "numbers"
        raise ArgumentError(f"expected {what}, found {show(ends if step is None else [*ends, step])}") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ArgumentError(f"expected a low end below the high end, found {show(ends)}")
    if kind == "log" and low <= 0:
        raise ArgumentError(f"expected ends above 0 for a log range, found {show(ends)}; use uniform")
    if step is not None and (kind == "log" or not 0 < step <= high - low):
        expected = "no step in a log range" if kind == "log" else f"a step above 0 and up to {high - low:g}"
        raise ArgumentError(f"expected {expected}, found {step:g}")
    if kind == "int":
        return IntDistribution(low, high, step=step or 1)
    if step is not None:  # the highest value that the steps reach, so that Optuna need not warn about it
        steps = math.floor((high - low) / step + 1e-9)
        high = float(Decimal(str(low)) + steps * Decimal(str(step)))
    return FloatDistribution(low, high, log=kind == "log", step=step)


def _read_choices(name: str, values: Any, plain: Any) -> dict[str, Any]:
    """Labels of the choices, and their values for a configuration file."""
    if not isinstance(values, list) or len(values) < 2:
        raise ArgumentError(f"expected two choices or more, found {show(values)}; a single one belongs in the base")
    choices = {}
    for value, text in zip(values, plain, strict=True):
        choices["null" if value is None else _label(text)] = as_flag(name, value, text)
    if len(choices) < len(values):
        raise ArgumentError(f"expected different choices, found {show(values)}")
    return choices


def _label(text: Any) -> str:
    return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)


def _read_condition(condition: Any, earlier: Mapping[str, Setting]) -> dict[str, list[str]]:
    if not isinstance(condition, dict):
        raise ArgumentError(f"expected a condition `when: {{head: crf}}`, found {show(condition)}")
    found = {}
    for other, labels in condition.items():
        labels = [_label(each) for each in labels] if isinstance(labels, list) else [_label(labels)]
        if other not in earlier or not earlier[other].choices:
            raise ArgumentError(f"when: expected choices that stand above it in the file, found {other}")
        if unknown := [label for label in labels if label not in earlier[other].choices]:
            known = ", ".join(earlier[other].choices)
            raise ArgumentError(f"when: {other}: expected some of {known}, found {', '.join(unknown)}")
        found[other] = labels
    return found


def _suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    suggest = trial.suggest_int if isinstance(distribution, IntDistribution) else trial.suggest_float
    limits = {"low": distribution.low, "high": distribution.high, "step": distribution.step}
    return suggest(name, **limits, log=distribution.log)


def _products(chosen: Sequence[Setting]) -> Iterator[tuple[str, ...]]:
    return itertools.product(*(setting.choices for setting in chosen))
