"""Ranks the templates of a pool on labelled validation rows, and fits the weights for using them together."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .priors import log_softmax, mix_templates


class TemplateScore(NamedTuple):
    """How well a template does."""

    number: int  # of the template, from 0
    score: float  # accuracy or macro F1, 0-1
    likelihood: float  # mean log-probability of the right class


def rank_templates(
    logits: Sequence[np.ndarray], targets: np.ndarray, *, metric: str = "accuracy"
) -> list[TemplateScore]:
    """Score templates, the best first; of equal ones first that which finds the right class more probable.

    Args:
        logits: of each template, (rows, num_labels).
        targets: (rows,) class ids.
        metric: `accuracy`, or `f1`: the mean over the classes that are right or predicted somewhere.

    Example:
        >>> rank_templates([np.log([[0.4, 0.6]]), np.log([[0.8, 0.2]])], np.array([0]))[0].number
        1
    """
    measure = {"accuracy": _accuracy, "f1": _macro_f1}[metric]
    scores = [
        TemplateScore(number, measure(each.argmax(-1), targets), _likelihood(each, targets))
        for number, each in enumerate(logits)
    ]
    return sorted(scores, key=lambda one: (-one.score, -one.likelihood))


def fit_weights(logits: Sequence[np.ndarray], targets: np.ndarray, *, steps: int = 500) -> np.ndarray:
    """The weights of templates under which the right classes are most probable together.

    The likelihood of a weighted mean of log-probabilities is concave in the weights, so that it has one best value:
    exponentiated gradient (Kivinen and Warmuth, 1997) rises to it from equal weights, and halves steps that lower it.

    Args:
        logits: of each template, (rows, num_labels).
        targets: (rows,) class ids.
        steps: most steps; fewer if nothing more can be gained.

    Returns:
        (templates,) float64, 0 or more, together 1.
    """
    normal = np.stack([log_softmax(each) for each in logits])  # (templates, rows, num_labels)
    right = np.take_along_axis(normal, np.broadcast_to(targets[None, :, None], (*normal.shape[:2], 1)), 2)[..., 0]
    weights, rate = np.full(len(normal), 1 / len(normal)), 1.0
    best = _likelihood(mix_templates(logits, weights), targets)
    for _ in range(steps):
        mixed = np.exp(log_softmax(np.tensordot(weights, normal, 1)))  # (rows, num_labels)
        gradient = (right - (normal * mixed).sum(-1)).mean(-1)
        if gradient.max() - weights @ gradient < 1e-9:  # no weights could gain more than that
            break
        while rate > 1e-12:
            tried = weights * np.exp(rate * (gradient - gradient.max()))
            tried /= tried.sum()
            reached = _likelihood(mix_templates(logits, tried), targets)
            if reached >= best:
                break
            rate /= 2
        else:
            break
        weights, best, rate = tried, reached, 2 * rate
    return weights


def _likelihood(logits: np.ndarray, targets: np.ndarray) -> float:
    return float(log_softmax(logits)[np.arange(len(targets)), targets].mean())


def _accuracy(chosen: np.ndarray, targets: np.ndarray) -> float:
    return float((chosen == targets).mean())


def _macro_f1(chosen: np.ndarray, targets: np.ndarray) -> float:
    labels = np.union1d(chosen, targets)[:, None]
    said, due = chosen == labels, targets == labels  # (labels, rows)
    return float((2 * (said & due).sum(1) / (said.sum(1) + due.sum(1))).mean())
