"""Texts to predict: every format, and never more than a line ahead."""

import gzip
import itertools
import json

import pytest

from tests.reading.written_files import write_and_stream
from utils.data.errors import DataError
from utils.files.text_lines import count_lines
from utils.reading.column_names import ID_KEYS, TEXT_KEYS
from utils.reading.remembered_reading import Reading
from utils.reading.text_stream import read_texts


@pytest.fixture
def read(tmp_path):
    """Write bytes or text to a file of this name and read it: `read("a.txt", "x")`."""
    return write_and_stream(tmp_path, read_texts)


# Plain text


def test_plain_text_is_one_text_a_line_numbered_from_zero(read):
    assert read("a.txt", "北京\n上海\n") == [("0", "北京"), ("1", "上海")]


def test_missing_final_newline_loses_nothing(read):
    assert read("a.txt", "北京\n上海") == [("0", "北京"), ("1", "上海")]


def test_empty_line_of_plain_text_is_an_empty_text(read):
    assert read("a.txt", "北京\n\n上海\n") == [("0", "北京"), ("1", ""), ("2", "上海")]


def test_spaces_of_plain_text_are_text(read):
    assert read("a.txt", "  北京\u3000\n") == [("0", "  北京\u3000")]


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b", "\x0c", "a\rb"])
def test_only_newlines_end_a_line(read, mark):
    assert read("a.txt", f"北{mark}京\n") == [("0", f"北{mark}京")]


def test_carriage_returns_of_windows_are_no_text(read):
    assert read("a.txt", b"a\r\n\r\nb\r\n") == [("0", "a"), ("1", ""), ("2", "b")]


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.txt", "北京\n"),
        ("a.csv", "text\n北京\n"),
        ("a.jsonl", '{"text": "北京"}\n'),
        ("a.unknown", '{"text": "北京"}\n'),
    ],
)
def test_byte_order_mark_is_no_text(read, name, content):
    assert read(name, "\ufeff" + content) == [("0", "北京")]


def test_byte_order_mark_of_a_later_line_is_text(read):
    assert read("a.txt", "a\n\ufeffb\n")[1] == ("1", "\ufeffb")


def test_empty_file_has_no_texts(read):
    assert read("a.txt", "") == []


# JSON lines


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.JSONL"])
def test_json_lines_give_text_and_id(read, name):
    assert read(name, '{"id": "x", "text": "北京"}\n{"id": 7, "text": "上海"}\n') == [("x", "北京"), ("7", "上海")]


def test_row_without_an_id_has_its_number_among_the_rows(read):
    content = '{"text": "a"}\n\n{"id": "x", "text": "b"}\n{"id": null, "text": "c"}\n'
    assert read("a.jsonl", content) == [("0", "a"), ("x", "b"), ("2", "c")]


def test_id_zero_is_an_id(read):
    assert read("a.jsonl", '{"text": "a"}\n{"id": 0, "text": "b"}\n')[1] == ("0", "b")


@pytest.mark.parametrize("column", TEXT_KEYS)
def test_usual_names_of_the_text_column_are_known(read, column):
    assert read("a.jsonl", json.dumps({column: "a"}) + "\n") == [("0", "a")]
    assert read("a.csv", f"{column},n\na,1\n") == [("0", "a")]


@pytest.mark.parametrize("column", ID_KEYS)
def test_usual_names_of_the_id_column_are_known(read, column):
    assert read("a.jsonl", json.dumps({column: 7, "text": "a"}) + "\n") == [("7", "a")]
    assert read("a.tsv", f"text\t{column}\na\tx\nb\t\n") == [("x", "a"), ("1", "b")]


def test_text_comes_before_the_other_known_names(read):
    assert read("a.jsonl", '{"content": "c", "text": "t", "sentence": "s"}\n') == [("0", "t")]


def test_column_can_be_named(read):
    assert read("a.jsonl", '{"text": "t", "title": "x"}\n', column="title") == [("0", "x")]
    assert read("a.csv", "text,title\nt,x\n", column="title") == [("0", "x")]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "title,content,label\nt,x,a\nu,y,a\n"), ("a.jsonl", '{"title": "t", "content": "x"}\n' * 2)],
)
def test_texts_that_are_not_read_are_told_once(read, caplog, name, content):
    assert read(name, content)[0] == ("0", "x")
    (message,) = caplog.messages
    assert message.endswith(
        f"{name}: read from the column content; title may hold texts, too, and is left out; "
        "--text_column names the column that is read"
    )


