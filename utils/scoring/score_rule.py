"""The output of a regression model: one number for each text, unchanged."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class ScoreRule:
    """The counterpart of `DecisionRule` for a model with one output, a score.

    Attributes:
        labels: the name of the output.
    """

    labels: Sequence[str] = ("score",)
    multi_label: bool = field(default=False, init=False)
    positive: None = field(default=None, init=False)

    def verdicts(self, logits: np.ndarray) -> list[float]:
        """(texts, 1) outputs -> the score of each text."""
        return np.asarray(logits, dtype=np.float64)[:, 0].tolist()


def is_regression(config) -> bool:
    """Whether a model's configuration is that of a regression."""
    return config.problem_type == "regression" or (config.problem_type is None and config.num_labels == 1)
