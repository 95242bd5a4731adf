"""R-Drop: penalise the difference between two dropout passes; and the measures of that difference."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass
class RegularizedDropout:
    """R-Drop (Wu et al., 2021, equation 4): two dropout passes should agree.

    The loss is the paper's, halved: the mean of both passes' losses + alpha / 4 * (KL(p, q) + KL(q, p)).
    """

    alpha: float
    divergence: Callable[[Tensor, Tensor, Tensor], Tensor]  # logits of each pass, labels -> KL(p, q) + KL(q, p)


def class_divergence(one: Tensor, other: Tensor, labels: Tensor) -> Tensor:
    """Symmetric KL divergence of class distributions, mean over labelled positions.

    Args:
        one, other: (..., num_classes) logits.
        labels: (...) class ids, -100 where there is none.
    """
    one, other = one.float().log_softmax(-1), other.float().log_softmax(-1)
    each = ((one.exp() - other.exp()) * (one - other)).sum(-1)  # KL(p, q) + KL(q, p) at each position
    counted = labels != -100
    return each[counted].sum() / counted.sum().clamp(min=1)


def cell_divergence(one: Tensor, other: Tensor, labels: Tensor) -> Tensor:
    """Symmetric KL divergence of yes/no decisions: summed over cells, mean over the two leading dimensions."""
    one, other = one.float(), other.float()
    return ((one.sigmoid() - other.sigmoid()) * (one - other)).flatten(2).sum(-1).mean()


def label_divergence(one: Tensor, other: Tensor, labels: Tensor) -> Tensor:
    """Symmetric KL divergence of yes/no decisions, mean over texts and labels: (batch, num_labels) logits."""
    one, other = one.float(), other.float()
    return ((one.sigmoid() - other.sigmoid()) * (one - other)).mean()
