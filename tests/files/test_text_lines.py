"""Lines of files: the same whether a file is read whole or as a stream, packed or not."""

import gzip
import random

import pytest

from tests.reading.written_files import write
from utils.data.errors import DataError, ErrorLog
from utils.files.raw_files import BUFFER, open_input
from utils.files.text_lines import count_lines, decode_lines, read_lines
from utils.reading.class_readers import read_classes
from utils.reading.text_stream import read_texts

LONG = b"a" * BUFFER

# what the file holds | its bytes | its lines; None for one that cannot be read
FILES = [
    ("line feeds", b"a\nb\n", ["a", "b"]),
    ("no end", b"a\nb", ["a", "b"]),
    ("blank lines at the end", b"a\n\n\n", ["a", "", ""]),
    ("CRLF", b"a\r\nb\r\n", ["a", "b"]),
    ("carriage returns", b"a\rb\r", ["a", "b"]),
    ("a carriage return within a line", b"a\rb\nc\n", ["a\rb", "c"]),
    ("line separators of Unicode", "a\u2028b\x85c\n".encode(), ["a\u2028b\x85c"]),
    ("a mark", b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
    ("a mark and no more", b"\xef\xbb\xbf\na\n", ["", "a"]),
    ("NUL", b"a\0b\nc\n", [None, "c"]),
    ("a byte that is no UTF-8", "很好\n".encode() * 9 + b"\xff\n" + "很好".encode(), ["很好"] * 9 + [None, "很好"]),
    ("such a byte between carriage returns", b"a\r\xff\rb\r", ["a", None, "b"]),
    ("UTF-16", "上一\n二\n".encode("utf-16"), ["上一", "二"]),
    ("UTF-16 and CRLF", "上一\r\n二\r\n".encode("utf-16"), ["上一", "二"]),
    ("UTF-16 and carriage returns", "上一\r二\r".encode("utf-16"), ["上一", "二"]),
    ("lines longer than what is read at a time", LONG + b"b\n" + LONG, [LONG.decode() + "b", LONG.decode()]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "lines"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "packed"])
def test_file_has_its_lines(tmp_path, name, content, lines):
    path = write(tmp_path / name, content if name == "a.txt" else gzip.compress(content))
    log = ErrorLog(path)
    assert read_lines(path, log) == lines
    assert len(log) == lines.count(None)


@pytest.mark.parametrize("content", [row[1] for row in FILES], ids=[row[0] for row in FILES])
def test_standard_input_has_the_lines_of_the_file(tmp_path, feed, content):
    feed(content)
    with open_input("-") as file:
        assert list(decode_lines(file, ErrorLog("-"))) == read_lines(write(tmp_path / "a.txt", content), ErrorLog("a"))


def test_encoding_of_a_packed_file_is_found_from_as_much_as_of_a_plain_one(tmp_path):
    """A gzip file gives its bytes in smaller portions."""
    content = b"English first\n" * 50_000 + "我们在北京的大学里学习中文，这里的老师很好\n".encode("gbk") * 99
    assert 400_000 < len(content) < BUFFER
    for name in ("a.txt", "a.txt.gz"):
        path = write(tmp_path / name, gzip.compress(content) if name.endswith(".gz") else content)
        assert list(read_texts(str(path)))[-1][1] == "我们在北京的大学里学习中文，这里的老师很好"


def test_packed_file_needs_no_suffix(tmp_path):
    path = write(tmp_path / "packed.csv", gzip.compress("text,label\n很好,a\n".encode()))
    assert read_classes(path)["text"][:] == ["很好"]
    assert list(read_texts(str(path))) == [("0", "很好")]
    assert count_lines(str(path)) is None


def test_line_with_a_nul_is_an_error_in_training_and_prediction(tmp_path):
    path = write(tmp_path / "a.csv", "text,label\na\0b,x\nc,y\n")
    for read in (read_classes, lambda path, **options: list(read_texts(str(path), **options))):
        with pytest.raises(
            DataError, match=r"a\.csv:2: expected text, found a NUL at character 2 of the line; remove it"
        ):
            read(path)
        assert len(read(path, skip_bad_lines=True)) == 1


def test_what_was_removed_is_logged(tmp_path, caplog):
    caplog.set_level("INFO")
    path = write(tmp_path / "a.txt", b"\xef\xbb\xbfa\r\nb\r\n")
    assert list(read_texts(str(path))) == [("0", "a"), ("1", "b")]
    assert [record.getMessage() for record in caplog.records] == [
        f"{path}: removed a byte-order mark",
        f"{path}: read 2 lines that end in CRLF",
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16-le", "utf-32-be"])
def test_lines_of_any_length_come_back_whatever_they_hold(tmp_path, monkeypatch, encoding):
    draw = random.Random(encoding)
    monkeypatch.setattr("utils.files.text_lines.BUFFER", 64)
    for _ in range(50):
        texts = (draw.choices("ab上下𠀀é\u2028", k=draw.choice([1, 9, 200])) for _ in range(draw.randint(1, 9)))
        lines = ["x", *map("".join, texts)]
        path = write(tmp_path / "a.txt", "\n".join(lines).encode(encoding))
        assert read_lines(path, ErrorLog(path), encoding=encoding) == lines
