"""The tasks of run_classification.py and run_qa_cls.py that give classes, by a decision rule.

See `answers` for what a task is.
"""

import logging
from collections.abc import Mapping

import numpy as np
from datasets import Dataset

from ..data.submission_columns import PLAIN, SubmissionForm
from ..modeling.text_classifier import is_stock
from ..prediction.verdict_lines import prediction_lines, submission_lines
from ..reporting import error_report
from ..reporting.class_report import describe_scores
from ..reporting.model_card import model_card
from ..scoring import calibration
from ..scoring.class_evaluator import ClassEvaluator
from ..scoring.decisions import DecisionRule, Rule
from ..scoring.example_counts import count_verdicts
from ..scoring.score_names import scores_of, shown_in
from .answers import Answers

logger = logging.getLogger(__name__)


class TextClasses:
    """Classes of texts or pairs.

    Args:
        encoded: inputs by split.
        rule: the decision rule during training, until it is tuned.
        tune: fit the rule on the validation data; otherwise it is not changed. Of a cross-validation, see `tuned_on`.
        temperature: fit a temperature.
        tuning: what thresholds are fitted for, see `tune_rule`.
        separator: separates labels in a submission.
        form: of a submission.

    Attributes:
        rule: the decision rule, tuned once the split `tuned_on` is answered.
        top_k: how many of the most probable labels are written.
        example: see `model_card`.
    """

    top_k = 3
    example = "classes"

    def __init__(
        self,
        encoded: Mapping[str, Dataset],
        rule: DecisionRule,
        *,
        tune: bool,
        temperature: bool,
        tuning: dict,
        separator: str | None,
        form: SubmissionForm = PLAIN,
    ):
        self.rule, self.temperature, self.tuning = rule, temperature, tuning
        self.tuned_on = "validation" if tune else None
        self.separator, self.form = separator, form
        self.evaluators = {split: self.watch(rows) for split, rows in encoded.items() if split != "train"}

    def watch(self, encoded: Dataset) -> ClassEvaluator:
        """The evaluator that scores a split during training."""
        return ClassEvaluator(encoded, self.rule)

    def scoring(self, split: str) -> None:
        """None: scores are computed once the rule is tuned."""

    def tune(self, logits: np.ndarray, targets: np.ndarray) -> DecisionRule:
        """The rule, fitted on validation data."""
        return calibration.tune_rule(self.rule, logits, targets, temperature=self.temperature, **self.tuning)

    def decode(self, split: str, predictions: np.ndarray | tuple) -> np.ndarray:
        """The logits of a split, in its order."""
        return self.evaluators[split].logits(predictions)

    def answer(
        self, split: str, rows: Dataset, logits: np.ndarray, *, scores: dict[str, float], train: Dataset | None
    ) -> Answers:
        """The answers for a split; `train`: the training rows."""
        evaluator = self.evaluators[split]
        if split == self.tuned_on:
            self.rule = self.tune(logits, evaluator.targets)
            logger.info("decisions: %s", self.rule.describe())
        verdicts = self.rule.verdicts(logits)
        answers = self.write(rows, verdicts)
        if evaluator.targets is None:
            return answers
        report = evaluator.report(logits, self.rule)
        return answers._replace(
            shown=describe_scores(split, report, labels=self.rule.labels),
            scores=report["scores"],
            report=report,
            counts=count_verdicts(rows, verdicts, self.rule),
            errors=error_report.report_verdicts(rows, verdicts, self.rule, report=report, train=train),
        )

    def write(self, rows: Dataset, verdicts) -> Answers:
        """The lines of a split's predictions and of its submission."""
        lines = prediction_lines(self.rule, rows, verdicts, top_k=self.top_k)
        submission = submission_lines(self.rule, rows, verdicts, separator=self.separator, form=self.form)
        return Answers(lines, report={}, submission=submission)

    def decision(self) -> dict:
        """The tuned rule."""
        return {"decision": self.rule.to_config()}

    def card(self, record: dict, reports: Mapping[str, dict]) -> str:
        """The model card."""
        return text_card(record, rule=self.rule, report=reports["validation"], example=self.example)


class QuestionClasses(TextClasses):
    """Questions whose classes are their answers; also scored by rank, and left unanswered if the model is not sure.

    Args:
        encoded, rule, tune: see `TextClasses`.
        accuracy: target share of right answers among those that are given, 0-1.
        top_k: how many of the most probable answers are written.
    """

    example = "questions"

    def __init__(self, encoded: Mapping[str, Dataset], rule: DecisionRule, *, tune: bool, accuracy: float, top_k: int):
        self.accuracy = accuracy
        super().__init__(encoded, rule, tune=tune, temperature=True, tuning={}, separator=None)
        self.top_k = top_k

    def watch(self, encoded: Dataset) -> ClassEvaluator:
        """The evaluator that scores a split during training, ranks included."""
        return ClassEvaluator(encoded, self.rule, ranking=True)

    def tune(self, logits: np.ndarray, targets: np.ndarray) -> DecisionRule:
        """The rule, fitted on validation data."""
        return calibration.tune_answers(self.rule, logits, targets, accuracy=self.accuracy)

    def write(self, rows: Dataset, verdicts) -> Answers:
        """The lines of a split's predictions."""
        return Answers(prediction_lines(self.rule, rows, verdicts, top_k=self.top_k), report={})


def text_card(record: dict, *, rule: Rule, report: dict, example: str = "classes") -> str:
    """Model card of a model for whole texts.

    Args:
        rule: how its outputs become what it predicts.
        report: report of the validation set, with its `scores`, see `ClassEvaluator.report`.
        example: see `model_card`.
    """
    arguments = record["arguments"]
    windows = arguments.get("long_texts") == "windows"
    return model_card(
        f"{rule.scored}_card",
        record,
        task="text-classification",
        tags=["text-classification", *rule.tags, f"pooling-{arguments['pooling']}"],
        metrics=[name for name in scores_of(rule.scored) if name in shown_in("card")],
        auto="AutoModelForSequenceClassification",
        stock=is_stock(pooling=arguments["pooling"], layers=arguments["layers"]) and not windows,
        windows=windows,
        report=report,
        example=example,
    )
