"""A linear-chain conditional random field (Lafferty et al., 2001) over tag sequences, as a torch module.

The loss runs the forward and the backward recursion side by side in scaled probability space (Rabiner, 1989, section
V.A) and gives autograd the analytic gradient, expected minus observed counts. If a path would be lost to underflow, it
computes the same quantities in log space. Decoding is one vectorised Viterbi that returns a tensor.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .tag_rules import tag_rules


def compact(mask: Tensor) -> tuple[Tensor, Tensor]:
    """Indices that move the positions of each row where `mask` (batch, length) is set to its left end, in order.

    Returns:
        `order` (batch, width) int64, the positions to gather, where `width` is the longest sequence (at least 1), and
        `lengths` (batch,) int64. Values of `order` beyond a row's length are padding.
    """
    lengths = mask.sum(1)
    width = max(int(lengths.max()), 1) if mask.numel() else 1
    order = mask.int().argsort(dim=1, descending=True, stable=True)[:, :width]
    return order, lengths


class _Chain(NamedTuple):
    """The potentials of a batch of chains; forbidden entries are -inf."""

    emissions: Tensor  # (batch, length, num_labels)
    transitions: Tensor  # (num_labels, num_labels)
    starts: Tensor  # (num_labels,)
    ends: Tensor  # (num_labels,)
    lengths: Tensor  # (batch,) each at least 1

    def reversal(self) -> Tensor:
        """(batch, length): the original position of position t of each reversed row; beyond a row's end, 0."""
        steps = torch.arange(self.emissions.shape[1], device=self.lengths.device)
        return (self.lengths[:, None] - 1 - steps).clamp(min=0)

    def valid(self) -> Tensor:
        """(batch, length) bool: the positions that belong to a row."""
        return torch.arange(self.emissions.shape[1], device=self.lengths.device) < self.lengths[:, None]

    def both_ways(self, potentials: Tensor) -> Tensor:
        """(batch, length, num_labels) -> (length, 2, batch, num_labels): each row as it is, and reversed."""
        turned = potentials.gather(1, self.reversal()[..., None].expand_as(potentials))
        return torch.stack([potentials.transpose(0, 1), turned.transpose(0, 1)], dim=1)

    def align(self, messages: Tensor) -> tuple[Tensor, Tensor]:
        """Split stacked messages into forward and backward ones, both (batch, length, num_labels), by position."""
        forward, backward = messages[:, 0].transpose(0, 1), messages[:, 1].transpose(0, 1)
        return forward, backward.gather(1, self.reversal()[..., None].expand_as(backward))


def _log_messages(chain: _Chain) -> tuple[Tensor, Tensor, Tensor]:
    """The logarithms of `forward`, `backward` and `onward` of `_Scaled`, (batch, length, num_labels) each."""
    potentials = chain.both_ways(chain.emissions)  # (length, 2, batch, num_labels)
    steps = torch.stack([chain.transitions, chain.transitions.T])[:, None]  # (2, 1, num_labels, num_labels)
    messages = torch.empty_like(potentials)
    messages[0] = torch.stack([chain.starts, chain.ends])[:, None] + potentials[0]
    for t in range(1, len(potentials)):
        messages[t] = torch.logsumexp(messages[t - 1][..., None] + steps, dim=-2) + potentials[t]
    forward, backward = chain.align(messages)
    onward = torch.empty_like(backward)
    for t in range(backward.shape[1] - 1):
        onward[:, t] = torch.logsumexp(chain.transitions + backward[:, t + 1, None], dim=-1)
    last = (chain.lengths - 1)[:, None, None].expand(-1, 1, backward.shape[-1])
    return forward, backward, onward.scatter(1, last, chain.ends.expand(len(backward), 1, -1))


class _Scaled(NamedTuple):
    forward: Tensor  # (batch, length, num_labels), each position sums to 1
    backward: Tensor  # likewise; includes the position's emission, as forward does
    onward: Tensor  # (batch, length, num_labels): weight of all that follows a position, given its tag
    step: Tensor  # (num_labels, num_labels): exp(transitions - their peak)
    mass: Tensor  # (batch, length): sum of forward * onward
    log_partition: Tensor  # (batch,)
    exact: Tensor  # () bool: no path was lost to underflow


