"""Texts to predict: every format, every kind of bad line, and never more than a line ahead."""

import gzip
import io
import itertools
import json
import logging
import sys
from types import SimpleNamespace

import pytest

from utils.data.errors import DataError
from utils.data.text_rows import ID_KEYS, PAIR_KEYS, TEXT_KEYS
from utils.data.text_stream import count_lines, read_pairs, read_texts


@pytest.fixture
def read(tmp_path):
    """Write bytes or text to a file of this name and read it: `read("a.txt", "x")`."""

    def run(name, content, **options):
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return list(read_texts(str(tmp_path / name), **options))

    return run


@pytest.fixture
def feed(monkeypatch):
    """Put bytes, or an iterable of lines, on standard input."""

    def run(lines):
        stream = io.BytesIO(lines) if isinstance(lines, bytes) else lines
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))

    return run


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


# Bad lines


def message_of(read, *args, **options):
    with pytest.raises(DataError) as caught:
        read(*args, **options)
    return str(caught.value)


BAD_LINES = {
    "no JSON": (
        "a.jsonl",
        b"oops",
        "expected a JSON object, found: Expecting value: line 1 column 1 (char 0); mend the line",
    ),
    "a list": ("a.jsonl", b"[1]", "expected a JSON object, found a list; write one object a line"),
    "a number as text": ("a.jsonl", b'{"text": 5}', "expected a text, found 5; write it in quotes"),
    "null as text": ("a.jsonl", b'{"text": null}', "expected a text, found null; write it in quotes"),
    "no column": (
        "a.jsonl",
        b'{"n": 1}',
        f"expected a column {' or '.join(TEXT_KEYS)}, found n; name it with --text_column",
    ),
    "no UTF-8": (
        "a.txt",
        "北京".encode("gb18030"),
        "expected UTF-8, found the byte 0xb1 at byte 1 of the line; if the file is GBK: iconv -f gb18030 -t utf-8",
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


def test_rows_are_numbered_without_the_bad_lines(read):
    assert read("a.jsonl", '{"text": "a"}\noops\n{"text": "b"}\n', skip_bad_lines=True) == [("0", "a"), ("1", "b")]


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
    assert f"expected a column {' or '.join(TEXT_KEYS)}, found id, name; name it with --text_column" in found


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
    assert read("a.csv", content, skip_bad_lines=True) == [("0", "second"), ("1", "third")]
    assert "left out 1 bad row" in caplog.text


def test_row_of_a_table_with_an_unreadable_line_is_left_out(read, caplog):
    content = b'text,n\na,1\n\xff,2\n"b\n\xff",3\nc,4\n'
    assert read("a.csv", content, skip_bad_lines=True) == [("0", "a"), ("1", "c")]
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
    assert "a.csv:1: expected a name of its own" in message_of(read, "a.csv", "text,text\na,b\n")


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
    with pytest.raises(DataError, match=r"a\.txt\.gz: expected a whole gzip file"):
        list(read_texts(str(tmp_path / "a.txt.gz")))


def test_directory_is_an_error_that_says_so(tmp_path):
    with pytest.raises(DataError, match="found a directory"):
        list(read_texts(str(tmp_path)))


# Pairs


@pytest.fixture
def pairs(tmp_path):
    """Write text to a file of this name and read pairs."""

    def run(name, content, **options):
        raw = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return list(read_pairs(str(tmp_path / name), **options))

    return run


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
    "no tab": ("a.txt", "一", "expected 2 texts apart by a tab, found 1; write one tab between them"),
    "empty line": ("a.txt", "", "expected 2 texts apart by a tab, found 1; write one tab between them"),
    "two tabs": ("a.txt", "一\t二\t三", "expected 2 texts apart by a tab, found 3; write one tab between them"),
    "no second text": (
        "a.jsonl",
        '{"text": "a"}',
        f"expected a column {' or '.join(PAIR_KEYS)}, found text{NAMED}--text_pair_column",
    ),
    "no first text": (
        "a.jsonl",
        '{"text_pair": "a"}',
        f"expected a column {' or '.join(TEXT_KEYS)}, found text_pair{NAMED}--text_column",
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
