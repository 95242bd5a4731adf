"""Gold and found spans are paired by place."""

import random

import pytest

from utils.modeling.joined_windows import Entity
from utils.reporting.span_errors import BORDER, BOTH, MISSED, RIGHT, SPURIOUS, TYPE, ErrorCounts, pair_spans
from utils.scoring.metrics import EntityF1


@pytest.mark.parametrize(
    ("gold", "found", "kinds"),
    [
        ([(0, 2, "A")], [(0, 2, "A")], [RIGHT]),
        ([(0, 2, "A")], [(0, 3, "A")], [BORDER]),
        ([(0, 2, "A")], [(0, 2, "B")], [TYPE]),
        ([(0, 2, "A")], [(1, 3, "B")], [BOTH]),
        ([(0, 2, "A")], [(2, 4, "A")], [MISSED, SPURIOUS]),
        ([(0, 2, "A")], [], [MISSED]),
        ([], [(0, 2, "A")], [SPURIOUS]),
        ([], [], []),
        ([(0, 2, "A"), (0, 2, "A")], [(0, 2, "A")], [RIGHT, MISSED]),  # what is there twice counts twice
        ([(0, 4, "A")], [(0, 1, "A"), (1, 4, "B")], [BORDER, SPURIOUS]),  # the same type before the longer overlap
        ([(0, 4, "A")], [(0, 4, "B"), (0, 3, "A")], [TYPE, SPURIOUS]),  # the same borders before the same type
        ([(0, 9, "A")], [(0, 2, "A"), (3, 9, "A")], [BORDER, SPURIOUS]),
    ],
)
def test_span_is_paired_with_what_was_found_in_its_place(gold, found, kinds):
    pairs = pair_spans([Entity(*one) for one in gold], [Entity(*one) for one in found])
    assert sorted(pair.kind for pair in pairs) == sorted(kinds)


def test_each_span_is_counted_once_and_right_ones_are_those_of_the_strict_score():
    draw = random.Random(0)

    def spans():
        starts = [draw.randrange(12) for _ in range(draw.randrange(8))]
        return list({(start, start + draw.randrange(1, 6), draw.choice("AB")) for start in starts})

    gold, found = ([spans() for _ in range(60)] for _ in range(2))
    pairs = [
        pair_spans([Entity(*one) for one in one], [Entity(*two) for two in two])
        for one, two in zip(gold, found, strict=True)
    ]
    for one, two, each in zip(gold, found, pairs, strict=True):
        assert sorted(pair.gold[:3] for pair in each if pair.gold) == sorted(one)
        assert sorted(pair.found[:3] for pair in each if pair.found) == sorted(two)
        assert all((pair.gold is None) == (pair.kind == SPURIOUS) for pair in each)
        assert all((pair.found is None) == (pair.kind == MISSED) for pair in each)
    errors = ErrorCounts()
    for each in pairs:
        errors.add(each)
    counts = errors.by_type()

    def rows(side):
        return [[{"start": a, "end": b, "label": label} for a, b, label in each] for each in side]

    table = EntityF1(keep_in_memory=True).compute(predictions=rows(found), references=rows(gold))["table"]
    for label in "AB":
        assert counts[label][RIGHT] == round(table[label]["recall"] * table[label]["support"]) > 0
    wrong = sum(counts[label][TYPE] + counts[label][BOTH] for label in "AB")
    assert sum(count for *_, count in errors.confused()) == wrong