def _scaled_messages(chain: _Chain) -> _Scaled:
    """Forward and backward messages in scaled probability space: one small matrix product a step for both ways."""
    batch, length, size = chain.emissions.shape
    valid = chain.valid()
    peak = chain.emissions.amax(-1)  # (batch, length)
    weights = (chain.emissions - peak[..., None]).exp()  # in [0, 1], 1 at the best tag
    borders = torch.stack([chain.starts, chain.ends])  # (2, num_labels)
    border_peaks = borders.amax(-1)
    step_peak = chain.transitions.amax()
    step, borders = (chain.transitions - step_peak).exp(), (borders - border_peaks[:, None]).exp()

    potentials = chain.both_ways(weights).contiguous()  # (length, 2, batch, num_labels)
    steps = torch.stack([step, step.T])  # (2, num_labels, num_labels)
    messages, totals = torch.empty_like(potentials), potentials.new_empty(length, 2, batch, 1)
    torch.mul(borders[:, None], potentials[0], out=messages[0])
    previous = None
    for message, potential, total in zip(messages, potentials, totals, strict=True):
        if previous is not None:
            torch.bmm(previous, steps, out=message)
            message.mul_(potential)
        torch.sum(message, -1, keepdim=True, out=total)
        message.div_(total)
        previous = message
    forward, backward = chain.align(messages)  # (batch, length, num_labels) each

    # The weight of what follows position t, given its tag: the ends at the last position, otherwise a step and the
    # next backward message.
    onward = torch.empty_like(forward)
    onward[:, -1] = borders[1]
    torch.matmul(backward[:, 1:], step.T, out=onward[:, :-1])
    last = (chain.lengths - 1)[:, None, None].expand(-1, 1, size)
    onward.scatter_(1, last, borders[1].expand(batch, 1, size))
    mass = (forward * onward).sum(-1)  # (batch, length)

    logs = totals[..., 0].log()  # (length, 2, batch)
    before = logs[:, 0].T.masked_fill(~valid, 0).cumsum(1)  # (batch, length): scale of the forward message at t
    behind = logs[:, 1].T.masked_fill(~valid, 0).cumsum(1).gather(1, chain.reversal())  # of the backward one at t
    behind = torch.cat([behind[:, 1:], torch.zeros_like(behind[:, :1])], 1)
    behind.scatter_(1, (chain.lengths - 1)[:, None], 0.0)
    cuts = mass.log() + before + behind  # (batch, length): log partition, computed at every position: all must agree
    at_end = cuts.gather(1, (chain.lengths - 1)[:, None])  # (batch, 1)
    scale = (peak * valid).sum(1) + (chain.lengths - 1) * step_peak + border_peaks.sum()
    log_partition = at_end[:, 0] + scale

    # A weight that underflows is lost in both directions; if only one direction loses a path, the cuts disagree.
    info = torch.finfo(weights.dtype)
    permitted_steps = step.masked_fill(chain.transitions == -torch.inf, 1)
    permitted_borders = borders.masked_fill(torch.stack([chain.starts, chain.ends]) == -torch.inf, 1)
    reached = weights.masked_fill(~valid[..., None], 1)
    smallest = torch.stack([reached.amin(), permitted_steps.amin(), permitted_borders.amin()]).amin()
    spread = ((cuts - at_end).abs().masked_fill(~valid, 0) / (1 + at_end.abs())).amax()
    exact = (smallest > info.tiny / info.eps) & (spread < 1e3 * info.eps)  # NaN compares false, so it is not exact
    return _Scaled(forward, backward, onward, step, mass, log_partition, exact)


class _Counts(NamedTuple):
    log_partition: Tensor  # (batch,)
    unary: Tensor  # (batch, length, num_labels): posterior probability of each tag at each position
    pairwise: Tensor  # (batch, num_labels, num_labels): expected number of each transition


