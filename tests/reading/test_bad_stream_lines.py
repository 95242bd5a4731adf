"""Texts to predict that are wrong: every kind of bad line, left out or an error."""

import gzip
import logging

import pytest

from tests.reading.data_errors import message_of
from tests.reading.written_files import write_and_stream
from utils.data.errors import DataError
from utils.reading.column_names import TEXT_KEYS
from utils.reading.text_stream import read_texts


@pytest.fixture
def read(tmp_path):
    """Write bytes or text to a file of this name and read it: `read("a.txt", "x")`."""
    return write_and_stream(tmp_path, read_texts)


BAD_LINES = {
    "no JSON": (
        "a.jsonl",
        b"oops",
        "expected a JSON object on one line, found invalid JSON: Expecting value at column 1; repair the line",
    ),
    "a list": ("a.jsonl", b"[1]", "expected a JSON object, found [1]; write each row as {...}"),
    "a number as text": ("a.jsonl", b'{"text": 5}', "expected a text, found 5; write it in quotes"),
    "null as text": ("a.jsonl", b'{"text": null}', "expected a text, found null; write it in quotes"),
    "no column": (
        "a.jsonl",
        b'{"n": 1}',
        f"expected a column {' or '.join(TEXT_KEYS[:8])} or ..., found n; name it with --text_column",
    ),
    "no UTF-8": (
        "a.txt",
        b"caf\xe9",
        "expected UTF-8, found the byte 0xe9 at byte 4 of the line; "
        "correct it, or name the encoding of the file, such as --encoding gb18030, big5 or cp1252",
    ),
    "a missing cell": (
        "a.csv",
        b"a",
        "expected 2 columns as in the header, found 1; quote texts with commas, and fill or remove cells",
    ),
    "a cell too many": (
        "a.csv",
        b"a,b,c",
        "expected 2 columns as in the header, found 3; quote texts with commas, and fill or remove cells",
    ),
}
GOOD_LINES = {"a.jsonl": [b'{"text": "x"}'] * 2, "a.txt": [b"x"] * 2, "a.csv": [b"text,n", b"x,1"]}


@pytest.mark.parametrize("kind", BAD_LINES)
def test_bad_line_stops_with_file_line_and_repair(read, tmp_path, kind):
    name, line, message = BAD_LINES[kind]
    first, second = GOOD_LINES[name]
    found = message_of(read, name, b"\n".join([first, second, line, second, b""]))
    assert found == f"{tmp_path / name}:3: {message}"


@pytest.mark.parametrize("kind", BAD_LINES)
def test_bad_lines_are_left_out_and_counted_if_asked(read, caplog, kind):
    name, line, message = BAD_LINES[kind]
    first, second = GOOD_LINES[name]
    with caplog.at_level(logging.WARNING):
        rows = read(name, b"\n".join([first, second, line, second, line, b""]), skip_bad_lines=True)
    assert [text for _, text in rows] == ["x"] * (2 if name == "a.csv" else 3)
    assert len(caplog.records) == 1
    assert "left out 2 bad rows" in caplog.text
    assert message in caplog.text


