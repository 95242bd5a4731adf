"""What each example adds to the scores of a run, saved with it, so that runs can be compared without repeating them.

`example_counts.json` holds, for each split, the ids of the examples, a digest of texts and labels (`rows`), and one of
    entities: numbers of right, predicted and gold spans of each text
    classes: gold and predicted class of each text, indices of `labels`; the likeliest where the model gives no answer
    label_sets: numbers of right, predicted and gold labels of each text of a multi-label model
    answers: exact match and F1 of each question, 0-1
    scores: gold and predicted number of each text
"""

import hashlib
import json
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset
from scipy.stats import rankdata

from ..data.errors import DataError
from ..encoding.row_batches import iterate_column, iterate_rows
from .decisions import DecisionRule, Verdicts
from .metrics import spans_of
from .significance import Metric, correlation, macro_f1, mean, micro_f1, micro_precision, micro_recall

NAME = "example_counts.json"
_COLUMNS = ("id", "text", "text_pair", "question", "context", "label", "labels", "entities", "answers")


def count_items(gold: Iterable[Sequence[Hashable]], predicted: Iterable[Sequence[Hashable]]) -> list[list[int]]:
    """Numbers of right, predicted and gold items of each example; duplicates count.

    Example:
        >>> count_items([["a", "b"], []], [["b", "c"], ["c"]])
        [[1, 2, 2], [0, 1, 0]]
    """
    return [
        [(Counter(true) & Counter(found)).total(), len(found), len(true)]
        for true, found in zip(gold, predicted, strict=True)
    ]


def count_entities(rows: Dataset, predicted: Iterable) -> dict:
    """Counts for a tagger.

    Args:
        rows: `id`, `text`, `entities`.
        predicted: the entities of each row, mappings or objects with `start`, `end` and `label`.
    """
    gold = map(spans_of, iterate_column(rows, "entities"))
    return _head("entities", rows) | {"counts": count_items(gold, map(spans_of, predicted))}


def count_classes(rows: Dataset, predicted: Iterable[str], labels: Sequence[str], positive: int | None = None) -> dict:
    """Counts for a single-label classifier.

    Args:
        rows: `id`, texts, `label`.
        predicted: the class of each row.
        labels: the classes.
        positive: index of the class of two whose F1 is the run's; None for the mean over classes.
    """
    number = {label: i for i, label in enumerate(labels)}
    sides = {"gold": [number[each] for each in iterate_column(rows, "label")]}
    sides["predicted"] = [number[each] for each in predicted]
    return _head("classes", rows) | {"labels": list(labels), "positive": positive, **sides}


def count_label_sets(rows: Dataset, predicted: Iterable[Sequence[str]]) -> dict:
    """Counts for a multi-label classifier; rows have `labels`."""
    return _head("label_sets", rows) | {"counts": count_items(iterate_column(rows, "labels"), predicted)}


def count_answers(rows: Dataset, exact: Iterable[float], f1: Iterable[float]) -> dict:
    """Exact match and F1 of the answer to each question, 0-1."""
    return _head("answers", rows) | {"exact": list(map(float, exact)), "f1": list(map(float, f1))}


def count_scores(rows: Dataset, predicted: Sequence[float]) -> dict:
    """Gold and predicted numbers of a regression; rows have a numeric `label`."""
    gold = list(map(float, iterate_column(rows, "label")))
    return _head("scores", rows) | {"gold": gold, "predicted": list(map(float, predicted))}


def count_verdicts(rows: Dataset, verdicts: Verdicts, rule: DecisionRule) -> dict:
    """Counts for a classifier that decides by a rule; rows have a `label`, or several `labels`.

    They add up to the run's scores, which take the chosen class even where the model is not sure enough to give it.
    """
    if "labels" in rows.features:
        return count_label_sets(rows, (verdict.labels for verdict in verdicts))
    return count_classes(rows, (rule.labels[i] for i in verdicts.decided), rule.labels, rule.positive)


