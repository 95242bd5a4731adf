"""From logits of span questions to entities: types against "no entity", and overlaps resolved for the best total.

Also scores these entities over the full gold.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from datasets import Dataset
from scipy.special import softmax
from transformers import EvalPrediction

from ..data.span_questions import OUTSIDE
from ..modeling.joined_windows import Entity
from ..prompting.span_selection import count_selected, select_spans
from .entity_evaluator import score_entities
from .metrics import spans_of
from .score_names import scores_of

THRESHOLDS = 400  # how many are tried; more would only overfit to the validation texts


class SpanLogits(NamedTuple):
    """What a model answers to the span questions of some texts.

    Attributes:
        spans: for each text, start and end of each span that was asked about.
        logits: (questions, num_labels) float64, those of a text together, in the order of `spans`.
    """

    spans: list[list[tuple[int, int]]]
    logits: np.ndarray


def choose_entities(asked: SpanLogits, *, labels: Sequence[str], threshold: float) -> list[list[Entity]]:
    """The entities of each text.

    A span's score is the log-odds of its best type against no entity, minus the threshold. Of overlapping spans, those
    with the highest total score are chosen.

    Args:
        asked: spans and logits.
        labels: classes, in the order of the logits; `O` is "no entity".
        threshold: log-odds above which a span is an entity.

    Returns:
        Entities in order of position; `score` is the probability of the type.
    """
    types, odds = _best_types(asked.logits, labels)
    probabilities = softmax(asked.logits, axis=-1) if len(asked.logits) else asked.logits
    found, start = [], 0
    for spans in asked.spans:
        rows = start + np.flatnonzero(odds[start : start + len(spans)] > threshold)
        places = [spans[row - start] for row in rows]
        chosen = select_spans(places, (odds[rows] - threshold).tolist())
        found.append(
            [Entity(*places[i], labels[types[rows[i]]], float(probabilities[rows[i], types[rows[i]]])) for i in chosen]
        )
        start += len(spans)
    return found


def tune_entity_threshold(asked: SpanLogits, gold: Sequence[Sequence[dict]], *, labels: Sequence[str]) -> float:
    """The threshold with the highest strict F1; those tried are denser where fewer spans score higher.

    Args:
        asked: spans and logits of validation texts.
        gold: the `{"start", "end", "label"}` of each text; entities that were not asked about count as missed.
        labels: classes, in the order of the logits.

    Returns:
        Log-odds; of thresholds with equal F1 the highest. 0 if no entity can be found at all.
    """
    types, odds = _best_types(asked.logits, labels)
    order = np.unique(odds)[::-1]
    if len(order) < 2:
        return 0.0
    ranks = np.unique(np.geomspace(1, len(order) - 1, THRESHOLDS).astype(int))
    thresholds = (order[ranks - 1] + order[ranks]) / 2
    found, hits = np.zeros((2, len(thresholds)), dtype=np.int64)
    start = 0
    for spans, entities in zip(asked.spans, gold, strict=True):
        expected = set(spans_of(entities))
        rows = range(start, start + len(spans))
        correct = [(*span, labels[types[row]]) in expected for span, row in zip(spans, rows, strict=True)]
        counts = count_selected(spans, odds[start : start + len(spans)], correct, thresholds)
        found, hits = found + counts[0], hits + counts[1]
        start += len(spans)
    total = sum(len(set(spans_of(entities))) for entities in gold)
    f1 = 2 * hits / np.maximum(found + total, 1)
    return float(thresholds[f1.argmax()]) if f1.any() else 0.0


class SpanEvaluator:
    """Scores a split whose candidates are all asked about; a `compute_metrics` for `Trainer`.

    Args:
        dataset: the split's rows (`text`, `entities`).
        questions: its span questions, see `data.span_questions.list_questions`.
        encoded: the questions as inputs, in the order in which the trainer sees them.
        labels: classes, in the order of the logits.
        threshold: log-odds against `O` above which a span is an entity.

    Attributes:
        table: per-class table of the last call, see `EntityF1`.
        scores: names of the scores that a call returns.
    """

    scores = scores_of("entities")

    def __init__(
        self, dataset: Dataset, questions: Dataset, encoded: Dataset, *, labels: Sequence[str], threshold: float = 0.0
    ):
        self.dataset, self.labels, self.threshold = dataset, labels, threshold
        self.order = np.argsort(encoded["index"][:])
        self.spans: list[list[tuple[int, int]]] = [[] for _ in range(len(dataset))]
        for row, start, end in zip(*(questions[name][:] for name in ("row", "start", "end")), strict=True):
            self.spans[row].append((start, end))
        self.table: dict[str, dict] = {}

    def sort(self, logits: np.ndarray) -> SpanLogits:
        """Logits in the order of the encoded rows -> in the order of the texts."""
        return SpanLogits(self.spans, np.asarray(logits, dtype=np.float64)[self.order])

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        logits = prediction.predictions
        asked = self.sort(logits[0] if isinstance(logits, tuple) else logits)
        found = choose_entities(asked, labels=self.labels, threshold=self.threshold)
        scores = score_entities(found, self.dataset)
        self.table = scores.pop("table")
        return scores


def _best_types(logits: np.ndarray, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(questions,) id of the best type, and its log-odds against `O`."""
    outside = list(labels).index(OUTSIDE)
    inside = [i for i in range(len(labels)) if i != outside]
    types = np.asarray(inside)[logits[:, inside].argmax(-1)]
    return types, np.take_along_axis(logits, types[:, None], 1)[:, 0] - logits[:, outside]
