"""The marginals of a CRF, through which gradients flow back to its scores."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..modeling.crf import LinearChainCRF, compact, spread


def differentiable_marginals(crf: LinearChainCRF, emissions: Tensor, mask: Tensor) -> Tensor:
    """The posterior probability of each tag at each position, see `LinearChainCRF.marginals`, with a gradient.

    Args:
        crf: whose transitions, starts and ends get gradients, too.
        emissions: (batch, length, num_labels) scores.
        mask: (batch, length) bool, the positions that belong to the sequence.

    Returns:
        (batch, length, num_labels) float32 (float64 for float64 emissions), zero where `mask` is not set.
    """
    with torch.autocast(emissions.device.type, enabled=False):
        dtype = torch.float64 if emissions.dtype == torch.float64 else torch.float32
        order, lengths = compact(mask)
        there = mask.gather(1, order)  # (batch, width)
        moved = emissions.to(dtype).gather(1, order[..., None].expand(-1, -1, emissions.shape[-1]))
        scores = [each.to(dtype) for each in crf.constrain()]
        found = _Marginals.apply(moved.masked_fill(~there[..., None], 0), *scores, lengths.clamp(min=1))
        return spread(found, order, mask, 0)


def _walk(emissions: Tensor, transitions: Tensor, starts: Tensor, ends: Tensor, lengths: Tensor):
    """Logarithms of the forward and backward messages, (batch, length, num_labels) each; both with the emission."""
    length = emissions.shape[1]
    forward, backward = torch.empty_like(emissions), torch.empty_like(emissions)
    forward[:, 0] = starts + emissions[:, 0]
    for t in range(1, length):
        forward[:, t] = torch.logsumexp(forward[:, t - 1, :, None] + transitions, 1) + emissions[:, t]
    backward[:, -1] = ends + emissions[:, -1]
    for t in range(length - 2, -1, -1):
        on = torch.logsumexp(transitions + backward[:, t + 1, None], 2)
        backward[:, t] = torch.where((lengths - 1 == t)[:, None], ends, on) + emissions[:, t]
    return forward, backward


class _Marginals(torch.autograd.Function):
    """Marginals of left-aligned rows.

    With a gradient w of the marginals, the gradient of a score is the covariance of its feature with the sum of w
    along the tags. Given the tag at a place, the expectations of the sum before and behind it are independent, and
    each follows from a recursion over conditional probabilities.
    """

    @staticmethod
    def forward(ctx, emissions, transitions, starts, ends, lengths):
        forward, backward = _walk(emissions, transitions, starts, ends, lengths)
        valid = torch.arange(emissions.shape[1], device=lengths.device) < lengths[:, None]  # (batch, length)
        found = (forward + backward - emissions).softmax(-1).masked_fill(~valid[..., None], 0)
        ctx.save_for_backward(forward, backward, transitions, found, lengths, valid)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        forward, backward, transitions, found, lengths, valid = ctx.saved_tensors
        gains = gradient.masked_fill(~valid[..., None], 0)  # (batch, length, num_labels)
        behind = torch.zeros_like(gains)  # expected sum behind a place, given its tag
        for t in range(gains.shape[1] - 2, -1, -1):
            following = (transitions + backward[:, t + 1, None]).softmax(2).nan_to_num()  # (batch, tags, next tags)
            on = (following * (gains + behind)[:, t + 1, None]).sum(2)
            behind[:, t] = on.masked_fill(~valid[:, t + 1, None], 0)
        mean = (found * gains).sum((1, 2))[:, None]  # (batch, 1)
        until, moves = gains.clone(), torch.zeros_like(transitions)  # until: expected sum up to a place, given its tag
        for t in range(1, gains.shape[1]):
            before = (forward[:, t - 1, :, None] + transitions).softmax(1).nan_to_num()  # (batch, last tags, tags)
            chances = before * found[:, t, None]  # of each transition, given the whole row
            moves += (chances * (until[:, t - 1, :, None] + (gains + behind)[:, t, None] - mean[..., None])).sum(0)
            until[:, t] += (before * until[:, t - 1, :, None]).sum(1)
        by_emission = found * (until + behind - mean[..., None])
        last = (lengths - 1)[:, None, None].expand(-1, 1, found.shape[-1])
        return by_emission, moves, by_emission[:, 0].sum(0), by_emission.gather(1, last)[:, 0].sum(0), None
