"""Logits of a split -> decisions -> scores, before and after the decision rule was tuned."""

import numpy as np
from datasets import Dataset
from transformers import EvalPrediction

from .calibration import calibration_error, reliability, risk_coverage
from .class_metrics import ClassScores, LabelScores, RankingScores
from .decisions import DecisionRule
from .positive_labels import describe_positive
from .score_names import scores_of


class ClassEvaluator:
    """Scores a labelled split; a `compute_metrics` for `Trainer`, which sees decisions that are not tuned.

    Args:
        encoded: the split's inputs, see `text_inputs`, in the order in which the trainer sees them.
        rule: what to decide by while training goes on.
        ranking: also score the rank of the right class, and answers that are given only when sure.

    Attributes:
        scores: names of what a call gives; `auroc` and `ap` only where both sides occur.
    """

    def __init__(self, encoded: Dataset, rule: DecisionRule, *, ranking: bool = False):
        self.rule, self.ranking = rule, ranking
        self.scores = scores_of("classes") + (scores_of("ranks") if ranking else ())
        self.order = np.argsort(encoded["index"][:])
        self.targets = None
        if "labels" in encoded.column_names:
            self.targets = np.asarray(encoded["labels"][:])[self.order].astype(np.int64)

    def logits(self, outputs) -> np.ndarray:
        """What the trainer gathered, in the order of the split: (texts, num_labels) float64."""
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        return np.asarray(logits, dtype=np.float64)[self.order]

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        scores, _ = self.score(self.logits(prediction.predictions), self.rule)
        return scores

    def score(self, logits: np.ndarray, rule: DecisionRule) -> tuple[dict[str, float], dict]:
        """Scores under a decision rule, and the details that belong into a report.

        Args:
            logits: in the order of the split.
            rule: what to decide by.

        Returns:
            Scores (0-1) by name, `ece` among them; and `table`, `reliability`, `confusion` (not multi-label).
        """
        probabilities = rule.probabilities(logits)
        decided = rule.decide(probabilities).astype(np.int64)
        metric = LabelScores if rule.multi_label else ClassScores
        options = {"labels": rule.labels, "probabilities": probabilities}
        if not rule.multi_label:
            options["positive"] = rule.positive
        scores = metric(keep_in_memory=True).compute(
            predictions=decided.tolist(), references=self.targets.tolist(), **options
        )
        details = {name: scores.pop(name) for name in ("table", "confusion") if name in scores}
        details["reliability"] = reliability(*self.confidence(probabilities, rule))
        scores["ece"] = calibration_error(details["reliability"])
        if self.ranking:
            ranking = RankingScores(keep_in_memory=True)
            scores |= ranking.compute(predictions=probabilities.tolist(), references=self.targets.tolist())
        return scores, details

    def report(self, logits: np.ndarray, rule: DecisionRule) -> dict:
        """`scores`, `table`, `reliability`, `confusion` under a tuned rule, `untuned` scores and reliability.

        `about` says whose scores they are, of two classes. With `ranking` also `coverage`, see `risk_coverage`.
        """
        scores, details = self.score(logits, rule)
        untuned, plain = self.score(logits, DecisionRule(rule.labels, rule.multi_label, positive=rule.positive))
        decision = rule.to_config()
        untuned = {"scores": untuned, "reliability": plain["reliability"]}
        report = {"labels": rule.labels, "decision": decision, "scores": scores, **details, "untuned": untuned}
        report["about"] = None if rule.multi_label else describe_positive(rule.labels, rule.positive)
        if self.ranking:
            report["coverage"] = risk_coverage(*self.confidence(rule.probabilities(logits), rule))
        return report

    def confidence(self, probabilities: np.ndarray, rule: DecisionRule) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities, and whether what they are about is so: of the chosen class; of every label if multi-label."""
        if rule.multi_label:
            return probabilities.ravel(), self.targets.ravel()
        decided = rule.decide(probabilities)
        return np.take_along_axis(probabilities, decided[:, None], 1)[:, 0], decided == self.targets
