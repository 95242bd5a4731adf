"""Files of texts with classes that are wrong, and all that is said about them."""

import gzip

import pytest

from tests.reading.bad_text_json import BAD_JSON, record
from tests.reading.bad_text_tables import BAD_TABLES
from tests.reading.written_files import lines, read_classes
from utils.data.errors import DataError

NAME_ENCODING = "correct it, or name the encoding of the file, such as --encoding gb18030, big5 or cp1252"

# what is wrong | file name | bytes | options | the whole message
BAD_FILES = [
    # bytes
    ("nothing in it", "a.csv", b"", {}, "a.csv: expected data, found an empty file; check how it was written"),
    (
        "only blank lines",
        "a.txt",
        b"\n \n\t\r\n",
        {},
        "a.txt: expected data, found only blank lines; check how it was written",
    ),
    (
        "Windows-1252 in a table",
        "a.csv",
        lines("text,label", "一,a", b"caf\xe9 \x93bon\x94,a"),
        {},
        f"a.csv:3: expected UTF-8, found the byte 0xe9 at byte 4 of the line; {NAME_ENCODING}",
    ),
    (
        "another encoding than the one that is named",
        "a.csv",
        lines("text,label", "a,a", b"\xff,b"),
        {"encoding": "big5"},
        f"a.csv:3: expected Big5, found the byte 0xff at byte 1 of the line; {NAME_ENCODING}",
    ),
    (
        "encoding that nobody knows",
        "a.csv",
        b"text,label\na,b\n",
        {"encoding": "utf-9"},
        "--encoding utf-9: expected one that Python knows, such as utf-8, gb18030, big5, utf-16 or cp1252",
    ),
    (
        "GBK in the header",
        "a.tsv",
        "文本\t标签\n".encode("gbk") + "一\ta\n".encode(),
        {},
        f"a.tsv:1: expected UTF-8, found the byte 0xce at byte 1 of the line; {NAME_ENCODING}",
    ),
    (
        "NUL",
        "a.txt",
        lines("一\ta", "二\0\tb"),
        {},
        "a.txt:2: expected text, found a NUL at character 2 of the line; remove it",
    ),
    (
        "cut gzip",
        "a.csv.gz",
        gzip.compress(b"text,label\na,b\n", mtime=0)[:-12],
        {},
        "a.csv.gz: expected a complete gzip file, found: "
        "Compressed file ended before the end-of-stream marker was reached; copy or pack it again",
    ),
    (
        "gzip in name only",
        "a.csv.gz",
        b"text,label\n",
        {},
        "a.csv.gz: expected a complete gzip file, found: Not a gzipped file (b'te'); copy or pack it again",
    ),
    (
        "no parquet",
        "a.parquet",
        b"PAR1 and no more",
        {},
        "a.parquet: expected a parquet file, found: Parquet magic bytes not found in footer. "
        "Either the file is corrupted or this is not a parquet file.; write or copy it again",
    ),
    *BAD_TABLES,
    *BAD_JSON,
    # options
    (
        "label that training has not",
        "a.txt",
        lines("一\ta", "二\tc"),
        {"labels": ["b", "a"]},
        "a.txt:2: expected a label of the training data (a, b), found c; rename it, or train on it too",
    ),
    (
        "number that training has not",
        "a.json",
        lines(record(label=3), record(label=[12])),
        {"labels": [str(number) for number in range(12)], "label_separator": ","},
        "a.json:2: expected a label of the training data (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... 12 in all), found 12; "
        "rename it, or train on it too",
    ),
    (
        "unknown format",
        "a.txt",
        b"a",
        {"file_format": "xml"},
        "expected the file format auto, csv, tsv, json, parquet, tab, marked, faq, found xml; choose one of these",
    ),
]


def message_of(path, **options):
    with pytest.raises(DataError) as raised:
        read_classes(path, **options)
    return str(raised.value).replace(str(path), path.name).replace(str(path.parent), "FOLDER")


def test_table_has_fifty_bad_files_each_with_a_name_of_its_own():
    assert len(BAD_FILES) >= 50
    assert len({row[0] for row in BAD_FILES}) == len(BAD_FILES)


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"), [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES]
)
def test_bad_file_gets_its_message(tmp_path, name, content, options, expected):
    path = tmp_path / name
    path.write_bytes(content)
    assert message_of(path, **options) == expected


@pytest.mark.parametrize(
    ("name", "content", "options", "expected"), [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES]
)
def test_skipping_bad_lines_keeps_good_rows_or_fails_with_the_same_message(
    tmp_path, caplog, name, content, options, expected
):
    path = tmp_path / name
    path.write_bytes(content)
    try:
        dataset = read_classes(path, skip_bad_lines=True, **options)
    except DataError as error:
        assert str(error).replace(str(path), name) == expected
    else:
        assert len(dataset) > 0
        assert "left out" in caplog.text
        assert expected.split("\n")[0] in caplog.text


def test_missing_file_names_one_like_it(tmp_path):
    (tmp_path / "train.csv").write_text("text\na\n")
    assert message_of(tmp_path / "trian.csv") == ("trian.csv: expected a file, found none; did you mean train.csv?")


def test_the_same_error_of_many_lines_is_told_once_with_its_count(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "a\n" * 25)
    first, count = message_of(path).split("\n")
    assert first.startswith("a.csv:2: expected 2 columns as in the header, found 1;")
    assert count == "... 25 errors like this, the last in line 26"


# Files of class names

NAMES = "财经\n体育\n"
BAD_NAMES = [
    ("number out of range", NAMES, "一\t1\n二\t2\n",
     'a.txt:2: expected a class number from 0 to 1, or a name of names.txt, found "2"; '
     "correct it, or add the class there"),
    ("negative number", NAMES, "一\t-1\n",
     'a.txt:1: expected a class number from 0 to 1, or a name of names.txt, found "-1"; '
     "correct it, or add the class there"),
    ("unknown name", NAMES, "一\t财经\n二\t股票\n",
     'a.txt:2: expected a class number from 0 to 1, or a name of names.txt, found "股票"; '
     "correct it, or add the class there"),
    ("no file", None, "一\t1\n",
     "names.txt: expected a file, found none; did you mean a.txt?"),
    ("empty file", "", "一\t1\n", "names.txt: expected data, found an empty file; check how it was written"),
    ("blank lines", "\n\n", "一\t1\n", "names.txt: expected data, found only blank lines; check how it was written"),
    ("blank line", "财经\n\n体育\n", "一\t1\n",
     "names.txt:2: expected the name of a class, found a blank line; name it, or delete the line"),
    ("name twice", "财经\n体育\n财经\n", "一\t1\n",
     "names.txt:3: expected a unique name, found 财经 as in line 1; change one"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "content", "expected"), [row[1:] for row in BAD_NAMES], ids=[row[0] for row in BAD_NAMES]
)
def test_bad_class_file_or_number_gets_its_message(tmp_path, names, content, expected):
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")
    if names is not None:
        (tmp_path / "names.txt").write_text(names, encoding="utf-8")
    found = message_of(tmp_path / "a.txt", class_file=tmp_path / "names.txt")
    assert found.replace("FOLDER/", "") == expected
