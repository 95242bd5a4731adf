"""Paired tests: against plain loops, enumeration, and what must hold."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import f1_score

from utils.scoring import significance
from utils.scoring.significance import compare, macro_f1, mcnemar_p, mean, micro_f1


def draw_counts(examples, right, seed=0):
    """Right, predicted and gold items of each example."""
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 4, examples)
    found = rng.binomial(gold, right)
    return np.stack([found, found + rng.integers(0, 2, examples), gold], axis=1)


def class_counts(gold, predicted, classes):
    names = np.arange(classes)
    g, p = gold[:, None] == names, predicted[:, None] == names
    return np.concatenate([g & p, p, g], axis=1)


def test_macro_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    gold, predicted = rng.integers(0, 4, 60), rng.integers(0, 4, 60)
    wanted = f1_score(gold, predicted, average="macro")
    assert macro_f1(class_counts(gold, predicted, 6).sum(0)) == pytest.approx(wanted)


def test_scores_of_nothing_are_zero():
    assert micro_f1(np.zeros(3)) == macro_f1(np.zeros(6)) == mean(np.zeros(2)) == 0


def test_bootstrap_is_a_plain_loop_over_resamples():
    one, other = draw_counts(30, 0.8), draw_counts(30, 0.6)
    found = significance.bootstrap(one.astype(float), other.astype(float), micro_f1, draws=4000, seed=0)
    rng, wanted = np.random.default_rng(5), []
    for _ in range(4000):
        rows = rng.integers(0, 30, 30)
        wanted.append(float(micro_f1(one[rows].sum(0)) - micro_f1(other[rows].sum(0))))
    np.testing.assert_allclose(np.quantile(found, [0.1, 0.5, 0.9]), np.quantile(wanted, [0.1, 0.5, 0.9]), atol=0.02)


def test_randomisation_is_the_share_of_all_swaps():
    one, other = draw_counts(10, 0.9, seed=3).astype(float), draw_counts(10, 0.4, seed=3).astype(float)
    other[:, 2] = one[:, 2]
    observed = abs(micro_f1(one.sum(0)) - micro_f1(other.sum(0)))
    hits = 0
    for swap in itertools.product([False, True], repeat=10):
        swapped = np.array(swap)[:, None]
        first, second = np.where(swapped, other, one), np.where(swapped, one, other)
        hits += abs(micro_f1(first.sum(0)) - micro_f1(second.sum(0))) >= observed - 1e-12
    found = significance.randomisation_p(one, other, micro_f1, draws=20_000, seed=0)
    assert found == pytest.approx(hits / 1024, abs=0.01)


def test_equal_systems_do_not_differ():
    counts = draw_counts(50, 0.7)
    found = compare(counts, counts, micro_f1)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_clear_difference_is_found_and_its_sign_turns():
    one, other = draw_counts(400, 0.9), draw_counts(400, 0.6)
    found, turned = compare(one, other, micro_f1), compare(other, one, micro_f1)
    assert found.p < 0.001 and found.low > 0.1
    assert (turned.difference, turned.low, turned.high) == pytest.approx((-found.difference, -found.high, -found.low))


def test_false_alarms_are_as_rare_as_promised():
    rng = np.random.default_rng(1)
    alarms = 0
    for seed in range(200):
        right = rng.random((2, 80)) < 0.7
        one, other = (np.stack([each, np.ones(80)], axis=1) for each in right)
        alarms += compare(one, other, mean, draws=400, seed=seed).p < 0.05
    assert alarms <= 20  # 10 expected; more than 20 has a chance of one in a thousand


def test_same_seed_same_result():
    one, other = draw_counts(40, 0.8), draw_counts(40, 0.7)
    assert compare(one, other, micro_f1, seed=2) == compare(one, other, micro_f1, seed=2)


def test_portions_change_nothing_that_matters(monkeypatch):
    one, other = draw_counts(40, 0.8), draw_counts(40, 0.6)
    whole = compare(one, other, micro_f1)
    monkeypatch.setattr(significance, "PORTION", 5_000)
    small = compare(one, other, micro_f1)
    assert small.p == pytest.approx(whole.p, abs=0.01) and small.low == pytest.approx(whole.low, abs=0.01)


def test_mcnemar_is_the_binomial_test_on_what_differs():
    one = np.array([1] * 9 + [0] * 1 + [1] * 40)
    other = np.array([0] * 9 + [1] * 1 + [1] * 40)
    assert mcnemar_p(one, other) == pytest.approx(2 * (1 + 10) / 2**10)
    assert mcnemar_p(one, one) == 1


@pytest.mark.parametrize(("one", "other"), [((3, 3), (4, 3)), ((0, 3), (0, 3)), ((3,), (3,))])
def test_other_examples_are_refused(one, other):
    with pytest.raises(ValueError, match="expected counts of the same examples"):
        compare(np.ones(one), np.ones(other), micro_f1)


def test_ten_thousand_draws_of_a_thousand_examples_hold_little_memory():
    import tracemalloc

    one, other = draw_counts(1343, 0.8), draw_counts(1343, 0.7)
    tracemalloc.start()
    found = compare(one, other, micro_f1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.p < 0.01 and peak < 700e6
