"""How well hidden tokens are predicted: loss, perplexity, accuracy, averaged over tokens and not over batches."""

import math

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import EvalPrediction

from .score_names import scores_of


def score_rows(logits: Tensor, labels: Tensor) -> Tensor:
    """Scores of each row, instead of logits that would not fit in memory.

    Args:
        logits: (hidden tokens, vocabulary), row by row.
        labels: (batch, length), -100 where nothing is hidden.

    Returns:
        (batch, 3) float32: sum of losses, number of right predictions, number of hidden tokens.
    """
    places = labels != -100
    targets = labels[places]
    losses = cross_entropy(logits.float(), targets, reduction="none")
    each = torch.stack([losses, (logits.argmax(-1) == targets).float(), torch.ones_like(losses)], dim=1)
    return losses.new_zeros(len(labels), 3).index_add(0, places.nonzero()[:, 0], each)


def compute_masked_scores(outputs: EvalPrediction) -> dict[str, float]:
    """Scores of all rows: `token_loss` (nats), `perplexity` (its exponential), `accuracy` (0-1).

    Args:
        outputs: `predictions` are those of `score_rows`.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[1.0, 1, 2], [2.0, 0, 1]])
        >>> compute_masked_scores(EvalPrediction(rows, None))["token_loss"]
        1.0
    """
    loss, right, count = outputs.predictions.astype("float64").sum(axis=0)
    mean = float(loss / max(count, 1))
    perplexity = math.exp(min(mean, 700))  # exp(710) overflows a float
    return {"token_loss": mean, "perplexity": perplexity, "accuracy": float(right / max(count, 1))}


compute_masked_scores.scores = scores_of("words")  # as evaluators have it
