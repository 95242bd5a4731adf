"""The examples that two groups of runs were both scored on, and on which they differ; or why they cannot be paired."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data.errors import DataError
from ..scoring.example_counts import metrics_of
from ..scoring.score_names import SPLITS, describe_score, plain_name, scores_of
from ..scoring.significance import Comparison, Metric, compare
from .run_groups import Run, RunGroup


class Unpaired(ValueError):
    """Groups that no paired test can compare; the message says why."""


@dataclass(frozen=True)
class Examples:
    """What each example adds to a score of a group of runs.

    Attributes:
        ids: ids of the examples; if runs have different data, with a digest of the data before each id.
        counts: (examples, counts), in the order of `ids`; means over runs that were scored on the same examples.
        metric: the score as a function of summed counts.
        meaning: what the columns stand for: the classes, and the positive one.
    """

    ids: list[str]
    counts: np.ndarray
    metric: Metric
    meaning: tuple


def examples_of(group: RunGroup, metric: str, *, by_rows: bool = True) -> Examples:
    """The examples of a group.

    If all runs were scored on the same examples, each example appears once. If runs have different data, the examples
    of each follow one another.

    Args:
        group: the runs.
        metric: name of a score, such as `eval_f1`.
        by_rows: see `identity`.

    Raises:
        Unpaired: runs have no counts, or counts that do not add up to their scores.
    """
    parts: dict[str, list] = {}
    for run in group.runs:
        split, counts, score = _counts_of(run, metric)
        part = parts.setdefault(identity(run, metric, by_rows=by_rows), [])
        ids = part[0][0] if part else split["ids"]
        part.append((ids, counts[_places(split["ids"], ids)], score, _meaning(split, metric)))
    if len({meaning for part in parts.values() for *_, meaning in part}) > 1:
        raise Unpaired(f"{group.name}: its runs have different classes")
    whole = {name: (part[0][0], np.mean([counts for _, counts, *_ in part], axis=0)) for name, part in parts.items()}
    *_, score, meaning = next(iter(parts.values()))[0]
    if len(whole) == 1:
        ((ids, counts),) = whole.values()
        return Examples(ids, counts, score, meaning)
    names = sorted(whole)
    ids = [f"{name}/{each}" for name in names for each in whole[name][0]]
    return Examples(ids, np.concatenate([whole[name][1] for name in names]), score, meaning)


def pair_examples(one: RunGroup, other: RunGroup, metric: str) -> tuple[Examples, Examples]:
    """The examples of two groups, the same in the same order.

    Raises:
        Unpaired: they were scored on different examples, or with different classes.
    """
    known = all("rows" in _split_of(run, metric) for group in (one, other) for run in group.runs)
    sides = [{identity(run, metric, by_rows=known) for run in group.runs} for group in (one, other)]
    first, second = (examples_of(group, metric, by_rows=known) for group in (one, other))
    if sides[0] != sides[1] or len(first.ids) != len(second.ids):
        raise Unpaired("not scored on the same examples: rows or their labels differ")
    if first.meaning != second.meaning or first.counts.shape != second.counts.shape:
        raise Unpaired("the score is not for the same classes")
    return first, replace(second, ids=first.ids, counts=second.counts[_places(second.ids, first.ids)])


def compare_groups(one: RunGroup, other: RunGroup, metric: str) -> Comparison | Unpaired:
    """A paired test of two groups, or why there is none."""
    try:
        first, second = pair_examples(one, other, metric)
    except Unpaired as reason:
        return reason
    return compare(first.counts, second.counts, first.metric)


def changed_examples(one: RunGroup, other: RunGroup, metric: str) -> tuple[list[str], list[str]]:
    """Ids of the examples on which `one` is better than `other`, and on which it is worse, largest changes first.

    A correlation is no sum over examples: there, the one that is nearer to the gold score is better.

    Args:
        one, other: scored on the same examples.
        metric: such as `eval_f1`.

    Raises:
        DataError: the runs have no counts, or were scored on different examples.
    """
    name = plain_name(metric)
    counted = metric.removesuffix(name) + "mae" if name in scores_of("scores") else metric
    try:
        first, second = pair_examples(one, other, counted)
    except Unpaired as reason:
        raise DataError(
            f"{metric}: {reason}; give two runs on the same data, or name another score with --metrics"
        ) from None
    lower = describe_score(counted).lower_is_better
    gains = _errors(second, is_error=lower) - _errors(first, is_error=lower)
    order = np.argsort(-np.abs(gains), kind="stable")
    better = [first.ids[i] for i in order if gains[i] > 0]
    return better, [first.ids[i] for i in order if gains[i] < 0]


def _errors(examples: Examples, *, is_error: bool) -> np.ndarray:
    """(examples,): number of missed and spurious items, the error itself, or the distance from the full score."""
    counts = examples.counts
    if counts.shape[1] == 2:
        return counts[:, 0] if is_error else counts[:, 1] - counts[:, 0]
    right, predicted, gold = np.split(counts, 3, axis=1)
    return (predicted + gold - 2 * right).sum(1)


def read_predictions(folder: Path) -> dict[str, dict]:
    """The lines of a run's predictions.jsonl by id; empty if there is no such file."""
    path = folder / "predictions.jsonl"
    if not path.exists():
        return {}
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line)
    return {str(row.get("id")): row for row in rows}


