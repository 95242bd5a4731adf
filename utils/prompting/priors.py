"""How probable a model finds each class before reading a text; divided out, that no longer decides."""

from collections.abc import Sequence

import numpy as np


def answer_prior(logits: np.ndarray) -> np.ndarray:
    """The mean probability of each class, as a logarithm: what to subtract from logits.

    Args:
        logits: (texts, num_labels), of content-free input, of unlabelled texts, or of the texts in question.

    Returns:
        (num_labels,) float64. Subtracted from the logits of one content-free input it makes its classes equally
        probable (Zhao et al., 2021, contextual calibration).

    Example:
        >>> np.exp(answer_prior(np.log([[0.75, 0.25], [0.25, 0.75]]))).round(6).tolist()
        [0.5, 0.5]
    """
    normal = log_softmax(logits)
    return np.logaddexp.reduce(normal, axis=0) - np.log(len(normal))


def mix_templates(logits: Sequence[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """(texts, num_labels) logits under each template -> the mean of their log-probabilities.

    `weights` of the templates are 1 together; None for equal ones.
    """
    return np.average([log_softmax(each) for each in logits], axis=0, weights=weights)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logits -> log-probabilities over the last dimension, float64."""
    logits = np.asarray(logits, dtype=np.float64)
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
