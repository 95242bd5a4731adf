"""Which answers are given: coverage and accuracy against plain counting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scoring.scored_cases import CASES, columns, every_cut, make_logits
from utils.scoring.calibration import fit_temperature, risk_coverage, threshold_for_accuracy, tune_answers
from utils.scoring.decisions import DecisionRule


@given(CASES, st.lists(st.floats(0, 1), min_size=1, max_size=4))
@settings(deadline=None, max_examples=100)
def test_coverage_rows_are_those_of_plain_counting(cases, coverages):
    confidences, hits = columns(cases)
    given_sets = [decided for _, decided in every_cut(confidences)[1:]]
    for row in risk_coverage(confidences, hits, coverages=coverages):
        chosen = confidences >= row["threshold"]
        assert row["answered"] == chosen.sum()
        assert row["coverage"] == pytest.approx(chosen.mean())
        assert row["accuracy"] == pytest.approx(hits[chosen].mean())
    for coverage in coverages:
        nearest = min(abs(decided.mean() - coverage) for decided in given_sets)
        (row,) = risk_coverage(confidences, hits, coverages=[coverage])
        assert abs(row["coverage"] - coverage) == pytest.approx(nearest, abs=1e-12)


def test_coverage_goes_from_all_answers_to_half_of_them_in_twentieths():
    confidences = np.linspace(0.01, 0.99, 40)
    rows = risk_coverage(confidences, confidences > 0.5)
    assert [row["coverage"] for row in rows] == pytest.approx([1 - i / 20 for i in range(11)])
    assert rows[-1]["accuracy"] == 1.0


def test_coverages_that_equal_confidences_make_the_same_are_one_row():
    rows = risk_coverage(np.full(6, 0.4), np.array([1, 0, 1, 0, 1, 0]))
    assert rows == [{"coverage": 1.0, "threshold": 0.2, "accuracy": 0.5, "answered": 6}]


@given(CASES, st.sampled_from([0.0, 0.3, 0.5, 2 / 3, 0.9, 1.0]))
@settings(deadline=None, max_examples=200)
def test_threshold_for_an_accuracy_lets_through_as_many_answers_as_any(cases, accuracy):
    confidences, hits = columns(cases)
    found = threshold_for_accuracy(confidences, hits, accuracy=accuracy)
    good = [
        int(decided.sum())
        for _, decided in every_cut(confidences)[1:]
        if hits[decided].mean() >= accuracy - 1e-9 and (hits[decided].any() or decided.all())
    ]
    assert (None if found is None else (confidences >= found).sum()) == (max(good) if good else None)
    if hits.mean() >= accuracy:
        assert found == 0.0


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.95])
def test_answers_that_are_given_are_right_as_often_as_asked_for(accuracy):
    logits, targets = make_logits(1, multi_label=False, texts=300)
    rule = tune_answers(DecisionRule(list("abcd")), logits, targets, accuracy=accuracy)
    probabilities = rule.probabilities(logits)
    hits, given_ones = rule.decide(probabilities) == targets, rule.sure(probabilities)
    assert hits[given_ones].mean() >= accuracy
    assert rule.temperature == fit_temperature(logits, targets, multi_label=False)
    assert (rule.abstain_below == 0) == (hits.mean() >= accuracy) == given_ones.all()


def test_accuracy_zero_gives_every_answer():
    logits, targets = make_logits(1, multi_label=False)
    assert tune_answers(DecisionRule(list("abcd")), logits, targets, accuracy=0.0).abstain_below == 0.0


def test_accuracy_out_of_reach_gives_every_answer_with_a_warning(caplog):
    logits = np.array([[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]])
    rule = tune_answers(DecisionRule(["a", "b"]), logits, np.array([1, 1, 0]), accuracy=0.9)
    assert rule.abstain_below == 0.0
    assert caplog.messages == ["no confidence threshold reaches an accuracy of 90 %; every answer is given"]
