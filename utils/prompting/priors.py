"""How probable a model finds each class before it has read anything; divided out, that no longer decides."""

from collections.abc import Sequence

import numpy as np


def answer_prior(logits: np.ndarray) -> np.ndarray:
    """The mean probability of each class, as a logarithm: what to subtract from logits.

    Args:
        logits: (texts, num_labels): of content-free input, of unlabelled texts, or of the texts in question.

    Returns:
        (num_labels,) float64. Subtracted from the logits of one content-free input it makes its classes equally
        probable (Zhao et al., 2021, contextual calibration).

    Example:
        >>> np.exp(answer_prior(np.log([[0.75, 0.25], [0.25, 0.75]]))).round(6).tolist()
        [0.5, 0.5]
    """
    normal = _normalize(logits)
    return np.logaddexp.reduce(normal, axis=0) - np.log(len(normal))


def mix_templates(logits: list[np.ndarray], weights: Sequence[float] | None = None) -> np.ndarray:
    """Logits under several templates -> the weighted mean of their log-probabilities.

    Args:
        logits: of each template, (texts, num_labels).
        weights: of each template, adding up to 1; None for equal ones.
    """
    return np.average([_normalize(each) for each in logits], axis=0, weights=weights)


def _normalize(logits: np.ndarray) -> np.ndarray:
    """Log-probabilities, float64."""
    logits = np.asarray(logits, dtype=np.float64)
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)
