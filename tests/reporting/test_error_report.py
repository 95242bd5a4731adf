"""What a run got wrong, from rows and answers made here."""

import json
from itertools import pairwise

import numpy as np
import pytest
from datasets import Dataset

from tests.reporting.reported_errors import classifier, tagged, tagger
from utils.reporting import error_parts, error_report
from utils.reporting.error_parts import frequency_bins, length_bins
from utils.reporting.regression_report import report_scores
from utils.scoring.answer_ranking import Answer


def test_worst_text_is_the_one_with_the_surest_wrong_entity():
    texts = ["abcdef"] * 4
    gold = [[(0, 2, "A")], [(0, 2, "A")], [(0, 2, "A")], [(0, 2, "A")]]
    found = [[(0, 3, "A", 0.7)], [(0, 2, "A", 0.99)], [], [(0, 2, "B", 0.9), (3, 4, "A", 0.1)]]
    errors = tagger(texts, gold, found)
    assert [one["id"] for one in errors["worst"]] == ["n3", "n0", "n2"]
    assert [one["confidence"] for one in errors["worst"]] == [0.9, 0.7, None]
    assert errors["worst"][0]["errors"] == ["spurious", "wrong type"]
    assert (errors["examples"], errors["wrong"], errors["scores"]) == (4, 3, {"f1": 0.5})
    assert errors["confused"] == [["A", "B", 1]]
    assert sum(row["count"] for row in errors["reliability"]) == 4


def test_entities_are_told_apart_by_how_often_they_were_learnt():
    train = tagged(["ab", "ab"], [[(0, 2, "A")], [(0, 2, "A")]])
    errors = tagger(["ab", "cd"], [[(0, 2, "A")], [(0, 2, "A")]], [[(0, 2, "A")], []], train=train)
    seen = errors["slices"][2]
    assert seen["title"] == "How often the entity is in the training data"
    assert [(row["from"], row["to"], row["count"], row["score"]) for row in seen["rows"]] == [
        (0, 0, 1, 0.0),
        (2, 5, 1, 1.0),
    ]


def test_fifty_are_kept_of_many_and_a_part_of_a_long_text():
    text = "x" * 5000 + "ab" + "y" * 5000
    errors = tagger([text] * 300, [[(5000, 5002, "A")]] * 300, [[]] * 300)
    assert len(errors["worst"]) == error_parts.WORST and errors["wrong"] == 300
    one = errors["worst"][0]
    start = one["gold"][0]["start"] - one["offset"]
    assert one["text"][start : start + 2] == "ab" and len(one["text"]) == error_parts.LONGEST
    assert len(json.dumps(errors)) < 150_000


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_found_and_nothing_to_find_is_reported(count):
    errors = tagger(["ab"] * count, [[]] * count, [[]] * count)
    assert (errors["wrong"], errors["worst"], errors["reliability"], errors["errors"]) == (0, [], [], {})


def test_worst_class_is_the_surest_wrong_one():
    errors = classifier(["a", "b"], ["a", "a", "b"], [[0, 1], [0, 3], [0, 9]])
    assert [one["id"] for one in errors["worst"]] == ["1", "0"]
    assert errors["worst"][0]["confidence"] == pytest.approx(1 / (1 + np.exp(-3)))
    assert (errors["worst"][0]["gold"], errors["worst"][0]["found"]) == (["a"], ["b"])
    assert errors["confused"] == [["a", "b", 2]] and errors["right"] == {"a": 0, "b": 1}


def test_answer_that_was_not_given_is_an_error_with_its_likeliest_class():
    errors = classifier(["a", "b"], ["a"], [[0.1, 0.0]], abstain_below=0.9)
    one = errors["worst"][0]
    assert (one["errors"], one["found"], list(one["scores"])) == (["not said, would be right"], [], ["a"])
    assert errors["errors"] == {"texts": {"right": 0, "not said, would be right": 1}}


def test_missed_and_spurious_labels_are_counted_by_label():
    gold, logits = [["a"], ["a", "b"], []], [[5, 5], [5, -5], [-5, -5]]
    errors = classifier(["a", "b"], gold, logits, several=True)
    assert errors["errors"] == {
        "a": {"right": 2, "missed": 0, "spurious": 0},
        "b": {"right": 0, "missed": 1, "spurious": 1},
    }
    assert errors["wrong"] == 2 and {tuple(one["errors"]) for one in errors["worst"]} == {
        ("missed label",),
        ("spurious label",),
    }


def test_scores_that_are_right_are_not_among_the_worst():
    rows = Dataset.from_dict({"id": list("abc"), "text": ["ab", "cd", "ef"], "label": [1.0, 2.0, 5.0]})
    errors = report_scores(rows, [1.5, 2.0, 3.0], scores={"mae": 2.5 / 3})
    assert errors["wrong"] == 2 and [one["id"] for one in errors["worst"]] == ["c", "a"]
    assert [row["score"] for row in errors["slices"][0]["rows"]] == pytest.approx([2.5 / 3])


def test_answers_are_told_apart_by_what_is_wrong():
    context = "Ann Lee teaches at Oxford."
    gold = [["Ann Lee"], ["Ann Lee"], ["Oxford"], [], ["Oxford"]]
    rows = Dataset.from_dict(
        {
            "id": list("abcde"),
            "question": ["?"] * 5,
            "context": [context] * 5,
            "answers": [{"text": each, "answer_start": [context.index(text) for text in each]} for each in gold],
        }
    )
    found = [("Ann Lee", 0, 7, 0.9), ("Lee", 4, 7, 0.8), ("Ann", 0, 3, 0.7), ("Ann", 0, 3, 0.6), ("", 0, 0, 0.5)]
    counts = {"exact": [1, 0, 0, 0, 0], "f1": [1, 0.6, 0, 0, 0]}
    answers = [[Answer(*each)] for each in found]
    errors = error_report.report_answers(rows, answers, counts=counts, scores={"test_f1": 0.3})
    assert [one["errors"] for one in errors["worst"]] == [
        ["wrong border"],
        ["wrong place"],
        ["answered without an answer"],
        ["not answered"],
    ]
    assert errors["errors"]["answers"]["right"] == 1 and errors["scores"] == {"f1": 0.3}


def test_bins_hold_every_value_once():
    values = np.random.default_rng(0).integers(0, 300, 500)
    for bins in (length_bins(values), frequency_bins(values), length_bins(np.array([7])), frequency_bins(values * 9)):
        assert all(first <= last for first, last in bins)
        assert all(one[1] + 1 == two[0] for one, two in pairwise(bins))
    for bins in (length_bins(values), frequency_bins(values)):
        assert sum(((values >= first) & (values <= last)).sum() for first, last in bins) == 500
