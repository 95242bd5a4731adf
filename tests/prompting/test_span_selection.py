"""Tests of utils/prompting/span_selection.py: against enumeration of all subsets."""

import itertools
import random

import numpy as np
import pytest

from utils.prompting.span_selection import count_selected, select_spans


def enumerate_best(spans, scores):
    """The largest total of a subset without overlaps."""
    best = 0.0
    for size in range(len(spans) + 1):
        for subset in itertools.combinations(range(len(spans)), size):
            pairs = itertools.combinations([spans[i] for i in subset], 2)
            if all(a[1] <= b[0] or b[1] <= a[0] for a, b in pairs):
                best = max(best, sum(scores[i] for i in subset))
    return best


def draw_case(draw, *, whole):
    spans = []
    for _ in range(draw.randint(0, 9)):
        start = draw.randint(0, 8)
        spans.append((start, start + draw.randint(1, 5)))
    return spans, [draw.randint(-2, 4) if whole else draw.gauss(0.5, 2) for _ in spans]


@pytest.mark.parametrize("whole", [True, False])
def test_total_is_that_of_the_best_subset(whole):
    draw = random.Random(1)
    for _ in range(400):
        spans, scores = draw_case(draw, whole=whole)
        chosen = select_spans(spans, scores)
        assert all(scores[i] > 0 for i in chosen)
        assert all(spans[i][1] <= spans[j][0] for i, j in itertools.pairwise(chosen))
        assert sum(scores[i] for i in chosen) == pytest.approx(enumerate_best(spans, scores), abs=1e-9)


def test_two_short_spans_win_over_a_long_one_if_they_add_up_to_more():
    spans = [(0, 4), (0, 2), (2, 4)]
    assert select_spans(spans, [3.0, 2.0, 2.0]) == [1, 2]
    assert select_spans(spans, [5.0, 2.0, 2.0]) == [0]


def test_ties_go_to_the_span_that_ends_first_and_then_to_the_first_given():
    assert select_spans([(0, 4), (0, 2)], [1.0, 1.0]) == [1]
    assert select_spans([(0, 2), (0, 2), (1, 2)], [1.0, 1.0, 1.0]) == [0]


def test_nothing_is_chosen_of_nothing_or_of_scores_that_are_not_above_0():
    assert select_spans([], []) == []
    assert select_spans([(0, 1), (1, 2)], [0.0, -1.0]) == []


def test_counts_above_thresholds_are_those_of_the_choices():
    draw = random.Random(2)
    thresholds = np.array([-3.0, -1.0, 0.0, 0.5, 1.0, 2.5, 9.0])
    for case in range(300):
        spans, scores = draw_case(draw, whole=case % 2 == 0)
        correct = [draw.random() < 0.5 for _ in spans]
        found, hits = count_selected(spans, scores, correct, thresholds)
        for k, threshold in enumerate(thresholds):
            chosen = select_spans(spans, [score - threshold for score in scores])
            assert (found[k], hits[k]) == (len(chosen), sum(correct[i] for i in chosen))
    assert [each.tolist() for each in count_selected([], [], [], thresholds[:2])] == [[0, 0], [0, 0]]
