"""The heads of a tagger, and R-Drop for each with its divergence from the definition."""

from utils.training.regularized_dropout import RegularizedDropout, cell_divergence, class_divergence

HEADS = ["softmax", "crf", "span"]


def symmetric_divergence(one, other):
    """KL(p, q) + KL(q, p) of each row of two logit tensors, from the definition."""
    p, q = one.double().softmax(-1), other.double().softmax(-1)
    return (p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)


def r_drop(head, alpha=4.0):
    return RegularizedDropout(alpha, cell_divergence if head == "span" else class_divergence)
