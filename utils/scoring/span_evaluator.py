"""Answers to span questions -> entities of texts -> scores over the full gold."""

from collections.abc import Sequence

import numpy as np
from datasets import Dataset
from transformers import EvalPrediction

from .entity_evaluator import score_entities
from .score_names import scores_of
from .span_decisions import SpanLogits, choose_entities


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
