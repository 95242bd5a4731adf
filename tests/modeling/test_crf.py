"""The CRF against enumeration of all paths, and against pytorch-crf."""

import itertools

import pytest
import torch

from utils.modeling import crf as crf_module
from utils.modeling.crf import LinearChainCRF, compact
from utils.modeling.tag_rules import tag_rules

BIO = ["O", "B-A", "I-A"]
BIOS = ["O", "B-A", "I-A", "S-A"]
BIOES = ["O", "B-A", "I-A", "E-A", "S-A"]
TWO_TYPES = ["O", "B-A", "I-A", "B-B", "I-B"]
FREE = ["NOUN", "VERB", "X"]
LABELS = {"bio": BIO, "bios": BIOS, "bioes": BIOES, "two types": TWO_TYPES, "no scheme": FREE}

# Rows of length 4, 1, 3 and 5; positions before, between and behind are masked out.
MASK = torch.tensor([[0, 1, 1, 0, 1, 1], [0, 0, 1, 0, 0, 0], [0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0]]).bool()


def random_chain(labels, *, scale, seed=0):
    torch.manual_seed(seed)
    crf = LinearChainCRF(labels).double()
    for parameter in crf.parameters():
        parameter.data = torch.randn_like(parameter)
    emissions = torch.randn(*MASK.shape, len(labels), dtype=torch.float64) * scale
    tags = crf.decode(torch.randn_like(emissions), MASK)  # any permitted tags
    return crf, emissions, tags


def enumerate_paths(crf, emissions, mask):
    """For each row: all tag sequences and their scores, straight from the definition; forbidden ones are -inf."""
    transitions, starts, ends = crf.constrain()
    for row, keep in zip(emissions, mask, strict=True):
        x = row[keep]
        paths = list(itertools.product(range(x.shape[1]), repeat=len(x)))
        scores = []
        for path in paths:
            score = starts[path[0]] + ends[path[-1]]
            for t, tag in enumerate(path):
                score = score + x[t, tag]
                if t:
                    score = score + transitions[path[t - 1], tag]
            scores.append(score)
        yield keep, paths, torch.stack(scores)


CASES = [(name, scale) for name in LABELS for scale in (1.0, 30.0, 300.0, 1e4)]


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_likelihood_and_gradient_equal_enumeration(name, scale):
    crf, emissions, tags = random_chain(LABELS[name], scale=scale)
    emissions.requires_grad_()
    weights = torch.tensor([1.0, 2.0, 0.5, -1.0], dtype=torch.float64)
    inputs = [emissions, *crf.parameters()]
    loss = crf(emissions, tags, MASK)
    gradients = torch.autograd.grad(loss @ weights, inputs)

    expected = []
    for (keep, paths, scores), row in zip(enumerate_paths(crf, emissions, MASK), tags, strict=True):
        expected.append(scores.logsumexp(0) - scores[paths.index(tuple(row[keep].tolist()))])
    expected = torch.stack(expected)
    expected_gradients = torch.autograd.grad(expected @ weights, inputs)

    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=1e-9)
    for found, wanted in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("name", "scale"), CASES)
def test_marginals_and_decode_equal_enumeration(name, scale):
    crf, emissions, _ = random_chain(LABELS[name], scale=scale)
    marginals, decoded = crf.marginals(emissions, MASK), crf.decode(emissions, MASK)
    for i, (keep, paths, scores) in enumerate(enumerate_paths(crf, emissions, MASK)):
        probabilities = scores.softmax(0)
        expected = torch.zeros(int(keep.sum()), emissions.shape[-1], dtype=torch.float64)
        for path, probability in zip(paths, probabilities, strict=True):
            expected[range(len(path)), list(path)] += probability
        torch.testing.assert_close(marginals[i, keep], expected, rtol=0, atol=1e-9)
        assert not marginals[i, ~keep].any()
        assert tuple(decoded[i, keep].tolist()) == paths[scores.argmax()]


