"""The form of a file to submit, as the command line asks for it."""

import pytest

from utils.data.errors import ArgumentError
from utils.data.submission_columns import SubmissionForm, number_labels, parse_columns

MODEL = {"given": ("label", "score"), "labels": ["体育", "财经"], "classes": ["财经", "时政", "体育"]}


@pytest.mark.parametrize(
    "text, columns",
    [
        ("id=ID,label=Target", (("id", "ID"), ("label", "Target"))),
        ("score=p", (("score", "p"),)),
        ('"label=a, b",id=x=y', (("label", "a, b"), ("id", "x=y"))),
        ('"label=say ""no""\n"', (("label", 'say "no"\n'),)),
        ("label= 类别 ", (("label", " 类别 "),)),
    ],
)
def test_columns_are_fields_and_their_headers(text, columns):
    assert parse_columns(text) == columns


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "expected parts such as id=ID, found ''"),
        ("id", "expected parts such as id=ID, found 'id'; write FIELD=HEADER"),
        ("id=ID,", "expected parts such as id=ID, found ''"),
        ("id=", "expected parts such as id=ID, found 'id='"),
        ("nr=ID", "expected one of id, label, score before the =, found 'nr'"),
        ("Label=x", "expected one of id, label, score before the =, found 'Label'"),
        ("id=a,id=b", "expected each field once, found 'id' twice"),
        ("id=a,label=a", "expected each header once, found 'a' twice"),
        ('"id=a', "expected parts such as id=ID, separated by commas, found unexpected end of data"),
        ("id=a\nlabel=b", "expected parts such as id=ID, separated by commas, found"),
    ],
)
def test_malformed_columns_are_refused(text, said):
    with pytest.raises(ArgumentError) as caught:
        parse_columns(text)
    assert said in str(caught.value) and str(caught.value).startswith("--submission_columns")


def test_numbers_are_those_of_the_training_file_else_the_labels_own_else_ids():
    assert number_labels(["体育", "财经"], ["财经", "时政", "体育"]) == {"体育": "2", "财经": "0"}
    assert number_labels(["-1", "1"]) == {"-1": "-1", "1": "1"}
    assert number_labels(["no", "yes"]) == {"no": "0", "yes": "1"}
    assert number_labels(["体育", "其他"], ["体育"]) == {"体育": "0", "其他": "1"}


def test_form_without_wishes_has_all_columns_and_names():
    assert SubmissionForm.fit(None, "names", **MODEL) == SubmissionForm()


def test_form_takes_numbers_of_the_training_file():
    form = SubmissionForm.fit("label=y", "numbers", **MODEL)
    assert form == SubmissionForm((("label", "y"),), {"体育": "2", "财经": "0"})


@pytest.mark.parametrize("columns, given", [("id=a,score=b", ("label", "score")), (None, ("score",))])
def test_numbers_without_a_column_of_labels_are_refused(columns, given):
    with pytest.raises(ArgumentError, match="--submission_labels numbers: expected a column of labels, found none"):
        SubmissionForm.fit(columns, "numbers", given=given, labels=["a"], classes=())


def test_field_that_a_model_does_not_give_is_refused():
    with pytest.raises(ArgumentError, match="expected fields that this model gives, id and score, found label"):
        SubmissionForm.fit("id=a,label=b", "names", given=("score",), labels=["score"], classes=())