def _expected_counts(chain: _Chain) -> _Counts:
    valid = chain.valid()[..., None]
    scaled = _scaled_messages(chain)
    if scaled.exact:
        left = (scaled.forward / scaled.mass[..., None]).masked_fill(~valid, 0)  # (batch, length, num_labels)
        unary = left * scaled.onward
        right = scaled.backward[:, 1:].masked_fill(~valid[:, 1:], 0)
        pairwise = torch.bmm(left[:, :-1].transpose(1, 2), right) * scaled.step
        return _Counts(scaled.log_partition, unary, pairwise)
    forward, backward, onward = _log_messages(chain)
    last = (chain.lengths - 1)[:, None, None].expand(-1, 1, forward.shape[-1])
    log_partition = (forward.gather(1, last)[:, 0] + chain.ends).logsumexp(-1)
    unary = (forward + onward - log_partition[:, None, None]).exp().masked_fill(~valid, 0)
    pairwise = torch.zeros_like(forward[:, 0, :, None] + chain.transitions)
    for t in range(1, forward.shape[1]):
        joint = forward[:, t - 1, :, None] + chain.transitions + backward[:, t, None] - log_partition[:, None, None]
        pairwise += joint.exp().masked_fill(~valid[:, t, None], 0)
    return _Counts(log_partition, unary, pairwise)


class _NegativeLogLikelihood(torch.autograd.Function):
    """Minus the log-probability of each row's tags; the gradient is expected minus observed counts."""

    @staticmethod
    def forward(ctx, emissions, transitions, starts, ends, tags, lengths):
        chain = _Chain(emissions, transitions, starts, ends, lengths)
        valid = chain.valid()
        counts = _expected_counts(chain)
        size, last = emissions.shape[-1], (lengths - 1)[:, None]
        first_tags, last_tags = tags[:, 0], tags.gather(1, last)[:, 0]
        observed = emissions.gather(2, tags[..., None])[..., 0].masked_fill(~valid, 0).sum(1)
        moves = tags[:, :-1] * size + tags[:, 1:]  # (batch, length - 1): flat index of each observed transition
        moved = transitions.flatten()[moves].masked_fill(~valid[:, 1:], 0).sum(1)
        score = observed + moved + starts[first_tags] + ends[last_tags]
        if any(ctx.needs_input_grad):
            unary, pairwise = counts.unary, counts.pairwise.flatten(1)
            unary.scatter_add_(2, tags[..., None], -valid[..., None].to(unary.dtype))
            pairwise.scatter_add_(1, moves, -valid[:, 1:].to(unary.dtype))
            ctx.save_for_backward(unary, pairwise.view_as(counts.pairwise), last)
        return counts.log_partition - score

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        unary, pairwise, last = ctx.saved_tensors
        by_emission = unary * gradient[:, None, None]
        by_end = by_emission.gather(1, last[..., None].expand(-1, 1, unary.shape[-1]))[:, 0].sum(0)
        by_transition = torch.einsum("bij,b->ij", pairwise, gradient)
        return by_emission, by_transition, by_emission[:, 0].sum(0), by_end, None, None


