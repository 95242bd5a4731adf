"""The trials of a search and its result, as a table, as a record, and as text."""

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any, NamedTuple

from optuna.trial import FrozenTrial, TrialState

from ..data.errors import counted
from ..scoring.score_names import prefix_of
from .score_choice import ChosenScore
from .spaces import describe_drawn

WORDS = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
WORDS |= {TrialState.RUNNING: "running", TrialState.WAITING: "running"}


class Result(NamedTuple):
    """What the best setting is worth.

    Attributes:
        score: by which trials are compared.
        best: the trial with the best score.
        finals: seed -> scores of a run with its setting, on the user's files.
    """

    score: ChosenScore
    best: FrozenTrial
    finals: Mapping[int, Mapping[str, float]]

    def values(self, split: str = "eval") -> list[float]:
        """The score of each final run on `eval` (validation) or `test` data, where it has one."""
        found = []
        for scores in self.finals.values():
            found += [scores[f"{split}_{name}"] for name in self.score.names if f"{split}_{name}" in scores][:1]
        return found

    def numbers(self) -> dict[str, float | list[float]]:
        """The searched score and what the setting is worth: by name, with mean, deviation and single values."""
        name = self.score.names[0]
        found: dict[str, float | list[float]] = {f"searched_{name}": self.best.value}
        for split in ("eval", "test"):
            if values := self.values(split):
                found[f"{split}_{name}"] = statistics.fmean(values)
                found[f"{split}_{name}_std"] = statistics.stdev(values) if len(values) > 1 else 0.0
                found[f"{split}_{name}_runs"] = values
        return found


def write_csv(trials: Sequence[FrozenTrial], names: Sequence[str]) -> str:
    """A CSV table: a line for each trial, a column for each setting.

    Args:
        trials: by number.
        names: of the settings.
    """
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(["trial", "state", "score", "epochs", "seconds", *names, "reason"])
    for each in trials:
        facts = each.user_attrs
        score = _score_of(each)
        cells = [each.number, WORDS[each.state], "" if score is None else score, facts.get("epochs", "")]
        cells += [facts.get("seconds", ""), *(each.params.get(name, "") for name in names), facts.get("reason", "")]
        writer.writerow(cells)
    return output.getvalue()


def list_trials(trials: Sequence[FrozenTrial]) -> list[dict[str, Any]]:
    """The trials for a record in JSON."""
    kept = ("reason", "repeats", "scores", "epochs", "seconds", "log_end")
    return [
        {"trial": each.number, "state": WORDS[each.state], "score": _score_of(each), "settings": each.params}
        | {"epoch_scores": [each.intermediate_values[step] for step in sorted(each.intermediate_values)]}
        | {name: each.user_attrs[name] for name in kept if each.user_attrs.get(name) is not None}
        for each in trials
    ]


def describe_trial(trial: FrozenTrial, score: ChosenScore, *, done: str, best: bool) -> str:
    """The line about a trial that has ended.

    Args:
        trial: with its facts.
        score: by which trials are compared.
        done: how many of how many have ended.
        best: whether none is better so far.
    """
    facts = trial.user_attrs
    if trial.state == TrialState.COMPLETE:
        said = f"{score.names[0]} {trial.value:.4f}" + ("  the best so far" if best else "")
    else:
        said = f"{WORDS[trial.state]}: {shorten(facts.get('reason', ''), width=300, placeholder=' ...')}"
    took = f"as trial {facts['repeats']}, not run again" if "repeats" in facts else describe_time(facts["seconds"])
    return f"{done}  trial {trial.number}  {said}  ({took})"


def describe_result(result: Result, *, held_out: str, files: Mapping[str, str], trials: int) -> str:
    """The searched score and what the setting is worth, side by side.

    Args:
        result: of the search.
        held_out: what trials were scored on, in words.
        files: `validation` and, if there is one, `test` -> name of the user's file.
        trials: how many were scored.
    """
    name = result.score.names[0]
    rows = [("", name), (f"searched: best of {trials}, on {held_out}", f"{result.best.value:.4f}")]
    seeds = counted(len(result.finals), "fresh seed")
    for split, file in files.items():
        if values := result.values(prefix_of(split)):
            rows.append((f"result: {seeds}, on {file}", describe_spread(values)))
    if not result.finals:
        rows.append(("result: none (--final_seeds 0); a searched score is too good", ""))
    width = max(len(row[0]) for row in rows)
    lines = [f"best setting, of trial {result.best.number}: {describe_drawn(result.best.params)}", ""]
    return "\n".join([*lines, *(f"{left:<{width}}  {right}".rstrip() for left, right in rows)])


def describe_spread(values: Sequence[float]) -> str:
    """Mean and, of several values, sample standard deviation.

    Example:
        >>> describe_spread([0.5, 0.75])
        '0.6250 ± 0.1768'
    """
    mean = f"{statistics.fmean(values):.4f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.4f}"


def describe_time(seconds: float) -> str:
    """A duration in words.

    Example:
        >>> describe_time(42.4), describe_time(3700)
        ('42 s', '1 h 02 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def _score_of(trial: FrozenTrial) -> float | None:
    """The score of a complete trial; None for others, which have none that could be compared."""
    return trial.value if trial.state == TrialState.COMPLETE else None
