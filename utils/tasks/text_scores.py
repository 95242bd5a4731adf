"""The task of run_classification.py where labels are scores: regression. See `answers` for what a task is."""

from collections.abc import Mapping, Sequence

import numpy as np
from datasets import Dataset

from ..prediction.verdict_lines import prediction_lines, submission_lines
from ..reporting.regression_report import describe_regression, report_scores
from ..reporting.task_cards import text_card
from ..scoring.example_counts import count_scores
from ..scoring.regression import ScoreEvaluator, ScoreRule
from .answers import Answers


class TextScores:
    """A score for each text or pair: regression.

    Args:
        encoded: inputs by split.
    """

    rule = ScoreRule()

    def __init__(self, encoded: Mapping[str, Dataset]):
        self.evaluators = {split: ScoreEvaluator(rows) for split, rows in encoded.items() if split != "train"}

    def scoring(self, split: str) -> None:
        """None: scores are computed together with the answers."""

    def decode(self, split: str, predictions: np.ndarray | tuple) -> list[float]:
        """The score of each text of a split."""
        return self.rule.verdicts(self.evaluators[split].logits(predictions))

    def answer(
        self, split: str, rows: Dataset, found: Sequence[float], *, scores: dict[str, float], train: Dataset | None
    ) -> Answers:
        """The answers for a split."""
        evaluator = self.evaluators[split]
        answers = Answers(
            prediction_lines(self.rule, rows, found), report={}, submission=submission_lines(self.rule, rows, found)
        )
        if evaluator.targets is None:
            return answers
        scores = evaluator.score(found)
        return answers._replace(
            shown=describe_regression(split, scores),
            scores=scores,
            report={"scores": scores, "task": "regression"},
            counts=count_scores(rows, found),
            errors=report_scores(rows, found, scores=scores),
        )

    def decision(self) -> dict:
        """No fields: `problem_type` is enough."""
        return {}

    def card(self, record: dict, reports: Mapping[str, dict]) -> str:
        """The model card."""
        return text_card(record, rule=self.rule, report=reports["validation"])