def viterbi(emissions: Tensor, transitions: Tensor, starts: Tensor, ends: Tensor, lengths: Tensor) -> Tensor:
    """The best tag sequence of each row (Viterbi, 1967).

    Runs from both ends at once and meets in the middle, which halves the number of steps. The way in keeps only the
    best scores; the way out finds the tag that led to each, for one tag per row.

    Args:
        emissions: (batch, length, num_labels) scores, rows aligned left.
        transitions: (num_labels, num_labels) score of moving from the row's tag to the column's; -inf forbids it.
        starts, ends: (num_labels,) scores of a sequence's first and last tag.
        lengths: (batch,) int64, each at least 1.

    Returns:
        (batch, length) int64 tag ids; 0 beyond a row's length.
    """
    batch, length, size = emissions.shape
    steps = (length + 1) // 2
    positions = torch.arange(length, device=lengths.device)
    turned = (lengths[:, None] - 1 - positions[:steps]).clamp(min=0)  # (batch, steps): what the right side reads
    right = emissions.gather(1, turned[..., None].expand(-1, -1, size))
    moves = torch.stack([transitions, transitions.T])  # (2, outer, inner): both sides walk from outer to inner tags
    # (steps, 2, labels, batch): the batch is innermost, so that maxima over tags run over contiguous memory.
    potentials = torch.stack([emissions[:, :steps], right]).permute(2, 0, 3, 1).contiguous()
    best, arrivals = torch.empty_like(potentials), emissions.new_empty(2, size, size, batch)
    torch.add(torch.stack([starts, ends])[..., None], potentials[0], out=best[0])
    moving, outer = moves[..., None], best[:, :, :, None].unbind(0)  # each (2, outer, 1, batch)
    for before, score, potential in zip(outer, best[1:].unbind(0), potentials[1:].unbind(0), strict=False):
        torch.add(before, moving, out=arrivals)  # (2, outer, inner, batch)
        torch.amax(arrivals, 1, out=score)
        score.add_(potential)

    reach = torch.stack([(lengths + 1) // 2, lengths // 2])  # (2, batch): how many positions each side answers for
    inner = (reach - 1).clamp(min=0)
    left, right = (best[:, side].gather(0, inner[side].expand(1, size, -1))[0] for side in (0, 1))  # (labels, batch)
    across = (transitions[..., None] + right[None]).amax(1)  # (labels, batch): the best to come, for each left tag
    first = (left + torch.where(lengths > 1, across, ends[:, None])).argmax(0)  # one position alone has no right side
    second = (transitions.index_select(0, first).T + right).argmax(0)
    meeting = torch.cat([first, second])  # (2 * batch,)
    # On the way out the tags are innermost, for the same reason; both sides are rows of one matrix.
    scores = best.transpose(2, 3).reshape(steps, 2 * batch, size).unbind(0)
    arriving = moves.transpose(1, 2).reshape(2 * size, size)  # (side and inner tag, outer)
    side = torch.arange(2, device=lengths.device).repeat_interleave(batch) * size
    inner = inner.flatten()
    tag, tags, joins = meeting, [], set(inner.tolist())
    for step in range(steps - 1, -1, -1):
        if step < steps - 1:
            tag = arriving.index_select(0, side + tag).add_(scores[step]).argmax(-1)
        if step in joins:
            tag = torch.where(inner > step, tag, meeting)
        tags.append(tag)
    left, right = torch.stack(tags[::-1], -1).view(2, batch, steps)
    from_right = steps + (lengths[:, None] - 1 - positions).clamp(0, steps - 1)
    source = torch.where(positions < reach[0, :, None], positions.clamp(max=steps - 1), from_right)
    return torch.cat([left, right], 1).gather(1, source).masked_fill(positions >= lengths[:, None], 0)


class LinearChainCRF(nn.Module):
    """Linear-chain CRF whose forbidden transitions, starts and ends follow from the names of its tags.

    Computes in float32 (float64 for float64 emissions), even under autocast. A row may have any positions masked out:
    the others are moved together first. Rows without any position have loss 0 and get no tags.

    Args:
        labels: tag names in the order of their ids; see `tag_rules`.

    Example:
        >>> crf = LinearChainCRF(["O", "B-PER", "I-PER"])
        >>> mask = torch.ones(2, 4, dtype=torch.bool)
        >>> crf.decode(torch.zeros(2, 4, 3), mask).shape
        torch.Size([2, 4])
    """

    def __init__(self, labels: Sequence[str]):
        super().__init__()
        rules = tag_rules(labels)
        self.transitions = nn.Parameter(torch.empty(len(labels), len(labels)))
        self.starts = nn.Parameter(torch.empty(len(labels)))
        self.ends = nn.Parameter(torch.empty(len(labels)))
        self.register_buffer("permitted_transitions", rules.transitions)
        self.register_buffer("permitted_starts", rules.starts)
        self.register_buffer("permitted_ends", rules.ends)
        self.register_buffer("continues", rules.continues)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -0.1, 0.1)

    @torch.compiler.disable  # its loops run over positions: a compiler would unroll them, anew for each length
    def forward(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Minus the log-probability of the tags.

        Args:
            emissions: (batch, length, num_labels) scores.
            tags: (batch, length) int64 ids; used only where `mask` is set.
            mask: (batch, length) bool, the positions that belong to the sequence.

        Returns:
            (batch,) float32 (float64 for float64 emissions); 0 for a row without positions, inf for forbidden tags.
        """
        with torch.autocast(emissions.device.type, enabled=False):
            chain, order = self._chain(emissions, mask)
            tags = tags.gather(1, order).masked_fill(~mask.gather(1, order), 0)
            loss = _NegativeLogLikelihood.apply(*chain[:4], tags, chain.lengths)
            return loss.masked_fill(~mask.any(1), 0)

    @torch.compiler.disable
    @torch.no_grad()
    def decode(self, emissions: Tensor, mask: Tensor, pad: int = 0) -> Tensor:
        """The best permitted tag sequence of each row.

        Returns:
            (batch, length) int64 tag ids at the positions of `mask`, `pad` elsewhere.
        """
        with torch.autocast(emissions.device.type, enabled=False):
            chain, order = self._chain(emissions, mask)
            return spread(viterbi(*chain), order, mask, pad)

    @torch.compiler.disable
    @torch.no_grad()
    def marginals(self, emissions: Tensor, mask: Tensor) -> Tensor:
        """The posterior probability of each tag at each position, summed over all tag sequences.

        Returns:
            (batch, length, num_labels), zero where `mask` is not set.
        """
        with torch.autocast(emissions.device.type, enabled=False):
            chain, order = self._chain(emissions, mask)
            return spread(_expected_counts(chain).unary, order, mask, 0)

    @torch.compiler.disable
    @torch.no_grad()
    def posteriors(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        """Posterior probabilities along given tags, from which that of any part of them follows by the chain rule.

        The posterior of a linear-chain CRF is a Markov chain, so `first[s] * then[s+1] * ... * then[e] * stops[e]` is
        the exact probability of the tags s..e with no continuation of their entity after e.

        Returns:
            (batch, length, 3): `first`, P(tag); `then`, P(tag | previous tag); `stops`, P(next tag does not continue
            this one's entity | tag), 1 at the last position. Zero where `mask` is not set.
        """
        with torch.autocast(emissions.device.type, enabled=False):
            chain, order = self._chain(emissions, mask)
            valid = chain.valid()
            tags = tags.gather(1, order).masked_fill(~mask.gather(1, order), 0)
            scaled = _scaled_messages(chain)
            if scaled.exact:
                forward, backward, onward = scaled.forward.log(), scaled.backward.log(), scaled.onward.log()
            else:
                forward, backward, onward = _log_messages(chain)
            first = (forward + onward).log_softmax(-1).gather(2, tags[..., None])[..., 0].exp()
            # (batch, length - 1, num_labels): log P(next tag | this tag), for the tag given here
            ahead = (chain.transitions[tags[:, :-1]] + backward[:, 1:]).log_softmax(-1).exp().nan_to_num()
            then = torch.cat([first[:, :1], ahead.gather(2, tags[:, 1:, None])[..., 0]], 1)
            goes_on = (ahead * self.continues[tags[:, :-1]]).sum(-1).masked_fill(~valid[:, 1:], 0)
            stops = torch.cat([1 - goes_on, torch.ones_like(first[:, :1])], 1)
            along = torch.stack([first, then, stops], -1).clamp(0, 1)  # (batch, width, 3)
            return spread(along, order, mask, 0)

    def constrain(self) -> tuple[Tensor, Tensor, Tensor]:
        """Transition, start and end scores with -inf where the tag scheme forbids them."""
        return (
            self.transitions.masked_fill(~self.permitted_transitions, -torch.inf),
            self.starts.masked_fill(~self.permitted_starts, -torch.inf),
            self.ends.masked_fill(~self.permitted_ends, -torch.inf),
        )

    def _chain(self, emissions: Tensor, mask: Tensor) -> tuple[_Chain, Tensor]:
        if emissions.dim() != 3 or emissions.shape[-1] != len(self.starts) or emissions.shape[:2] != mask.shape:
            raise ValueError(
                f"expected emissions (batch, length, {len(self.starts)}) and a mask (batch, length), "
                f"found {tuple(emissions.shape)} and {tuple(mask.shape)}"
            )
        dtype = torch.float64 if emissions.dtype == torch.float64 else torch.float32
        order, lengths = compact(mask)
        emissions = emissions.to(dtype).gather(1, order[..., None].expand(-1, -1, emissions.shape[-1]))
        lengths = lengths.clamp(min=1)  # an empty row becomes one neutral position, masked out again by the callers
        emissions = emissions.masked_fill(~mask.gather(1, order)[..., None], 0)
        return _Chain(emissions, *(scores.to(dtype) for scores in self.constrain()), lengths), order


def spread(values: Tensor, order: Tensor, mask: Tensor, pad: float) -> Tensor:
    """Put compacted values back at their original positions; the inverse of gathering by `order`."""
    result = torch.full(mask.shape + values.shape[2:], pad, dtype=values.dtype, device=values.device)
    index = order if values.dim() == 2 else order[..., None].expand_as(values)
    result.scatter_(1, index, values)
    keep = mask if values.dim() == 2 else mask[..., None]
    return result.masked_fill(~keep, pad)
