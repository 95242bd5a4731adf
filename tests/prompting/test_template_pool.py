"""Tests of utils/prompting/template_pool.py."""

import itertools

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from utils.prompting.priors import log_softmax, mix_templates
from utils.prompting.template_pool import fit_weights, rank_templates


def draw(templates, rows, labels, seed=0):
    draws = np.random.default_rng(seed)
    return list(draws.normal(size=(templates, rows, labels), scale=2)), draws.integers(labels, size=rows)


def likelihood(logits, targets):
    return log_softmax(logits)[np.arange(len(targets)), targets].mean()


@pytest.mark.parametrize(("metric", "measure"), [("accuracy", accuracy_score), ("f1", None)])
def test_ranked_by_the_metric(metric, measure):
    logits, targets = draw(6, 30, 4)
    ranked = rank_templates(logits, targets, metric=metric)
    assert sorted(one.number for one in ranked) == list(range(6))
    for one in ranked:
        chosen = logits[one.number].argmax(-1)
        wanted = measure(targets, chosen) if measure else f1_score(targets, chosen, average="macro")
        assert one.score == pytest.approx(wanted)
        assert one.likelihood == pytest.approx(likelihood(logits[one.number], targets))
    assert [one.score for one in ranked] == sorted((one.score for one in ranked), reverse=True)


def test_of_equal_scores_the_more_probable_is_first():
    sure, unsure, wrong = np.log([[0.9, 0.1]]), np.log([[0.6, 0.4]]), np.log([[0.1, 0.9]])
    ranked = rank_templates([wrong, unsure, sure], np.array([0]))
    assert [one.number for one in ranked] == [2, 1, 0]


@pytest.mark.parametrize("seed", range(4))
def test_weights_are_the_best_of_a_grid(seed):
    logits, targets = draw(3, 12, 3, seed)
    weights = fit_weights(logits, targets)
    assert weights.min() >= 0 and weights.sum() == pytest.approx(1)
    reached = likelihood(mix_templates(logits, weights), targets)
    grid = [np.array([a, b, 20 - a - b]) / 20 for a, b in itertools.product(range(21), repeat=2) if a + b <= 20]
    assert len(grid) == 231
    best = max(likelihood(mix_templates(logits, each), targets) for each in grid)
    assert best - 1e-6 <= reached <= best + 0.02
    assert np.array_equal(weights, fit_weights(logits, targets))


def test_template_that_is_always_right_takes_all_weight():
    logits, targets = draw(3, 12, 3)
    right = 9 * np.eye(3)[targets]
    weights = fit_weights([*logits, right], targets)
    assert weights[3] > 0.999


@pytest.mark.parametrize("targets", [[1], [1, 1, 1]])
def test_one_row_or_one_class_is_enough(targets):
    logits, targets = draw(2, len(targets), 3)[0], np.array(targets)
    weights = fit_weights(logits, targets)
    assert np.isfinite(weights).all() and weights.sum() == pytest.approx(1)
    assert len(rank_templates(logits, targets, metric="f1")) == 2


def test_one_template_has_all_weight():
    logits, targets = draw(1, 5, 2)
    assert fit_weights(logits, targets).tolist() == [1.0]


def test_equal_weights_are_the_plain_mean():
    logits, _ = draw(3, 4, 2)
    np.testing.assert_allclose(mix_templates(logits, [1 / 3] * 3), mix_templates(logits))
