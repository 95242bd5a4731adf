"""Logits of a split -> decisions -> scores, before and after tuning the decision rule."""

import numpy as np
from datasets import Dataset
from transformers import EvalPrediction

from .calibration import calibration_error, reliability, risk_coverage
from .class_metrics import ClassScores, LabelScores, RankingScores
from .decisions import DecisionRule
from .positive_labels import describe_positive
from .score_names import scores_of


class ClassEvaluator:
    """Scores a labelled split; a `compute_metrics` for `Trainer`, which scores untuned decisions.

    Args:
        encoded: the split's inputs, see `text_inputs`, in the order in which the trainer sees them.
        rule: the decision rule during training.
        ranking: also score the rank of the right class, and the accuracy at each coverage.

    Attributes:
        scores: names of the scores that a call returns; `auroc` and `ap` only where positives and negatives occur.
    """

    def __init__(self, encoded: Dataset, rule: DecisionRule, *, ranking: bool = False):
        self.rule, self.ranking = rule, ranking
        self.scores = scores_of("classes") + (scores_of("ranks") if ranking else ())
        self.order = np.argsort(encoded["index"][:])
        self.targets = None
        if "labels" in encoded.column_names:
            self.targets = np.asarray(encoded["labels"][:])[self.order].astype(np.int64)

    def logits(self, outputs) -> np.ndarray:
        """The gathered outputs in the order of the split: (texts, num_labels) float64."""
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        return np.asarray(logits, dtype=np.float64)[self.order]

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        scores, _ = self.score(self.logits(prediction.predictions), self.rule)
        return scores

    def score(self, logits: np.ndarray, rule: DecisionRule) -> tuple[dict[str, float], dict]:
        """Scores under a decision rule, and the details for a report.

        Args:
            logits: in the order of the split.
            rule: the decision rule.

        Returns:
            Scores (0-1) by name, including `ece`; and a dict of `table`, `reliability`, `confusion` (not multi-label).
        """
        probabilities = rule.probabilities(logits)
        decided = rule.decide(probabilities).astype(np.int64)
        metric = LabelScores if rule.multi_label else ClassScores
        options = {"labels": rule.labels, "positive": rule.positive, "probabilities": probabilities}
        given = {"predictions": decided.tolist(), "references": self.targets.tolist()}
        scores = metric(keep_in_memory=True).compute(**given, **options)
        details = {name: scores.pop(name) for name in ("table", "confusion") if name in scores}
        details["reliability"] = reliability(*self.confidence(probabilities, rule))
        scores["ece"] = calibration_error(details["reliability"])
        if self.ranking:
            ranking = RankingScores(keep_in_memory=True)
            scores |= ranking.compute(predictions=probabilities.tolist(), references=self.targets.tolist())
        return scores, details

    def report(self, logits: np.ndarray, rule: DecisionRule) -> dict:
        """`scores`, `table`, `reliability`, `confusion` under a tuned rule, `untuned` scores and reliability.

        Of two classes, `about` names the one that the scores are for. With `ranking` also `coverage`, see
        `risk_coverage`.
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
        """Probabilities of the chosen class and whether it is right; of every label and whether it is there."""
        if rule.multi_label:
            return probabilities.ravel(), self.targets.ravel()
        decided = rule.decide(probabilities)
        return np.take_along_axis(probabilities, decided[:, None], 1)[:, 0], decided == self.targets
