"""What a regression model says: a number a text, as it comes out of the model."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class ScoreRule:
    """The counterpart of `DecisionRule` where a model has one output, a score.

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
