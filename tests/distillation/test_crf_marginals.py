"""The marginals of a CRF and their gradient, against sums over all paths and finite differences."""

import itertools

import pytest
import torch

from utils.distillation.crf_marginals import differentiable_marginals
from utils.modeling.crf import LinearChainCRF

TAGS = ["O", "B-a", "I-a", "B-b", "I-b"]


@pytest.fixture
def crf():
    torch.manual_seed(0)
    crf = LinearChainCRF(TAGS).double()
    with torch.no_grad():
        for parameter in crf.parameters():
            parameter.normal_()
    return crf


def draw(lengths, width=6):
    """Emissions, and a mask with holes: each row has so many positions."""
    torch.manual_seed(1)
    mask = torch.zeros(len(lengths), width, dtype=torch.bool)
    for row, length in enumerate(lengths):
        mask[row, torch.randperm(width)[:length]] = True
    return torch.randn(len(lengths), width, len(TAGS), dtype=torch.double) * 2, mask


def sum_over_paths(crf, emissions, mask):
    transitions, starts, ends = crf.constrain()
    found = torch.zeros_like(emissions)
    for row in range(len(emissions)):
        places = mask[row].nonzero()[:, 0].tolist()
        if not places:
            continue
        scores = {}
        for path in itertools.product(range(len(TAGS)), repeat=len(places)):
            score = (
                starts[path[0]]
                + ends[path[-1]]
                + sum(emissions[row, i, tag] for i, tag in zip(places, path, strict=True))
            )
            scores[path] = score + sum(transitions[one, other] for one, other in itertools.pairwise(path))
        total = torch.stack(list(scores.values())).logsumexp(0)
        for path, score in scores.items():
            for i, tag in zip(places, path, strict=True):
                found[row, i, tag] += (score - total).exp()
    return found


def test_marginals_are_sums_over_all_paths(crf):
    emissions, mask = draw([4, 1, 0, 3])
    found = differentiable_marginals(crf, emissions, mask)
    assert torch.allclose(found, sum_over_paths(crf, emissions, mask))
    assert torch.allclose(found, crf.marginals(emissions, mask))


def test_gradient_is_that_of_finite_differences(crf):
    emissions, mask = draw([5, 6, 1, 0, 2])
    names = ["transitions", "starts", "ends"]

    def marginals(emissions, *scores):
        for name, value in zip(names, scores, strict=True):
            delattr(crf, name)
            setattr(crf, name, value)
        return differentiable_marginals(crf, emissions, mask)

    values = [getattr(crf, name).detach().clone().requires_grad_() for name in names]
    assert torch.autograd.gradcheck(marginals, (emissions.requires_grad_(), *values))


def test_gradient_is_that_of_the_sum_over_all_paths(crf):
    emissions, mask = draw([4, 2, 3])
    weights = torch.randn_like(emissions)
    gradients = []
    for marginals in (differentiable_marginals, sum_over_paths):
        emissions = emissions.detach().requires_grad_()
        crf.zero_grad()
        (marginals(crf, emissions, mask) * weights).sum().backward()
        gradients.append([emissions.grad, *(each.grad.clone() for each in crf.parameters())])
    for one, other in zip(*gradients, strict=True):
        assert one.abs().sum() > 0.1 and torch.allclose(one, other)


def test_long_rows_and_large_scores_keep_the_gradient_finite():
    crf = LinearChainCRF(TAGS)
    emissions = (torch.randn(2, 200, len(TAGS)) * 100).requires_grad_()
    mask = torch.ones(2, 200, dtype=torch.bool)
    found = differentiable_marginals(crf, emissions, mask)
    assert torch.allclose(found.sum(-1), torch.ones(2, 200), atol=1e-4)
    (found * torch.randn_like(found)).sum().backward()
    assert emissions.grad.isfinite().all() and crf.transitions.grad.isfinite().all()
