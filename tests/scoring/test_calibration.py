"""Fitted temperatures against a general optimizer, and calibration errors against a plain loop."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import expit, softmax

from tests.scoring.scored_cases import CASES, columns, make_logits
from utils.scoring.calibration import calibration_error, fit_temperature, reliability

# Temperature


def negative_log_likelihood(logits, targets, temperature, *, multi_label):
    if multi_label:
        scaled = logits / temperature
        return np.logaddexp(0, np.where(targets == 1, -scaled, scaled)).mean()
    scaled = logits / temperature
    normal = np.log(np.exp(scaled - scaled.max(-1, keepdims=True)).sum(-1)) + scaled.max(-1)
    return (normal - scaled[np.arange(len(targets)), targets]).mean()


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_temperature_is_the_best_of_a_fine_grid_and_of_a_general_optimizer(seed, multi_label):
    logits, targets = make_logits(seed, multi_label=multi_label)

    def loss(temperature):
        return negative_log_likelihood(logits, targets, temperature, multi_label=multi_label)

    found = fit_temperature(logits, targets, multi_label=multi_label)
    assert loss(found) <= min(map(loss, np.geomspace(0.5, 20, 2000))) + 1e-12
    best = minimize_scalar(lambda log: loss(math.exp(log)), bounds=(-3, 3), method="bounded", options={"xatol": 1e-9})
    assert found == pytest.approx(math.exp(best.x), rel=1e-5)


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5, 6.0])
def test_known_temperature_is_recovered(temperature, multi_label):
    draw = np.random.default_rng(0)
    honest = 2 * draw.normal(size=(20_000, 3))
    if multi_label:
        targets = (draw.random(honest.shape) < expit(honest)).astype(int)
    else:
        targets = (draw.random((20_000, 1)) > softmax(honest, axis=-1).cumsum(-1)).sum(-1)
    assert fit_temperature(honest * temperature, targets, multi_label=multi_label) == pytest.approx(
        temperature, rel=0.05
    )


@pytest.mark.parametrize("multi_label", [False, True])
def test_temperature_grows_with_the_logits(multi_label):
    logits, targets = make_logits(0, multi_label=multi_label)
    one = fit_temperature(logits, targets, multi_label=multi_label)
    assert fit_temperature(3 * logits, targets, multi_label=multi_label) == pytest.approx(3 * one)


def test_what_is_added_to_all_logits_of_a_text_changes_no_temperature():
    logits, targets = make_logits(0, multi_label=False)
    shifted = logits + np.arange(len(logits))[:, None]
    one = fit_temperature(logits, targets, multi_label=False)
    assert fit_temperature(shifted, targets, multi_label=False) == pytest.approx(one)


@pytest.mark.parametrize(("right", "bound"), [(True, 0.5), (False, 20.0)])
@pytest.mark.parametrize("multi_label", [False, True])
def test_temperature_of_perfect_and_of_useless_logits_is_at_its_bounds(multi_label, right, bound):
    logits = np.array([[3.0, -3.0], [-2.0, 2.0]])
    targets = (logits > 0).astype(int) if multi_label else logits.argmax(-1)
    assert fit_temperature(logits, targets if right else 1 - targets, multi_label=multi_label) == pytest.approx(bound)


def test_huge_logits_have_a_temperature():
    with np.errstate(over="raise", invalid="raise"):
        found = fit_temperature(np.array([[1e5, -1e5], [-1e5, 1e5]]), np.array([0, 0]), multi_label=False)
    assert found == 20.0


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_outputs_that_are_not_finite_get_no_temperature_and_a_warning(broken, multi_label, caplog):
    logits, targets = make_logits(0, multi_label=multi_label)
    logits[3:5, 1] = broken
    assert fit_temperature(logits, targets, multi_label=multi_label) == 1.0
    (message,) = caplog.messages
    assert message.startswith("no temperature is fitted, as the outputs for 2 of 60 texts are NaN or infinite")


# Reliability


@given(CASES, st.integers(1, 20))
@settings(deadline=None, max_examples=100)
def test_reliability_and_calibration_error_are_those_of_a_plain_loop(cases, bins):
    confidences, hits = columns(cases)
    inside = {i: [] for i in range(bins)}
    for confidence, hit in cases:
        inside[min(int(confidence * bins), bins - 1)].append((confidence, hit))
    rows = reliability(confidences, hits, bins=bins)
    expected = [
        {
            "from": i / bins,
            "to": (i + 1) / bins,
            "count": len(members),
            "confidence": pytest.approx(sum(confidence for confidence, _ in members) / len(members)),
            "accuracy": pytest.approx(sum(hit for _, hit in members) / len(members)),
        }
        for i, members in inside.items()
        if members
    ]
    assert rows == expected
    gaps = [abs(sum(confidence - hit for confidence, hit in members)) for members in inside.values()]
    assert calibration_error(rows) == pytest.approx(sum(gaps) / len(cases), abs=1e-12)


def test_certain_answers_are_in_the_last_bin():
    assert reliability(np.array([1.0, 0.95]), np.array([1, 0]), bins=10) == [
        {"from": 0.9, "to": 1.0, "count": 2, "confidence": 0.975, "accuracy": 0.5}
    ]


def test_probabilities_that_come_true_as_often_as_they_say_have_no_calibration_error():
    confidences = np.repeat([0.25, 0.75], 4)
    hits = np.array([1, 0, 0, 0, 1, 1, 1, 0])
    assert calibration_error(reliability(confidences, hits)) == 0.0


def test_nothing_has_no_calibration_error():
    assert calibration_error([]) == 0.0
