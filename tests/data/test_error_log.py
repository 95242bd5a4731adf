"""What is said about a file with many errors, and about what was put right in it."""

import logging

import pytest

from utils.data.errors import DataError, ErrorLog


def listing(*errors, unit="line"):
    log = ErrorLog("a.txt", unit=unit)
    for number, message in errors:
        log.add(number, message)
    with pytest.raises(DataError) as raised:
        log.finish(skip_bad_lines=False)
    return str(raised.value).split("\n")


def test_same_error_of_thousands_of_lines_is_told_once_with_its_count_and_first_place():
    errors = [(number, "expected 2 columns, found 1; add one") for number in range(3669, 1, -1)]
    assert listing(*errors) == [
        "a.txt:2: expected 2 columns, found 1; add one",
        "... 3,668 errors like this, the last in line 3,669",
    ]


@pytest.mark.parametrize(
    "messages",
    [
        [f'expected a label, found "{i}\\" x"; name it' for i in range(30)],
        [f"expected {i} columns, found {i * i:,}; add some" for i in range(30)],
        [f"expected B-T{i} to begin the entity, found I-T{i} after O; correct it" for i in range(30)],
        [f"expected a place, found [{i}, [{i}]; correct it" for i in range(30)],
        [f"expected O, found 'X{i}'; correct it" for i in range(30)],
    ],
    ids=["quoted values", "numbers", "types of tags", "lists", "quoted names"],
)
def test_errors_of_a_kind_are_told_by_three_examples_and_their_count(messages):
    shown = listing(*((number, message) for number, message in enumerate(messages, start=1)))
    assert shown[:3] == [f"a.txt:{number}: {messages[number - 1]}" for number in (1, 2, 3)]
    assert shown[3:] == ["... 30 errors like this, the last in line 30"]


def test_three_errors_of_a_kind_are_all_told():
    assert listing((1, "one 1"), (2, "one 1"), (5, "one 2")) == ["a.txt:1: one 1", "a.txt:2: one 1", "a.txt:5: one 2"]


def test_one_kind_does_not_hide_another():
    errors = [(number, f"found {number}") for number in range(1, 1001)]
    assert listing(*errors, (2000, "no end"), unit="row") == [
        *(f"a.txt, row {number}: found {number}" for number in (1, 2, 3)),
        "... 1,000 errors like this, the last in row 1,000",
        "a.txt, row 2000: no end",
    ]


def test_first_twenty_errors_of_many_kinds_are_told_and_all_are_counted():
    words = [f"{first}{second}" for first in "abcde" for second in "abcde"]
    shown = listing(*((number, f"found {word}") for number, word in enumerate(words, start=1)))
    assert shown[:20] == [f"a.txt:{number}: found {word}" for number, word in enumerate(words[:20], start=1)]
    assert shown[20:] == ["... 25 errors in all, the first 20 are shown"]


def test_what_was_put_right_is_counted_with_its_first_place_and_logged_once(caplog):
    log = ErrorLog("a.txt")
    for number in (7, 9):
        log.note(number, "label", done="trimmed", count=2)
    log.note(9, "span", done="left out")
    log.finish(skip_bad_lines=False)
    log.finish(skip_bad_lines=False)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "a.txt: 4 labels, the first in line 7: trimmed",
        "a.txt: 1 span, in line 9: left out",
    ]
