"""What run_classification.py makes of a model's outputs: classes by a decision rule, or scores as they are.

Both make what `Trainer` scores with (`watch`), fit what is to be fitted (`tune`), answer about a split (`answer`), and
say what the model's configuration keeps (`decision`) and its card tells (`card`).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from datasets import Dataset

from ..prediction.class_lines import prediction_lines, submission_lines
from ..prediction.score_lines import describe_regression, score_lines, score_submission
from ..reporting import error_report, task_cards
from ..reporting.class_report import describe_scores
from ..scoring import calibration
from ..scoring.class_evaluator import ClassEvaluator
from ..scoring.decisions import DecisionRule
from ..scoring.example_counts import of_scores, of_verdicts
from ..scoring.score_metrics import ScoreEvaluator
from ..scoring.score_rule import ScoreRule


class TextAnswers(NamedTuple):
    """What was answered about a split.

    Attributes:
        lines: of `predictions.jsonl`.
        submission: of `submission.csv`.
        report: `scores` (0-1) and more, see `ClassEvaluator.report`; empty without labels.
        shown: the scores for people.
        counts: what each example adds to them, see `example_counts`; empty without labels.
        errors: what is wrong, see `error_report`; empty without labels.
    """

    lines: Iterator[str]
    submission: Iterator[str]
    report: dict
    shown: str
    counts: dict
    errors: dict


class TextClasses:
    """Classes of texts or pairs.

    Args:
        rule: what to decide by while training goes on, and until it is tuned.
        temperature: fit a temperature to the validation data.
        tuning: what thresholds are fitted for, see `tune_rule`.
        separator: puts labels apart in a submission.

    Attributes:
        rule: the tuned one, in the end.
    """

    def __init__(self, rule: DecisionRule, *, temperature: bool, tuning: dict, separator: str | None):
        self.rule, self.temperature, self.tuning, self.separator = rule, temperature, tuning, separator

    def watch(self, encoded: Dataset) -> ClassEvaluator:
        """What scores a split, as `Trainer` goes on."""
        return ClassEvaluator(encoded, self.rule)

    def tune(self, logits: np.ndarray, evaluator: ClassEvaluator) -> str:
        """Fit the rule to validation data; say what came of it."""
        self.rule = calibration.tune_rule(
            self.rule, logits, evaluator.targets, temperature=self.temperature, **self.tuning
        )
        return f"decisions: {self.rule.describe()}"

    def answer(
        self, split: str, rows: Dataset, evaluator: ClassEvaluator, logits: np.ndarray, *, train: Dataset | None
    ) -> TextAnswers:
        """Answer about a split; `train`: the rows that were learnt."""
        rule, verdicts = self.rule, self.rule.verdicts(logits)
        report, shown, counts, errors = {}, "", {}, {}
        if evaluator.targets is not None:
            report = evaluator.report(logits, rule)
            shown = describe_scores(split, report, labels=rule.labels)
            counts = of_verdicts(rows, verdicts, rule)
            errors = error_report.of_verdicts(rows, verdicts, rule, report=report, train=train)
        lines = prediction_lines(rows, verdicts, multi_label=rule.multi_label)
        submission = submission_lines(rows, verdicts, separator=self.separator)
        return TextAnswers(lines, submission, report, shown, counts, errors)

    def decision(self) -> dict:
        """Fields of the model's configuration that say how to decide."""
        return {"decision": self.rule.to_config()}

    def card(self, record: dict, report: dict) -> str:
        """The model card; `report`: of the validation data."""
        return task_cards.class_card(record, report=report)


class TextScores:
    """A score of each text or pair: regression."""

    rule = ScoreRule()

    def watch(self, encoded: Dataset) -> ScoreEvaluator:
        """What scores a split, as `Trainer` goes on."""
        return ScoreEvaluator(encoded)

    def tune(self, logits: np.ndarray, evaluator: ScoreEvaluator) -> str:
        """Nothing is fitted: scores stay as they come."""
        return "scores: as the model tells them"

    def answer(
        self, split: str, rows: Dataset, evaluator: ScoreEvaluator, logits: np.ndarray, *, train: Dataset | None
    ) -> TextAnswers:
        """Answer about a split."""
        found = self.rule.verdicts(logits)
        report, shown, counts, errors = {}, "", {}, {}
        if evaluator.targets is not None:
            report = {"scores": evaluator.score(found), "task": "regression"}
            shown = describe_regression(split, report["scores"])
            counts = of_scores(rows, found)
            errors = error_report.of_scores(rows, found, scores=report["scores"])
        return TextAnswers(score_lines(rows, found), score_submission(rows, found), report, shown, counts, errors)

    def decision(self) -> dict:
        """Nothing beside `problem_type`."""
        return {}

    def card(self, record: dict, report: dict) -> str:
        """The model card; `report`: of the validation data."""
        return task_cards.score_card(record, report=report)