def describe_changes(ids: list[str], one: RunGroup, other: RunGroup, *, most: int) -> Iterator[str]:
    """Lines that show what the first run of each group predicted for examples; only their ids without predictions."""
    found = [read_predictions(group.runs[0].folder) for group in (one, other)]
    if not any(found):
        more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
        yield f"  {', '.join(ids[:most])}{more}"
        return
    for id in ids[:most]:
        rows = [predictions.get(id, {}) for predictions in found]
        text = next((row[key] for row in rows for key in ("text", "question") if key in row), "")
        yield f"  {id}: {text}"
        for group, row in zip((one, other), rows, strict=True):
            yield f"      {group.name}: {_answer(row)}"
    if len(ids) > most:
        yield f"  and {len(ids) - most:,} more"


def _answer(row: dict) -> str:
    if "entities" in row:
        return (
            ", ".join(f"{each['text']} [{each['label']} {each['start']}-{each['end']}]" for each in row["entities"])
            or "no entities"
        )
    kept = {key: value for key, value in row.items() if key not in ("id", "text", "text_pair", "question")}
    return json.dumps(kept, ensure_ascii=False) if kept else "not predicted"


def class_of(group: RunGroup, metric: str) -> str | None:
    """The positive class that a precision, recall or F1 is for; None if it is for no single class."""
    try:
        splits = [_split_of(run, metric) for run in group.runs]
    except Unpaired:
        return None
    told = {_meaning(split, metric)[1:2] for split in splits}
    return next(iter(told))[0] if len(told) == 1 and all(len(each) == 1 for each in told) else None


def identity(run: Run, metric: str, *, by_rows: bool = True) -> str:
    """A short digest of what a run was scored on: the split's rows with their labels.

    For runs from before `rows` was saved, it is made from ids, gold labels and the hash of the data file.

    Args:
        run: a run with counts.
        metric: such as `eval_f1`.
        by_rows: False if the runs that it is compared with have no `rows`.
    """
    split = _split_of(run, metric)
    if by_rows and "rows" in split:
        return split["rows"]
    if split["kind"] == "classes":
        gold: Sequence = [split["labels"][i] for i in split["gold"]]
    else:
        gold = [row[2] for row in split["counts"]] if "counts" in split else [None] * len(split["ids"])
    told = json.dumps([run.data_hash(_split_name(metric)), sorted(zip(split["ids"], map(str, gold), strict=True))])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _places(ids: Sequence[str], wanted: Sequence[str]) -> list[int] | slice:
    """The index in `ids` of each wanted id."""
    if list(ids) == list(wanted):
        return slice(None)
    place = {id: i for i, id in enumerate(ids)}
    if len(place) < len(ids) or place.keys() != set(wanted):
        raise Unpaired("not scored on the same examples: ids differ or occur twice")
    return [place[id] for id in wanted]


def _split_name(metric: str) -> str:
    beginning = metric.partition("_")[0]
    return SPLITS.get(beginning, beginning)


def _split_of(run: Run, metric: str) -> dict:
    split = run.counts.get(_split_name(metric))
    if split is None:
        raise Unpaired(f"no counts of each example for {metric} in {run.folder}")
    return split


def _counts_of(run: Run, metric: str) -> tuple[dict, np.ndarray, Metric]:
    split, name = _split_of(run, metric), metric.partition("_")[2]
    if name not in (metrics := metrics_of(split)):
        raise Unpaired(f"{metric} does not follow from the counts of each example")
    counts, score = metrics[name]
    told = run.results.get(metric)
    if told is not None and not np.isclose(float(score(counts.sum(0))), told, atol=1e-4):
        raise Unpaired(f"the counts of each example in {run.folder} do not add up to {metric}")
    return split, counts, score


def _meaning(split: dict, metric: str) -> tuple:
    if split["kind"] != "classes" or metric.endswith("accuracy"):
        return (split["kind"],)
    positive = split["positive"]
    whose = None if positive is None or metric.endswith("macro_f1") else split["labels"][positive]
    return split["kind"], whose, *(sorted(split["labels"]) if whose is None else ())
