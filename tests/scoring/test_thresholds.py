"""Fitted thresholds against brute force over everything that could be chosen."""

import itertools
import logging
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

from tests.scoring.scored_cases import CASES, columns, every_cut, make_logits
from utils.scoring.calibration import (
    THRESHOLD_METRICS,
    best_threshold,
    fit_temperature,
    threshold_for_precision,
    threshold_for_share,
    tune_rule,
    tune_thresholds,
)
from utils.scoring.decisions import DecisionRule

METRICS = {
    "f1": lambda targets, decided: f1_score(targets, decided, zero_division=0),
    "accuracy": accuracy_score,
    "mcc": lambda targets, decided: correlation(targets, decided),
}


def correlation(targets, decided):
    """Scikit-learn's, which warns where a side is all one class."""
    return matthews_corrcoef(targets, decided) if len(set(targets)) == len(set(decided)) == 2 else 0.0


# Thresholds


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
@settings(deadline=None, max_examples=50)
def test_metrics_of_counts_are_those_of_scikit_learn(pairs):
    targets, decided = map(np.array, zip(*pairs, strict=True))
    sides = [(targets, decided), (~targets, decided), (targets, ~decided), (~targets, ~decided)]  # tp, fp, fn, tn
    counts = [np.float64((one & other).sum()) for one, other in sides]
    assert METRICS.keys() == THRESHOLD_METRICS.keys()
    for name, score in METRICS.items():
        assert THRESHOLD_METRICS[name](*counts) == pytest.approx(score(targets, decided), abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
@given(cases=CASES)
@settings(deadline=None, max_examples=60)
def test_no_cut_scores_better_than_the_best_threshold(metric, cases):
    probabilities, targets = columns(cases)
    decided = probabilities >= best_threshold(probabilities, targets, metric=metric)
    best = max(METRICS[metric](targets, cut) for _, cut in every_cut(probabilities))
    assert METRICS[metric](targets, decided) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
@given(cases=CASES)
@settings(deadline=None, max_examples=40)
def test_of_equally_good_thresholds_that_nearest_to_one_half_is_chosen(metric, cases):
    probabilities, targets = columns(cases)
    found = best_threshold(probabilities, targets, metric=metric)
    scores = [(METRICS[metric](targets, decided), cut) for cut, decided in every_cut(probabilities)]
    best = max(score for score, _ in scores)
    good = [cut for score, cut in scores if score >= best - 1e-9]
    values = sorted(set(probabilities), reverse=True)
    half_way = {upper: (upper + lower) / 2 for upper, lower in itertools.pairwise([*values, 0.0])}
    half_way[math.inf] = (1 + values[0]) / 2
    assert abs(found - 0.5) == pytest.approx(min(abs(half_way[cut] - 0.5) for cut in good), abs=1e-9)


def test_threshold_lies_half_way_between_the_probabilities_that_it_parts():
    assert best_threshold(np.array([0.9, 0.6, 0.3]), np.array([1, 0, 0]), metric="f1") == pytest.approx(0.75)


def test_threshold_parts_probabilities_that_have_no_number_between_them():
    upper = np.nextafter(1.0, 0.0)
    values = [upper]
    for _ in range(5):
        values.append(np.nextafter(values[-1], 0.0))
    for count in range(1, 6):
        probabilities, targets = np.array(values), np.arange(6) < count
        found = best_threshold(probabilities, targets, metric="accuracy")
        assert (probabilities >= found).tolist() == targets.tolist()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("probability", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("target", [0, 1])
def test_single_text_is_decided_rightly_where_the_metric_asks_for_it(metric, probability, target):
    found = best_threshold(np.array([probability]), np.array([target]), metric=metric)
    decided = probability >= found
    assert decided == target or metric == "mcc" or (metric == "f1" and not target)


def test_with_negatives_alone_accuracy_wants_no_positive_even_of_probability_one():
    probabilities = np.array([1.0, 1.0, 0.2])
    found = best_threshold(probabilities, np.zeros(3), metric="accuracy")
    assert not (probabilities >= found).any()


def test_with_positives_alone_all_are_positive_even_of_probability_zero():
    probabilities = np.array([0.0, 0.4, 1.0])
    for metric in ("f1", "accuracy"):
        assert (probabilities >= best_threshold(probabilities, np.ones(3), metric=metric)).all()


def test_equal_probabilities_are_decided_together():
    assert best_threshold(np.full(4, 0.3), np.array([1, 1, 1, 0]), metric="accuracy") <= 0.3
    assert best_threshold(np.full(4, 0.7), np.array([0, 0, 1, 0]), metric="accuracy") > 0.7


@given(CASES, st.sampled_from([0.01, 0.3, 0.5, 2 / 3, 0.9, 1.0]))
@settings(deadline=None, max_examples=200)
def test_threshold_for_a_precision_is_the_lowest_that_reaches_it(cases, precision):
    probabilities, targets = columns(cases)
    found = threshold_for_precision(probabilities, targets, precision=precision)
    good = [
        int(decided.sum())
        for _, decided in every_cut(probabilities)
        if decided.any() and targets[decided].any() and targets[decided].mean() >= precision - 1e-9
    ]
    assert (None if found is None else (probabilities >= found).sum()) == (max(good) if good else None)


@given(CASES, st.floats(0, 1))
@settings(deadline=None, max_examples=200)
def test_threshold_for_a_share_of_positives_comes_as_near_to_it_as_any(cases, share):
    probabilities, _ = columns(cases)
    found = (probabilities >= threshold_for_share(probabilities, share=share)).mean()
    nearest = min(abs(decided.mean() - share) for _, decided in every_cut(probabilities))
    assert abs(found - share) == pytest.approx(nearest, abs=1e-12)


# Rules


@pytest.fixture
def several():
    """A rule of three labels, probabilities and targets of 200 texts."""
    draw = np.random.default_rng(0)
    probabilities = draw.random((200, 3)) ** [1, 2, 4]
    targets = (draw.random((200, 3)) < probabilities).astype(int)
    return DecisionRule(["a", "b", "c"], multi_label=True), probabilities, targets


@pytest.mark.parametrize("metric", METRICS)
def test_one_threshold_for_all_labels_is_best_over_all_decisions(several, metric):
    rule, probabilities, targets = several
    found = tune_thresholds(rule, probabilities, targets, metric=metric)
    assert found == [best_threshold(probabilities.ravel(), targets.ravel(), metric=metric)] * 3


@pytest.mark.parametrize("metric", METRICS)
def test_threshold_of_each_label_is_the_best_for_it(several, metric):
    rule, probabilities, targets = several
    found = tune_thresholds(rule, probabilities, targets, metric=metric, per_label=True)
    assert found == [best_threshold(probabilities[:, i], targets[:, i], metric=metric) for i in range(3)]
    assert len(set(found)) == 3


@pytest.mark.parametrize("positive", [0, 1])
def test_threshold_of_two_classes_is_that_of_the_positive_one(positive):
    draw = np.random.default_rng(0)
    probabilities = softmax(draw.normal(size=(50, 2)), axis=-1)
    targets = (draw.random(50) < probabilities[:, 1]).astype(int)
    rule = DecisionRule(["no", "yes"], positive=positive)
    found = tune_thresholds(rule, probabilities, targets, metric="f1")
    assert found == [best_threshold(probabilities[:, positive], targets == positive, metric="f1")]


def test_precision_is_reached_with_as_many_positives_as_possible(several):
    rule, probabilities, targets = several
    found = tune_thresholds(rule, probabilities, targets, precision=0.8, per_label=True)
    for i, threshold in enumerate(found):
        decided = probabilities[:, i] >= threshold
        assert targets[decided, i].mean() >= 0.8
        more = [targets[cut, i].mean() for _, cut in every_cut(probabilities[:, i]) if cut.sum() > decided.sum()]
        assert max(more) < 0.8


def test_precision_out_of_reach_is_as_high_as_it_can_be_with_a_warning(caplog):
    probabilities = np.array([[0.1, 0.9], [0.3, 0.7], [0.3, 0.7], [0.3, 0.7], [0.6, 0.4]])
    targets = np.array([0, 1, 1, 0, 0])
    with caplog.at_level(logging.WARNING):
        found = tune_thresholds(DecisionRule(["no", "yes"], positive=1), probabilities, targets, precision=0.9)
    assert (probabilities[:, 1] >= found[0]).sum() == 4  # two of four are right
    assert caplog.messages == ["yes: no threshold reaches precision 0.90; the highest is 0.5000"]


def test_precision_without_any_positive_text_gives_no_positives(caplog):
    probabilities = np.array([[0.0, 1.0], [0.5, 0.5]])
    found = tune_thresholds(DecisionRule(["no", "yes"], positive=1), probabilities, np.zeros(2), precision=0.9)
    assert not (probabilities[:, 1] >= found[0]).any()
    assert "the highest is 0.0000" in caplog.text


@pytest.mark.parametrize("per_label", [False, True])
def test_share_of_positives_is_given(several, per_label):
    rule, probabilities, targets = several
    found = tune_thresholds(rule, probabilities, targets, share=0.25, per_label=per_label)
    decided = probabilities >= found
    assert (decided.mean(0) if per_label else decided.mean()) == pytest.approx(0.25, abs=1 / 200)


def test_thresholds_are_fitted_to_the_probabilities_after_the_temperature():
    logits, targets = make_logits(0, multi_label=True)
    rule = tune_rule(DecisionRule(list("abcd"), True), logits, targets, temperature=True, metric="f1", per_label=True)
    assert rule.temperature == fit_temperature(logits, targets, multi_label=True) != 1.0
    probabilities = expit(logits / rule.temperature)
    assert rule.thresholds == [best_threshold(probabilities[:, i], targets[:, i], metric="f1") for i in range(4)]
    decided = rule.decide(rule.probabilities(logits)).astype(int)
    assert f1_score(targets, decided, average="macro") >= f1_score(targets, logits >= 0, average="macro")


def test_rule_stays_as_it_is_where_nothing_is_asked_for():
    logits, targets = make_logits(0, multi_label=False)
    rule = DecisionRule(list("abcd"), temperature=1.5, abstain_below=0.1)
    assert tune_rule(rule, logits, targets, temperature=False) == rule


def test_temperature_alone_leaves_thresholds_alone():
    logits, targets = make_logits(0, multi_label=True)
    rule = DecisionRule(list("abcd"), True, thresholds=[0.3] * 4)
    temperature = fit_temperature(logits, targets, multi_label=True)
    assert tune_rule(rule, logits, targets, temperature=True) == replace(rule, temperature=temperature)