def digest_rows(rows: Dataset) -> str:
    """A short digest of a split's texts and labels, in any order: only runs with equal digests are compared."""
    columns = [name for name in _COLUMNS if name in rows.column_names]
    total = 0
    for row in iterate_rows(rows, *columns):
        told = json.dumps(row, ensure_ascii=False, sort_keys=True, default=str).encode("utf-8", "surrogatepass")
        total += int.from_bytes(hashlib.sha256(told).digest()[:16])
    return f"{total % (1 << 128):032x}"[:16]


def _head(kind: str, rows: Dataset) -> dict:
    return {"kind": kind, "rows": digest_rows(rows), "ids": rows["id"][:]}


def read_counts(folder: str | Path) -> dict[str, dict]:
    """Counts by split from a run's folder; empty where the run left none.

    Raises:
        DataError: the file is incomplete or damaged.
    """
    path = Path(folder) / NAME
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for split in found.values():
            sizes = {len(value) for name, value in split.items() if name not in ("kind", "rows", "labels", "positive")}
            if len(sizes) != 1 or split["kind"] not in METRICS:
                raise ValueError(f"{split['kind']}, lists of {sorted(sizes)} examples")
    except (ValueError, KeyError, AttributeError) as error:
        raise DataError(f"{path}: expected counts of each example as a run writes them, found {error}") from error
    return found


def metrics_of(split: dict) -> dict[str, tuple[np.ndarray, Metric]]:
    """For each score, counts (examples, counts) and the score as a function of their sums.

    Args:
        split: the counts of one split, see `read_counts`.
    """
    return METRICS[split["kind"]](split)


def _items(split: dict) -> dict[str, tuple[np.ndarray, Metric]]:
    return _micro_scores(np.array(split["counts"], dtype=np.float64).reshape(-1, 3))


def _micro_scores(counts: np.ndarray) -> dict[str, tuple[np.ndarray, Metric]]:
    return {"f1": (counts, micro_f1), "precision": (counts, micro_precision), "recall": (counts, micro_recall)}


def _classes(split: dict) -> dict[str, tuple[np.ndarray, Metric]]:
    # Columns are sorted by class name, since scripts may number the classes differently.
    numbers = np.array(sorted(range(len(split["labels"])), key=split["labels"].__getitem__))
    gold, predicted = (np.array(split[name])[:, None] == numbers for name in ("gold", "predicted"))
    right = np.array(split["gold"]) == np.array(split["predicted"])
    counts = np.concatenate([gold & predicted, predicted, gold], axis=1).astype(np.float64)
    found = {"accuracy": (with_count(right), mean), "macro_f1": (counts, macro_f1), "f1": (counts, macro_f1)}
    if split["positive"] is not None:  # the columns of that class
        found |= _micro_scores(counts[:, numbers.tolist().index(split["positive"]) :: len(numbers)])
    return found


def _answers(split: dict) -> dict[str, tuple[np.ndarray, Metric]]:
    return {name: (with_count(split[key]), mean) for name, key in (("f1", "f1"), ("exact_match", "exact"))}


def with_count(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """(n,) -> (n, 2): a column of ones is added, so that sums give the `mean`."""
    values = np.asarray(values, dtype=np.float64)
    return np.stack([values, np.ones(len(values))], axis=1)


def _scores(split: dict) -> dict[str, tuple[np.ndarray, Metric]]:
    """Correlations, too, follow from sums: of both numbers, their squares and their product. Ranks are over all."""
    gold, told = (np.array(split[name], dtype=np.float64) for name in ("gold", "predicted"))
    ranks = rankdata(gold), rankdata(told)
    return {
        "pearson": (_moments(gold, told), correlation),
        "spearman": (_moments(*ranks), correlation),
        "mae": (with_count(np.abs(told - gold)), mean),
        "mse": (with_count((told - gold) ** 2), mean),
    }


def _moments(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    one, other = one - one.mean(), other - other.mean()  # so that sums of squares keep their digits
    return np.stack([np.ones(len(one)), one, other, one * one, other * other, one * other], axis=1)


METRICS = {
    "entities": _items,
    "label_sets": _items,
    "classes": _classes,
    "answers": _answers,
    "scores": _scores,
}
