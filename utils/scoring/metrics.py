"""Scores as `evaluate.Metric` objects that need no download: `EntityF1().compute(predictions=..., references=...)`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import east_asian_width

import datasets
import evaluate
from seqeval.metrics.sequence_labeling import get_entities

SHARES = ("precision", "recall", "f1")
_SPANS = [{"start": datasets.Value("int64"), "end": datasets.Value("int64"), "label": datasets.Value("string")}]
_TAGS = datasets.Sequence(datasets.Value("string"))


class OfflineMetric(evaluate.Metric):
    """What all our metrics share: each is described by its docstring, and says what it takes in `columns`."""

    columns: dict[str, Any]  # features of `predictions` and `references`

    def _info(self):
        summary, _, details = type(self).__doc__.strip().partition("\n")
        return evaluate.MetricInfo(
            description=summary, citation="", inputs_description=details, features=datasets.Features(self.columns)
        )


class EntityF1(OfflineMetric):
    """Strict entity scores: a prediction counts when start, end and label are those of a gold entity of the same text.

    `compute(predictions, references)` takes, for each text, a list of `{"start", "end", "label"}` (character
    offsets). It returns `precision`, `recall`, `f1` (micro, 0-1), `macro_f1`, `weighted_f1`, and `table`: a row for
    each type and for the three averages, with `precision`, `recall`, `f1` and `support`. Macro and weighted averages
    run over the types that occur in gold or predictions, as seqeval's do.
    """

    columns = {"predictions": _SPANS, "references": _SPANS}

    def _compute(self, predictions, references, **_):
        return _count(EntityCounts(), predictions, references)


class LenientF1(OfflineMetric):
    """seqeval's default mode on tag sequences, which repairs ill-formed ones: the score that most papers report.

    `compute(predictions, references)` takes lists of tag names (BIO, BIOS or BIOES). Returns `lenient_precision`,
    `lenient_recall` and `lenient_f1` (micro, 0-1).
    """

    columns = {"predictions": _TAGS, "references": _TAGS}

    def _compute(self, predictions, references, **_):
        return _count(TagCounts(), predictions, references)


class EntityCounts:
    """What `EntityF1` counts, text by text, so that only counts are kept in memory."""

    def __init__(self):
        self.correct, self.found, self.gold = Counter(), Counter(), Counter()

    def add(self, predicted: Sequence, expected: Sequence) -> None:
        """Count the entities of a text."""
        predicted, expected = set(self._spans(predicted)), set(self._spans(expected))
        self.correct.update(label for *_, label in predicted & expected)
        self.found.update(label for *_, label in predicted)
        self.gold.update(label for *_, label in expected)

    def _spans(self, entities: Sequence) -> list[tuple[int, int, str]]:
        return spans_of(entities)

    def scores(self) -> dict:
        """What the metric returns for all texts that were added."""
        correct, found, gold = self.correct, self.found, self.gold
        types = sorted(gold.keys() | found.keys())
        rows = {name: _score(correct[name], found[name], gold[name]) for name in types}
        micro = _score(correct.total(), found.total(), gold.total())
        macro = _average(rows.values(), [1] * len(types), gold.total())
        weighted = _average(rows.values(), [gold[name] for name in types], gold.total())
        table = rows | {"micro avg": micro, "macro avg": macro, "weighted avg": weighted}
        shares = {name: micro[name] for name in SHARES}
        return shares | {"macro_f1": macro["f1"], "weighted_f1": weighted["f1"], "table": table}


class TagCounts(EntityCounts):
    """What `LenientF1` counts, text by text; entities are those that seqeval reads from tags."""

    def _spans(self, tags: Sequence[str]) -> list[tuple[int, int, str]]:
        return [(first, last, label) for label, first, last in get_entities(list(tags))]

    def scores(self) -> dict[str, float]:
        strict = super().scores()
        return {f"lenient_{name}": strict[name] for name in SHARES}


def spans_of(entities: Iterable) -> list[tuple[int, int, str]]:
    """(start, end, label) of entities, which are mappings, as in rows of data, or objects."""
    return [
        (one["start"], one["end"], one["label"]) if isinstance(one, dict) else (one.start, one.end, one.label)
        for one in entities
    ]


def describe_entities(split: str, table: dict[str, dict]) -> str:
    """The scores of a split as text for people; `table`: see `EntityF1`."""
    return f"{split}, strict scores on character spans:\n{format_table(table)}"


def format_table(table: dict[str, dict]) -> str:
    """A per-class table in the layout of seqeval's and scikit-learn's classification reports."""
    width = max(map(_columns, table), default=0)
    lines = [f"{'':>{width}}  precision    recall  f1-score   support", ""]
    for name, row in table.items():
        if name == "micro avg":
            lines.append("")
        scores = "".join(f"{row[key]:>10.4f}" for key in SHARES)
        lines.append(f"{' ' * (width - _columns(name))}{name} {scores}{row['support']:>10}")
    return "\n".join(lines)


def _columns(text: str) -> int:
    """Width of a text in columns of a terminal: two for a Chinese character."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _count(counts: EntityCounts, predictions: Iterable[Sequence], references: Iterable[Sequence]) -> dict:
    for predicted, expected in zip(predictions, references, strict=True):
        counts.add(predicted, expected)
    return counts.scores()


def _score(correct: int, found: int, gold: int) -> dict:
    precision = correct / found if found else 0.0
    recall = correct / gold if gold else 0.0
    f1 = 2 * correct / (found + gold) if found + gold else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "support": gold}


def _average(rows, weights: Sequence[int], support: int) -> dict:
    total = sum(weights)
    row = {
        key: sum(weight * row[key] for weight, row in zip(weights, rows, strict=True)) / total if total else 0.0
        for key in SHARES
    }
    return row | {"support": support}
