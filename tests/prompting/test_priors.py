"""Tests of utils/prompting/priors.py."""

import numpy as np

from utils.prompting.priors import answer_prior, mix_templates


def probabilities(logits):
    odds = np.exp(logits)
    return odds / odds.sum(-1, keepdims=True)


def test_content_free_input_becomes_uniform():
    logits = np.array([[3.0, -1.0, 0.5]])
    np.testing.assert_allclose(probabilities(logits - answer_prior(logits)), [[1 / 3] * 3], atol=1e-12)


def test_prior_is_the_mean_probability():
    logits = np.random.default_rng(0).normal(size=(7, 4)) * 30
    np.testing.assert_allclose(np.exp(answer_prior(logits)), probabilities(logits).mean(0), atol=1e-12)
    assert answer_prior(np.array([[1000.0, 0.0]])).tolist() == [0.0, -1000.0]


def test_templates_are_mixed_by_the_mean_of_their_log_probabilities():
    one, other = np.random.default_rng(1).normal(size=(2, 5, 3))
    wanted = (np.log(probabilities(one)) + np.log(probabilities(other))) / 2
    np.testing.assert_allclose(mix_templates([one, other + 7.0]), wanted, atol=1e-12)
