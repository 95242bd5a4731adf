"""Tests of utils/data/span_questions.py."""

import logging
from collections import Counter

from datasets import Dataset

from utils.data.span_questions import FEATURES, draw_questions, list_questions

TEXTS = ["abcdef", "ghijkl", "mn"]
ENTITIES = [[(0, 2, "x"), (3, 4, "y")], [], [(0, 2, "y"), (0, 2, "x")]]
ROWS = Dataset.from_dict(
    {
        "id": ["r0", "r1", "r2"],
        "text": TEXTS,
        "entities": [[dict(zip(("start", "end", "label"), one, strict=True)) for one in each] for each in ENTITIES],
    }
)


def every_span(text):
    return [(start, end) for start in range(len(text)) for end in range(start + 1, len(text) + 1)]


def letters(text):
    return [(place, place + 1) for place in range(len(text))]


def spans_of(questions):
    return [(one["row"], one["start"], one["end"], one["label"]) for one in questions]


def test_every_candidate_is_asked_about_with_its_label():
    questions = list_questions(ROWS, every_span)
    assert questions.features == FEATURES
    assert [(one["row"], one["start"], one["end"]) for one in questions] == [
        (row, *span) for row, text in enumerate(TEXTS) for span in every_span(text)
    ]
    labelled = [found for found in spans_of(questions) if found[3] != "O"]
    assert labelled == [(0, 0, 2, "x"), (0, 3, 4, "y"), (2, 0, 2, "x")]
    assert all(one["span"] == one["text"][one["start"] : one["end"]] for one in questions)
    assert questions[1]["id"] == "r0:0-2:x"


def test_entities_that_are_no_candidates_are_counted(caplog):
    with caplog.at_level(logging.INFO):
        questions = list_questions(ROWS, letters)
    assert {one["label"] for one in questions} == {"O", "y"}
    assert "2 of 4 entities are not among the candidate spans and cannot be found" in caplog.text
    assert "14 questions about spans of 3 texts" in caplog.text


def test_entities_are_drawn_with_negatives_for_each(caplog):
    questions = draw_questions(ROWS, letters, negatives=2, seed=0)
    found = spans_of(questions)
    assert [one for one in found if one[3] != "O"] == [
        (row, *one) for row, each in enumerate(ENTITIES) for one in each
    ]
    assert Counter(row for row, *_, label in found if label == "O") == {0: 4, 1: 2, 2: 2}
    assert (0, 3, 4, "O") not in found and found == sorted(found, key=lambda one: one[0])
    assert len(set(questions["id"][:])) == len(questions)
    assert "2 of 4 entities are not among the candidate spans and are asked about in training only" in caplog.text


def test_share_of_negatives_may_be_small_or_more_than_there_are():
    assert all(label != "O" for *_, label in spans_of(draw_questions(ROWS, every_span, negatives=0, seed=0)))
    half = Counter(
        row for row, *_, label in spans_of(draw_questions(ROWS, every_span, negatives=0.5, seed=0)) if label == "O"
    )
    assert half == {0: 1, 1: 1, 2: 1}
    every = draw_questions(ROWS, every_span, negatives=1000, seed=0)
    assert len(every) == 21 + 21 + 3 + 1  # two types on one span


def test_seed_decides_and_nothing_else_does():
    draws = [spans_of(draw_questions(ROWS, every_span, negatives=1, seed=seed)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    # Written down, so that another version of a library that drew otherwise would be seen.
    assert [one[:3] for one in draws[0] if one[3] == "O"] == [(0, 0, 4), (0, 4, 5), (1, 3, 5), (2, 0, 1), (2, 1, 2)]


def test_candidates_of_the_data_win():
    rows = ROWS.add_column("candidates", [[[0, 2], [1, 2]], [], [[1, 2]]])
    assert spans_of(list_questions(rows, every_span)) == [(0, 0, 2, "x"), (0, 1, 2, "O"), (2, 1, 2, "O")]


def test_no_candidates_make_no_questions():
    assert list_questions(ROWS.select([1]), lambda text: []).features == FEATURES
