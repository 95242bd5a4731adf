"""Pairs of texts to predict: every format, and every kind of bad pair."""

import itertools
import json

import pytest

from tests.reading.data_errors import message_of
from tests.reading.written_files import read_pairs, write_and_stream
from utils.reading.column_names import PAIR_KEYS, TEXT_KEYS


@pytest.fixture
def pairs(tmp_path):
    """Write text to a file of this name and read pairs."""
    return write_and_stream(tmp_path, read_pairs)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "一\t二\n三\t四"),
        ("a.data", "一\t二\n三\t四\n"),
        ("a.csv", 'label,text_pair,text\nx,二,一\ny,"四",三\n'),
        ("a.tsv.gz", "text\ttext_pair\n一\t二\n三\t四\n"),
        ("a.jsonl", '{"text": "一", "text_pair": "二"}\n\n{"sentence1": "三", "sentence2": "四"}\n'),
    ],
)
def test_pairs_are_read_from_each_kind_of_file(pairs, name, content):
    assert pairs(name, content) == [("0", "一", "二"), ("1", "三", "四")]


@pytest.mark.parametrize("column", PAIR_KEYS)
def test_usual_names_of_the_second_text_are_known(pairs, column):
    assert pairs("a.csv", f"id,text,{column}\nx,a,b\n") == [("x", "a", "b")]


def test_columns_of_a_pair_can_be_named(pairs):
    assert pairs("a.csv", "text,x,y\n1,2,3\n", columns=("y", "x")) == [("0", "3", "2")]
    assert pairs("a.csv", "text,x,text_pair\n1,2,3\n", columns=("x", None)) == [("0", "2", "3")]


def test_other_names_can_be_known(pairs):
    known = (("question",), ("context", "passage"))
    assert pairs("a.jsonl", '{"question": "q", "text": "t", "passage": "p"}\n', known=known) == [("0", "q", "p")]


def test_keywords_are_joined(pairs):
    content = json.dumps({"abst": "a", "keyword": ["层次", "API"]}) + "\n"
    assert pairs("a.jsonl", content) == [("0", "a", "层次、API")]


def test_second_text_is_never_the_column_of_the_first(pairs):
    assert pairs("a.csv", "text,keyword\na,b\n", known=(("text",), ("text", "keyword"))) == [("0", "a", "b")]


def test_pairs_of_standard_input_are_read_at_once(feed):
    taken = []

    def lines():
        for number in itertools.count():
            taken.append(number)
            yield b"%d\tb\n" % number

    feed(lines())
    texts = read_pairs("-")
    assert next(texts) == ("0", "0", "b")
    assert taken == [0]


NAMED = "; name it with "
BAD_PAIRS = {
    "no tab": ("a.txt", "一", "expected 2 texts separated by a tab, found 1; write one tab between them"),
    "empty line": ("a.txt", "", "expected 2 texts separated by a tab, found 1; write one tab between them"),
    "two tabs": ("a.txt", "一\t二\t三", "expected 2 texts separated by a tab, found 3; write one tab between them"),
    "no second text": (
        "a.jsonl",
        '{"text": "a"}',
        f"expected a column {' or '.join(PAIR_KEYS[:8])} or ..., found text{NAMED}--text_pair_column",
    ),
    "no first text": (
        "a.jsonl",
        '{"text_pair": "a"}',
        f"expected a column {' or '.join(TEXT_KEYS[:8])} or ..., found text_pair{NAMED}--text_column",
    ),
    "tokens as first text": (
        "a.jsonl",
        '{"text": ["a"], "text_pair": "b"}',
        'expected a text, found ["a"]; write it in quotes',
    ),
    "numbers as keywords": (
        "a.jsonl",
        '{"text": "a", "keyword": [1]}',
        "expected a text, found [1]; write it in quotes",
    ),
    "a missing cell": (
        "a.csv",
        "a",
        "expected 2 columns as in the header, found 1; quote texts with commas, and fill or remove cells",
    ),
    "a missing cell between tabs": (
        "a.tsv",
        "a",
        "expected 2 columns as in the header, found 1; remove tabs from texts, and fill or remove cells",
    ),
}
GOOD_PAIRS = {
    "a.txt": ["x\ty"] * 2,
    "a.jsonl": ['{"text": "x", "text_pair": "y"}'] * 2,
    "a.csv": ["text,text_pair", "x,y"],
    "a.tsv": ["text\ttext_pair", "x\ty"],
}


@pytest.mark.parametrize("kind", BAD_PAIRS)
def test_bad_pair_stops_with_file_line_and_repair(pairs, tmp_path, kind):
    name, line, message = BAD_PAIRS[kind]
    first, second = GOOD_PAIRS[name]
    found = message_of(pairs, name, "\n".join([first, second, line, second, ""]))
    assert found == f"{tmp_path / name}:3: {message}"


@pytest.mark.parametrize("kind", BAD_PAIRS)
def test_bad_pairs_are_left_out_and_counted_if_asked(pairs, caplog, kind):
    name, line, message = BAD_PAIRS[kind]
    first, second = GOOD_PAIRS[name]
    rows = pairs(name, "\n".join([first, second, line, second, line, ""]), skip_bad_lines=True)
    assert [row[1:] for row in rows] == [("x", "y")] * (2 if name in ("a.csv", "a.tsv") else 3)
    assert "left out 2 bad rows" in caplog.text
    assert message in caplog.text


def test_option_in_the_error_is_that_of_the_task(pairs):
    options = {"known": (("question",), ("context",)), "options": ("--question_column", "--context_column")}
    found = message_of(pairs, "a.csv", "question,text\nq,t\n", **options)
    assert found.endswith("expected a column context, found question, text; name it with --context_column")


def test_one_column_for_both_texts_is_an_error(pairs):
    found = message_of(pairs, "a.csv", "text,b\nq,t\n", columns=("b", "b"))
    assert found.endswith("expected a column other than b, found text, b; name it with --text_pair_column")
