"""What is written about a verdict: JSON, rows to submit, and lines for people."""

import csv
import io
import json

import pytest
from datasets import Dataset

from utils.data.submission_columns import SubmissionForm
from utils.prediction.verdict_lines import (
    answer_text,
    prediction_lines,
    submission_line,
    submission_lines,
    verdict_line,
)
from utils.scoring.decisions import DecisionRule, Verdict

RANKED = [("体育", 0.61239), ("财经", 0.30001), ('news, "b"', 0.05), ("d", 0.0376)]
SURE, UNSURE = Verdict(["体育"], RANKED), Verdict([], RANKED)
SEVERAL = Verdict(["财经", "体育"], RANKED)
ONE, MANY = DecisionRule([label for label, _ in RANKED]), DecisionRule([label for label, _ in RANKED], True)


def read(line):
    return json.loads(line)


def read_csv(text):
    return list(csv.reader(io.StringIO(text)))


# JSON


def test_line_of_a_class_has_its_probability_and_the_next_ones():
    assert read(verdict_line(ONE, SURE, texts=["好球"], id="7", top_k=2)) == {
        "id": "7",
        "text": "好球",
        "label": "体育",
        "score": 0.6124,
        "top": [{"label": "体育", "score": 0.6124}, {"label": "财经", "score": 0.3}],
    }


def test_line_is_written_in_characters_and_not_in_escapes():
    line = verdict_line(ONE, SURE, texts=["好\n球"])
    assert "好\\n球" in line and "体育" in line and "\n" not in line


def test_line_of_a_pair_has_both_texts_and_without_an_id_none():
    row = read(verdict_line(ONE, SURE, texts=["甲", "乙"]))
    assert list(row)[:2] == ["text", "text_pair"] and (row["text"], row["text_pair"]) == ("甲", "乙")


def test_label_is_null_where_the_model_is_not_sure_and_the_score_is_that_of_the_likeliest():
    row = read(verdict_line(ONE, UNSURE, texts=["好球"]))
    assert (row["label"], row["score"], len(row["top"])) == (None, 0.6124, 3)


def test_score_is_that_of_the_label_even_if_another_is_likelier():
    row = read(verdict_line(ONE, Verdict(["财经"], RANKED), texts=["好球"]))
    assert (row["label"], row["score"], row["top"][0]["label"]) == ("财经", 0.3, "体育")


def test_line_of_several_labels_has_their_names_and_the_highest_scores():
    row = read(verdict_line(MANY, SEVERAL, texts=["好球"], top_k=2))
    assert row == {"text": "好球", "labels": ["财经", "体育"], "scores": {"体育": 0.6124, "财经": 0.3}}


def test_line_without_any_of_several_labels_has_an_empty_list():
    assert read(verdict_line(MANY, UNSURE, texts=["好球"]))["labels"] == []


def test_more_classes_asked_for_than_there_are_show_all():
    assert len(read(verdict_line(ONE, SURE, texts=["好球"], top_k=9))["top"]) == 4


@pytest.mark.parametrize("pair", [False, True])
def test_predictions_are_a_line_a_row_in_order_with_ids(pair):
    rows = {"id": ["x", "y"], "text": ["甲", "乙"]} | ({"text_pair": ["一", "二"]} if pair else {})
    text = "".join(prediction_lines(ONE, Dataset.from_dict(rows), [SURE, UNSURE], top_k=1))
    assert text.endswith("\n")
    found = [read(line) for line in text.splitlines()]
    assert [row["id"] for row in found] == ["x", "y"]
    assert [row["label"] for row in found] == ["体育", None]
    assert [row.get("text_pair") for row in found] == (["一", "二"] if pair else [None, None])


# Submissions


def test_submitted_row_is_id_label_and_score():
    assert submission_line(ONE, SURE, id="7") == "7,体育,0.612390"


def test_submitted_labels_and_scores_are_put_apart_by_the_separator():
    assert submission_line(MANY, SEVERAL, id="7") == "7,财经|体育,0.300010|0.612390"
    assert submission_line(MANY, SEVERAL, id="7", separator=";") == "7,财经;体育,0.300010;0.612390"


def test_submitted_row_without_a_label_has_the_highest_score():
    assert submission_line(ONE, UNSURE, id="7") == "7,,0.612390"


def test_labels_and_ids_with_commas_and_quotes_come_back_from_csv():
    line = submission_line(ONE, Verdict(['news, "b"'], RANKED), id="a,b\nc")
    assert read_csv(line) == [["a,b\nc", 'news, "b"', "0.050000"]]


@pytest.mark.parametrize("cell", ["+", "-", "@user", "-100-2", "=1+1", "＋1", "\ttab", "0x1F", "a\rb", " x "])
def test_labels_and_ids_are_submitted_as_they_are(cell):
    """A scorer compares them; what guards spreadsheets would count them as wrong."""
    assert read_csv(submission_line(ONE, Verdict([cell], [(cell, 0.5)]), id=cell)) == [[cell, cell, "0.500000"]]


@pytest.mark.parametrize(("separator", "label"), [(None, "财经|体育"), (" ", "财经 体育")])
def test_submission_has_a_header_and_a_row_for_each_text(separator, label):
    dataset = Dataset.from_dict({"id": ["x", "y"], "text": ["甲", "乙"]})
    text = "".join(submission_lines(MANY, dataset, [SURE, SEVERAL], separator=separator))
    assert text.endswith("\n") and text.splitlines()[0] == "id,label,score"
    assert [row[:2] for row in read_csv(text)] == [["id", "label"], ["x", "体育"], ["y", label]]


@pytest.mark.parametrize("odd", ['a,"b"', "行\n列", "a\rb", "'=1+1", " x ", "label", "＝"])
def test_chosen_columns_come_back_from_csv_in_their_order_under_any_header(odd):
    form = SubmissionForm((("score", odd), ("id", "ID")))
    dataset = Dataset.from_dict({"id": [odd], "text": ["甲"]})
    text = "".join(submission_lines(ONE, dataset, [SURE], form=form))
    assert read_csv(text) == [[odd, "ID"], ["0.612390", odd]]


def test_labels_are_submitted_as_numbers():
    form = SubmissionForm((("id", "id"), ("label", "y")), {label: str(7 - i) for i, label in enumerate(ONE.labels)})
    assert submission_line(ONE, SURE, id="x", form=form) == "x,7"
    assert submission_line(MANY, SEVERAL, id="x", separator=" ", form=form) == "x,6 7"
    assert submission_line(ONE, UNSURE, id="x", form=form) == "x,"


# For people


def test_answers_are_shown_by_rank_with_their_probabilities():
    assert answer_text("哪里办护照？", SURE, top_k=2).splitlines() == [
        "哪里办护照？",
        "  1. 体育  0.612",
        "  2. 财经  0.300",
    ]


def test_unsure_answer_says_so_and_shows_the_nearest():
    lines = answer_text("哪里？", UNSURE, top_k=1).splitlines()
    assert lines == ["哪里？", "  I don't know (no answer is probable enough); the nearest:", "  1. 体育  0.612"]


def test_expected_answer_is_marked_where_it_stands():
    lines = answer_text("哪里？", SURE, top_k=3, expected="财经").splitlines()
    assert [line.endswith("<- expected") for line in lines] == [False, False, True, False]


def test_expected_answer_that_is_not_among_the_shown_is_named():
    lines = answer_text("哪里？", SURE, top_k=2, expected="d").splitlines()
    assert lines[-1] == "  expected: d" and not any("<-" in line for line in lines)