@pytest.mark.parametrize(("name", "scale"), [(name, scale) for name in LABELS for scale in (1.0, 300.0, 1e4)])
def test_posteriors_multiply_to_the_probability_of_exactly_that_entity(name, scale):
    crf, emissions, tags = random_chain(LABELS[name], scale=scale)
    tags = crf.decode(emissions, MASK)
    posteriors = crf.posteriors(emissions, tags, MASK)
    checked = 0
    for i, (keep, paths, scores) in enumerate(enumerate_paths(crf, emissions, MASK)):
        probabilities, row, along = scores.softmax(0), tags[i, keep].tolist(), posteriors[i, keep]
        for start, stop in itertools.combinations(range(len(row) + 1), 2):
            score = along[start, 0] * along[start + 1 : stop, 1].prod() * along[stop - 1, 2]
            same = [
                path[start:stop] == tuple(row[start:stop])
                and (stop == len(row) or not crf.continues[path[stop - 1], path[stop]])
                for path in paths
            ]
            torch.testing.assert_close(score, probabilities[torch.tensor(same)].sum(), rtol=0, atol=1e-9)
            checked += 1
    assert checked == 10 + 1 + 6 + 15


def test_a_path_that_scaling_would_lose_is_computed_in_log_space(monkeypatch):
    used = []
    original = crf_module._log_messages
    monkeypatch.setattr(crf_module, "_log_messages", lambda chain: used.append(1) or original(chain))
    crf = LinearChainCRF(BIO).double()
    calm = torch.randn(1, 5, 3, dtype=torch.float64)
    mask = torch.ones(1, 5, dtype=torch.bool)
    crf.marginals(calm, mask)
    assert not used
    # I-A is far the best throughout, but a sequence must enter it through a B-A that is 1,000 worse than O at the
    # first position, more later.
    wild = torch.tensor([[[0.0, -1000.0, 0.0], *[[0.0, -5000.0, 600.0]] * 4]], dtype=torch.float64)
    marginals = crf.marginals(wild, mask)
    assert used
    assert marginals[0, 0, 1] > 0.999