def test_rows_before_a_bad_line_are_given_first(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\noops\n')
    texts = read_texts(str(tmp_path / "a.jsonl"))
    assert next(texts) == ("0", "a")
    with pytest.raises(DataError, match=r"a\.jsonl:2: "):
        next(texts)


def test_bad_lines_and_blank_ones_shift_no_id(read):
    assert read("a.jsonl", '{"text": "a"}\noops\n{"text": "b"}\n', skip_bad_lines=True) == [("0", "a"), ("2", "b")]
    assert read("a.txt", b"a\n\xff\n\nb\n", skip_bad_lines=True) == [("0", "a"), ("2", ""), ("3", "b")]
    assert read("a.csv", b"n,text\n1,a\n\n\xff\n2\n2,b\n", skip_bad_lines=True) == [("0", "a"), ("3", "b")]


def test_blank_line_of_a_table_of_one_column_is_an_empty_text(read):
    rows = [("0", "a"), ("1", ""), ("2", "b"), ("3", "c\n\nd"), ("4", ""), ("5", "e")]
    assert read("a.csv", 'text\na\n\nb\n"c\n\nd"\n\ne\n\n') == rows


def test_good_file_is_read_without_a_word(read, caplog):
    read("a.jsonl", '{"text": "a"}\n', skip_bad_lines=True)
    assert caplog.records == []


def test_error_of_standard_input_says_so(feed):
    feed(b'{"text": "a"}\n{"n": 1}\n')
    with pytest.raises(DataError, match="standard input:2: expected a column"):
        list(read_texts("-"))


@pytest.mark.parametrize("skip", [False, True])
def test_csv_without_a_text_column_is_wrong_as_a_whole(read, skip):
    found = message_of(read, "a.csv", "id,name\n1,x\n", skip_bad_lines=skip)
    assert (
        f"expected a column {' or '.join(TEXT_KEYS[:8])} or ..., found id, name; name it with --text_column" in found
    )


def test_csv_without_a_text_column_is_named(read):
    assert "a.csv" in message_of(read, "a.csv", "id,name\n1,x\n")


def test_named_column_that_is_missing_is_an_error_that_lists_what_is_there(read):
    found = message_of(read, "a.csv", "id,text\n1,x\n", column="body")
    assert "expected a column body, found id, text; name it with --text_column" in found


def test_quote_that_is_not_closed_is_an_error_and_no_text(read):
    found = message_of(read, "a.csv", 'text,n\n"first,1\nsecond,2\n')
    assert "a.csv:2: expected a quote that closes the cell, found none up to line 3; " in found


def test_rows_behind_an_open_quote_are_read_if_bad_lines_are_skipped(read, caplog):
    content = 'text,n\n"first,1\nsecond,2\n"third",3\n'
    assert read("a.csv", content, skip_bad_lines=True) == [("1", "second"), ("2", "third")]
    assert "left out 1 bad row" in caplog.text


def test_row_of_a_table_with_an_unreadable_line_is_left_out(read, caplog):
    content = b'text,n\na,1\n\xff,2\n"b\n\xff",3\nc,4\n'
    assert read("a.csv", content, skip_bad_lines=True) == [("0", "a"), ("4", "c")]
    assert "left out 2 bad rows" in caplog.text


def test_open_quote_holds_a_thousand_lines_at_most(tmp_path):
    (tmp_path / "a.csv").write_text('text\n"open\n' + "x\n" * 5000)
    with pytest.raises(
        DataError, match=r"a\.csv:2: expected a quote that closes the cell, found none up to line 1002;"
    ):
        next(read_texts(str(tmp_path / "a.csv")))


def test_header_that_cannot_be_read_is_an_error_even_if_bad_lines_are_skipped(read):
    assert "a.csv:1: expected UTF-8" in message_of(read, "a.csv", b"\xff\na\n", skip_bad_lines=True)
    assert "a.csv:1: expected a quote that" in message_of(read, "a.csv", '"text\na\n', skip_bad_lines=True)
    assert "a.csv:1: expected a different name" in message_of(read, "a.csv", "text,text\na,b\n")


def test_half_of_a_surrogate_pair_is_a_bad_line(read):
    assert "a.jsonl:1: " in message_of(read, "a.jsonl", '{"text": "\\ud83d"}\n')


def test_object_nested_too_deeply_is_a_bad_line(read):
    assert "a.jsonl:1: expected a JSON object" in message_of(read, "a.jsonl", "[" * 200_000 + "\n")


def test_number_too_long_for_python_is_a_bad_line(read):
    assert "a.jsonl:1: " in message_of(read, "a.jsonl", '{"text": ' + "1" * 5000 + "}\n")


DAMAGED_GZIP = {
    "cut": lambda raw: raw[: len(raw) // 2],
    "no such block": lambda raw: raw[:10] + b"\xff" + raw[11:],  # behind the ten bytes of the header
    "wrong checksum": lambda raw: raw[:-8] + b"\0" * 8,
    "no gzip at all": lambda raw: b"x\n",
}


@pytest.mark.parametrize("damage", DAMAGED_GZIP)
def test_damaged_gzip_file_is_an_error_with_its_name(tmp_path, damage):
    raw = gzip.compress("".join(f"第{i}行\n" for i in range(1000)).encode())
    (tmp_path / "a.txt.gz").write_bytes(DAMAGED_GZIP[damage](raw))
    with pytest.raises(DataError, match=r"a\.txt\.gz: expected a complete gzip file"):
        list(read_texts(str(tmp_path / "a.txt.gz")))


def test_directory_is_an_error_that_says_so(tmp_path):
    with pytest.raises(DataError, match="found a directory"):
        list(read_texts(str(tmp_path)))