def test_texts_that_the_user_or_training_has_left_out_are_not_told(read, caplog):
    content = "title,content\nt,x\n"
    assert read("a.csv", content, column="title") == [("0", "t")]
    assert read("a.csv", content, reading=Reading(text="content")) == [("0", "x")]
    assert read("a.csv", "id,text,score\n1,x,0.5\n") == [("1", "x")]
    assert not caplog.messages


def test_empty_text_of_json_lines_is_kept(read):
    assert read("a.jsonl", '{"text": ""}\n') == [("0", "")]


# CSV


def test_csv_gives_text_and_id(read):
    assert read("a.csv", "id,text\nx,北京\ny,上海\n") == [("x", "北京"), ("y", "上海")]


def test_quoted_commas_and_quotes_are_text(read):
    assert read("a.csv", 'text,n\n"a, ""b"", c",1\n') == [("0", 'a, "b", c')]


def test_quoted_text_over_several_lines_is_one_text(read):
    assert read("a.csv", 'text,n\r\n"first\r\n\r\nthird",1\r\nb,2\r\n') == [("0", "first\n\nthird"), ("1", "b")]


def test_cell_of_any_length_is_read(read):
    assert read("a.csv", f"text,n\n{'长' * 200_000},1\n") == [("0", "长" * 200_000)]


@pytest.mark.parametrize("name", ["a.tsv", "a.tsv.gz"])
def test_tab_separated_columns_are_read(read, name):
    assert read(name, 'id\ttext\nx\ta, "b"\ny\t"open\n') == [("x", 'a, "b"'), ("y", '"open')]


def test_quoted_header_is_read_as_csv(read):
    assert read("a.csv", '"text","a, b"\nx,1\n') == [("0", "x")]


def test_csv_from_windows_is_read(read):
    assert read("a.csv", b"\xef\xbb\xbftext,n\r\na,1\r\n\r\nb,2\r\n") == [("0", "a"), ("1", "b")]


# gzip and standard input


@pytest.mark.parametrize(
    "name, content",
    [("a.txt.gz", "北京\n"), ("a.csv.gz", "text\n北京\n"), ("a.jsonl.gz", '{"text": "北京"}\n'), ("a.gz", "北京\n")],
)
def test_gzip_file_is_read_by_the_extension_below(read, name, content):
    assert read(name, content) == [("0", "北京")]


def test_standard_input_is_plain_text(feed):
    feed("北京\n\n上海".encode())
    assert list(read_texts("-")) == [("0", "北京"), ("1", ""), ("2", "上海")]


def test_standard_input_of_json_objects_is_json_lines(feed):
    feed('{"id": "x", "text": "北京"}\n'.encode())
    assert list(read_texts("-")) == [("x", "北京")]


def test_plain_text_that_begins_with_a_brace_is_plain_text(feed):
    feed("{注意}明天开会\n".encode())
    assert list(read_texts("-")) == [("0", "{注意}明天开会")]


def test_endless_stream_gives_its_first_texts_at_once(feed):
    taken = []

    def lines():
        for number in itertools.count():
            taken.append(number)
            yield b"line %d\n" % number

    feed(lines())
    texts = read_texts("-")
    assert next(texts) == ("0", "line 0")
    assert taken == [0]
    assert next(texts) == ("1", "line 1")
    assert taken == [0, 1]


def test_nothing_is_opened_before_the_first_text_is_asked_for(tmp_path):
    texts = read_texts(str(tmp_path / "missing.txt"))
    with pytest.raises(DataError, match=r"missing\.txt: expected a file, found none"):
        next(texts)


# The number of lines


def test_lines_are_counted(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\nb\n" * 1000)
    assert count_lines(str(tmp_path / "a.txt")) == 2000


def test_last_line_without_a_newline_is_counted(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a\nb")
    assert count_lines(str(tmp_path / "a.txt")) == 2


@pytest.mark.parametrize("name", ["a.txt.gz", "missing.txt"])
def test_lines_that_cannot_be_counted_are_none(tmp_path, name):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"a\n"))
    assert count_lines(str(tmp_path / name)) is None
