"""Scores as `evaluate.Metric` objects that need no download: `EntityF1().compute(predictions=..., references=...)`."""

from collections import Counter
from collections.abc import Iterable, Sequence
from unicodedata import east_asian_width

import datasets
import evaluate
from seqeval.metrics.sequence_labeling import get_entities

_SPANS = [{"start": datasets.Value("int64"), "end": datasets.Value("int64"), "label": datasets.Value("string")}]


class EntityF1(evaluate.Metric):
    """Strict entity scores: a prediction counts when start, end and label are those of a gold entity of the same text.

    `compute(predictions, references)` takes, for each text, a list of `{"start", "end", "label"}` (character
    offsets). It returns `precision`, `recall`, `f1` (micro, 0-1), `macro_f1`, `weighted_f1`, and `table`: a row for
    each type and for the three averages, with `precision`, `recall`, `f1` and `support`. Macro and weighted averages
    run over the types that occur in gold or predictions, as seqeval's do.
    """

    def _info(self):
        return evaluate.MetricInfo(
            description="strict entity precision, recall and F1 on character spans",
            citation="",
            inputs_description="lists of {start, end, label}",
            features=datasets.Features({"predictions": _SPANS, "references": _SPANS}),
        )

    def _compute(self, predictions, references, **_):
        counts = EntityCounts()
        counts.add(predictions, references)
        return counts.scores()


class LenientF1(evaluate.Metric):
    """seqeval's default mode on tag sequences, which repairs ill-formed ones: the score that most papers report.

    `compute(predictions, references)` takes lists of tag names (BIO, BIOS or BIOES). Returns `lenient_precision`,
    `lenient_recall` and `lenient_f1` (micro, 0-1).
    """

    def _info(self):
        tags = datasets.Features(
            {
                "predictions": datasets.Sequence(datasets.Value("string")),
                "references": datasets.Sequence(datasets.Value("string")),
            }
        )
        return evaluate.MetricInfo(
            description="seqeval micro scores, default mode",
            citation="",
            inputs_description="lists of tags",
            features=tags,
        )

    def _compute(self, predictions, references, **_):
        counts = TagCounts()
        counts.add(predictions, references)
        return counts.scores()


class EntityCounts:
    """What `EntityF1` counts, batch by batch, so that only counts are kept in memory."""

    def __init__(self):
        self.correct, self.found, self.gold = Counter(), Counter(), Counter()

    def add(self, predictions: Iterable[Sequence[dict]], references: Iterable[Sequence[dict]]) -> None:
        """Count the entities of some texts."""
        for predicted, expected in zip(predictions, references, strict=True):
            predicted = {(one["start"], one["end"], one["label"]) for one in predicted}
            expected = {(one["start"], one["end"], one["label"]) for one in expected}
            self.correct.update(label for *_, label in predicted & expected)
            self.found.update(label for *_, label in predicted)
            self.gold.update(label for *_, label in expected)

    def scores(self) -> dict:
        """What `EntityF1` returns for all texts that were added."""
        correct, found, gold = self.correct, self.found, self.gold
        types = sorted(gold.keys() | found.keys())
        rows = {name: _score(correct[name], found[name], gold[name]) for name in types}
        micro = _score(correct.total(), found.total(), gold.total())
        macro = _average(rows.values(), [1] * len(types), gold.total())
        weighted = _average(rows.values(), [gold[name] for name in types], gold.total())
        return {
            "precision": micro["precision"],
            "recall": micro["recall"],
            "f1": micro["f1"],
            "macro_f1": macro["f1"],
            "weighted_f1": weighted["f1"],
            "table": rows | {"micro avg": micro, "macro avg": macro, "weighted avg": weighted},
        }


class TagCounts:
    """What `LenientF1` counts, batch by batch; entities are those that seqeval reads from tags."""

    def __init__(self):
        self.correct = self.found = self.gold = 0

    def add(self, predictions: Iterable[Sequence[str]], references: Iterable[Sequence[str]]) -> None:
        """Count the entities of some sequences of tags."""
        for predicted, expected in zip(predictions, references, strict=True):
            predicted, expected = (set(get_entities(list(tags))) for tags in (predicted, expected))
            self.correct += len(predicted & expected)
            self.found += len(predicted)
            self.gold += len(expected)

    def scores(self) -> dict[str, float]:
        """What `LenientF1` returns for all sequences that were added."""
        row = _score(self.correct, self.found, self.gold)
        return {f"lenient_{name}": row[name] for name in ("precision", "recall", "f1")}


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
        scores = "".join(f"{row[key]:>10.4f}" for key in ("precision", "recall", "f1"))
        lines.append(f"{' ' * (width - _columns(name))}{name} {scores}{row['support']:>10}")
    return "\n".join(lines)


def _columns(text: str) -> int:
    """Width of a text in columns of a terminal: two for a Chinese character."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _score(correct: int, found: int, gold: int) -> dict:
    precision = correct / found if found else 0.0
    recall = correct / gold if gold else 0.0
    f1 = 2 * correct / (found + gold) if found + gold else 0.0
    return {"precision": precision, "recall": recall, "f1": f1, "support": gold}


def _average(rows, weights: Sequence[int], support: int) -> dict:
    total = sum(weights)
    row = {
        key: sum(weight * row[key] for weight, row in zip(weights, rows, strict=True)) / total if total else 0.0
        for key in ("precision", "recall", "f1")
    }
    return row | {"support": support}
