"""Regression: the rule that turns outputs into scores, and how well they are predicted.

A model with one output predicts a number for each text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import datasets
import evaluate
import numpy as np
from datasets import Dataset
from transformers import EvalPrediction

from ..encoding.row_batches import iterate_column
from .score_names import library_scores, scores_of


@dataclass
class ScoreRule:
    """The counterpart of `DecisionRule`: the output is the score, unchanged.

    Attributes:
        labels: the name of the output.
    """

    labels: Sequence[str] = ("score",)
    multi_label: bool = field(default=False, init=False)
    positive: None = field(default=None, init=False)

    scored = "scores"
    columns = ("score",)
    options = ()
    problem_type = "regression"
    tags = ("regression",)  # of the model card

    @classmethod
    def from_config(cls, config) -> "ScoreRule":
        """The rule of a model; its configuration says nothing about it."""
        return cls()

    def verdicts(self, logits: np.ndarray) -> list[float]:
        """(texts, 1) outputs -> the score of each text."""
        return np.asarray(logits, dtype=np.float64)[:, 0].tolist()

    def combine(self, logits: Sequence[np.ndarray]) -> np.ndarray:
        """The mean of the members' scores."""
        return np.mean(logits, axis=0)

    def said(self, verdict: float) -> list[str]:
        """The score, for people."""
        return [f"{verdict:.4f}"]

    def ranked(self, verdict: float) -> list[tuple[str, float]]:
        """Nothing: a score has no alternatives."""
        return []

    def fields(self, verdict: float, *, top_k: int = 3) -> dict:
        """The score as JSON, in the unit of the training data."""
        return {"score": round(verdict, 6)}

    def cells(self, verdict: float, *, separator: str = "|") -> list[str]:
        """The values of `columns`."""
        return [f"{verdict:.6f}"]


def is_regression(config) -> bool:
    """Whether a model's configuration is that of a regression."""
    return config.problem_type == "regression" or (config.problem_type is None and config.num_labels == 1)


class RegressionScores(evaluate.Metric):
    """`compute(predictions, references)` of numbers.

    Returns `pearson` and `spearman` (correlation of the numbers and of their ranks, -1 to 1; 0 where either side is
    constant), `mae` (mean absolute error) and `mse` (mean squared error), in the unit of the references.

    Example:
        >>> scores = RegressionScores(keep_in_memory=True)
        >>> scores.compute(predictions=[1.0, 2.0, 3.0], references=[1.0, 2.0, 4.5])["mae"]
        0.5
    """

    def _info(self):
        number = datasets.Value("float64")
        return evaluate.MetricInfo(
            description="correlations and errors of numbers",
            citation="",
            inputs_description="numbers",
            features=datasets.Features({"predictions": number, "references": number}),
        )

    def _compute(self, predictions, references, **_):
        return library_scores("numbers", *(np.asarray(side, dtype=np.float64) for side in (references, predictions)))


class ScoreEvaluator:
    """Scores a labelled split; a `compute_metrics` for `Trainer`.

    Args:
        encoded: the split's inputs, see `text_inputs`, in the order in which the trainer sees them.

    Attributes:
        targets: (texts,) gold numbers in the order of the split; None where there are none.
        scores: names of the scores that a call returns.
    """

    scores = scores_of("scores")

    def __init__(self, encoded: Dataset):
        self.order = np.argsort(encoded["index"][:])
        self.targets = None
        if "labels" in encoded.column_names:
            self.targets = np.fromiter(iterate_column(encoded, "labels"), np.float64, len(encoded))[self.order]

    def logits(self, outputs) -> np.ndarray:
        """The gathered outputs in the order of the split: (texts, 1) float64."""
        logits = outputs[0] if isinstance(outputs, tuple) else outputs
        return np.asarray(logits, dtype=np.float64).reshape(len(self.order), 1)[self.order]

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        return self.score(self.logits(prediction.predictions)[:, 0])

    def score(self, found: Sequence[float]) -> dict[str, float]:
        """Scores of predictions in the order of the split."""
        return RegressionScores(keep_in_memory=True).compute(predictions=found, references=self.targets)