def test_float32_loss_is_right_where_weights_underflow_in_one_direction_only():
    torch.manual_seed(0)
    crf = LinearChainCRF(BIO)
    mask = torch.ones(1, 6, dtype=torch.bool)
    for seed in range(50):
        torch.manual_seed(seed)
        emissions = 45 * torch.randn(1, 6, 3)
        tags = crf.decode(emissions, mask)
        exact = crf.double()(emissions.double(), tags, mask)
        torch.testing.assert_close(crf.float()(emissions, tags, mask).double(), exact, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_loss_gradient_and_decode_equal_pytorch_crf(seed):
    torchcrf = pytest.importorskip("torchcrf", reason="a test dependency")
    torch.manual_seed(seed)
    labels = [f"tag{i}" for i in range(7)]  # no scheme, so nothing is forbidden: pytorch-crf has no constraints
    ours, theirs = LinearChainCRF(labels), torchcrf.CRF(7, batch_first=True)
    with torch.no_grad():
        for mine, other in [
            (ours.transitions, theirs.transitions),
            (ours.starts, theirs.start_transitions),
            (ours.ends, theirs.end_transitions),
        ]:
            mine.copy_(torch.randn_like(mine))
            other.copy_(mine)
    lengths = torch.randint(1, 20, (16,))
    mask = torch.arange(20) < lengths[:, None]
    emissions, tags = torch.randn(16, 20, 7, requires_grad=True), torch.randint(7, (16, 20))
    loss, other_loss = ours(emissions, tags, mask), -theirs(emissions, tags, mask=mask, reduction="none")
    torch.testing.assert_close(loss, other_loss, rtol=1e-5, atol=1e-5)
    gradient, other_gradient = (torch.autograd.grad(each.sum(), emissions)[0] for each in (loss, other_loss))
    torch.testing.assert_close(gradient, other_gradient, rtol=1e-5, atol=1e-5)
    decoded = ours.decode(emissions, mask)
    assert [row[keep].tolist() for row, keep in zip(decoded, mask, strict=True)] == theirs.decode(emissions, mask=mask)


@pytest.mark.parametrize("name", ["bio", "bios", "bioes", "two types"])
def test_decoded_tags_never_break_the_scheme(name):
    labels = LABELS[name]
    rules = tag_rules(labels)
    torch.manual_seed(0)
    mask = torch.rand(64, 12) < 0.8
    tags = LinearChainCRF(labels).decode(50 * torch.randn(64, 12, len(labels)), mask)
    for row, keep in zip(tags, mask, strict=True):
        row = row[keep].tolist()
        if row:
            assert rules.starts[row[0]] and rules.ends[row[-1]]
            assert all(rules.transitions[i, j] for i, j in itertools.pairwise(row))


def test_forbidden_gold_tags_have_an_infinite_loss():
    crf = LinearChainCRF(BIO)
    mask = torch.ones(1, 2, dtype=torch.bool)
    assert crf(torch.zeros(1, 2, 3), torch.tensor([[0, 2]]), mask).item() == float("inf")


def test_rows_without_positions_cost_nothing_and_get_no_tags():
    crf = LinearChainCRF(BIO)
    emissions = torch.randn(2, 3, 3, requires_grad=True)
    mask = torch.tensor([[False] * 3, [True] * 3])
    loss = crf(emissions, torch.zeros(2, 3, dtype=torch.int64), mask)
    loss.sum().backward()
    assert loss[0] == 0 and loss[1] > 0
    assert not emissions.grad[0].any()
    assert crf.decode(emissions, mask, pad=-100)[0].tolist() == [-100] * 3
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    assert crf(emissions, torch.zeros(2, 3, dtype=torch.int64), nothing).tolist() == [0, 0]


def test_padding_and_masked_positions_change_nothing_and_may_hold_anything():
    crf = LinearChainCRF(TWO_TYPES)
    torch.manual_seed(1)
    emissions, mask = torch.randn(1, 4, 5), torch.ones(1, 4, dtype=torch.bool)
    tags = crf.decode(emissions, mask)
    around = torch.full((1, 9, 5), float("nan"))
    places = torch.tensor([1, 2, 5, 6])
    around[:, places] = emissions
    wide_mask = torch.zeros(1, 9, dtype=torch.bool)
    wide_mask[:, places] = True
    wide_tags = torch.full((1, 9), -100)
    wide_tags[:, places] = tags
    torch.testing.assert_close(crf(around, wide_tags, wide_mask), crf(emissions, tags, mask))
    torch.testing.assert_close(crf.decode(around, wide_mask)[:, places], tags)


def test_loss_is_computed_in_float32_under_autocast():
    crf = LinearChainCRF(TWO_TYPES)
    torch.manual_seed(1)
    emissions, mask = torch.randn(4, 30, 5), torch.ones(4, 30, dtype=torch.bool)
    tags = crf.decode(emissions, mask)
    exact = crf(emissions, tags, mask)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(crf(emissions, tags, mask), exact)


def test_compact_moves_positions_left_in_order():
    order, lengths = compact(torch.tensor([[0, 1, 0, 1], [1, 1, 1, 0]]).bool())
    assert lengths.tolist() == [2, 3]
    assert order[0, :2].tolist() == [1, 3]
    assert order[1].tolist() == [0, 1, 2]


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"expected emissions \(batch, length, 3\)"):
        LinearChainCRF(BIO).decode(torch.zeros(1, 2, 4), torch.ones(1, 2, dtype=torch.bool))


def test_compiled_models_are_not_compiled_anew_for_each_length():
    graphs = []

    def compiler(graph, inputs):
        graphs.append(graph)
        return graph.forward

    torch.manual_seed(0)
    crf, layer = LinearChainCRF(BIO), torch.nn.Linear(5, len(BIO))

    def step(states, tags, mask):
        emissions = layer(states)
        return crf(emissions, tags, mask).sum(), crf.decode(emissions, mask)

    compiled, counts = torch.compile(step, backend=compiler), []
    for length in range(2, 10):
        given = torch.randn(3, length, 5), torch.ones(3, length, dtype=torch.int64), torch.ones(3, length).bool()
        (loss, tags), (wanted, best) = compiled(*given), step(*given)
        assert torch.equal(loss, wanted) and torch.equal(tags, best)
        counts.append(len(graphs))
    assert counts[0] >= 1 and len(set(counts[1:])) == 1  # once for the first length, once for all others
