"""Files that are wrong, and all that is said about them."""

import gzip
import io
import os
import stat

import pytest
from datasets import Dataset

from tests.reading.written_files import lines
from tests.tagging.bad_ner_columns import BAD_COLUMNS
from tests.tagging.bad_ner_json import BAD_JSON, label
from utils.data.errors import DataError
from utils.tagging.readers_ner import read_ner

# what is wrong | file name | bytes | the whole message
BAD_FILES = [
    ("nothing in it", "a.json", b"", "a.json: expected data, found an empty file; check how it was written"),
    (
        "only blank lines",
        "a.txt",
        b"\n \n\t\r\n",
        "a.txt: expected data, found only blank lines; check how it was written",
    ),
    (
        "only a mark",
        "a.txt",
        b"\xef\xbb\xbf\n",
        "a.txt: expected data, found only blank lines; check how it was written",
    ),
    ("empty array", "a.json", b"[]", "a.json: expected rows, found none; check how it was written"),
    (
        "GBK",
        "a.txt",
        "一 O\n".encode() + "老 O\n".encode("gbk"),
        "a.txt:2: expected UTF-8, found the byte 0xc0 at byte 1 of the line; "
        "correct it, or name the encoding of the file, such as --encoding gb18030, big5 or cp1252",
    ),
    (
        "invalid byte in JSON",
        "a.json",
        lines(label({}), b'{"text": "\xff"}'),
        "a.json:2: expected UTF-8, found the byte 0xff at byte 11 of the line; "
        "correct it, or name the encoding of the file, such as --encoding gb18030, big5 or cp1252",
    ),
    (
        "NUL in columns",
        "a.txt",
        b"a O\n\0 O\n",
        "a.txt:2: expected text, found a NUL at character 1 of the line; remove it",
    ),
    (
        "NUL in JSON",
        "a.json",
        b'{"text": "\0"}',
        "a.json:1: expected text, found a NUL at character 11 of the line; remove it",
    ),
    (
        "truncated gzip",
        "a.json.gz",
        gzip.compress(label({}), mtime=0)[:-12],
        "a.json.gz: expected a complete gzip file, found: "
        "Compressed file ended before the end-of-stream marker was reached; copy or pack it again",
    ),
    (
        "gzip in name only",
        "a.json.gz",
        label({}),
        "a.json.gz: expected a complete gzip file, found: Not a gzipped file (b'{\"'); copy or pack it again",
    ),
    ("empty gzip", "a.gz", gzip.compress(b""), "a.gz: expected data, found an empty file; check how it was written"),
    (
        "no parquet",
        "a.parquet",
        b"PAR1 and no more",
        "a.parquet: expected a parquet file, found: Parquet magic bytes not found in footer. "
        "Either the file is corrupted or this is not a parquet file.; write or copy it again",
    ),
    *BAD_JSON,
    *BAD_COLUMNS,
]


def message_of(path, **options):
    with pytest.raises(DataError) as raised:
        read_ner(path, **options)
    return str(raised.value).replace(str(path), path.name).replace(str(path.parent), "FOLDER")


def test_table_has_forty_bad_files_each_with_a_name_of_its_own():
    assert len(BAD_FILES) >= 40
    assert len({row[0] for row in BAD_FILES}) == len(BAD_FILES)


@pytest.mark.parametrize(
    ("name", "content", "expected"), [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES]
)
def test_bad_file_gets_its_message(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)
    assert message_of(path) == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"), [row[1:] for row in BAD_FILES], ids=[row[0] for row in BAD_FILES]
)
def test_skipping_bad_lines_keeps_good_rows_or_fails_with_the_same_message(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)
    try:
        dataset = read_ner(path, skip_bad_lines=True)
    except DataError as error:
        assert str(error).replace(str(path), name) == expected
    else:
        assert len(dataset) > 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("trian.json", "trian.json: expected a file, found none; did you mean train.json?"),
        ("corpus.xml", "corpus.xml: expected a file, found none; no file in FOLDER has a similar name"),
        ("none/a.json", "a.json: expected a file, found none; there is no folder FOLDER either"),
        ("folder", "folder: expected a file, found a directory; name the file inside it"),
        (
            "train.json/a",
            "a: expected a file that can be read, found: [Errno 20] Not a directory: 'a'; check the path",
        ),
    ],
)
def test_path_that_is_no_file_gets_its_message(tmp_path, name, expected):
    (tmp_path / "train.json").write_bytes(label({}))
    (tmp_path / "folder").mkdir()
    assert message_of(tmp_path / name) == expected


@pytest.mark.parametrize("name", ["a\0b", "a" * 300])
def test_impossible_path_is_a_data_error(tmp_path, name):
    assert "expected a file that can be read, found: " in message_of(tmp_path / name)


def test_file_without_permission_gets_its_message(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_bytes(label({}))
    os.chmod(path, stat.S_IWUSR)
    if os.access(path, os.R_OK):  # an administrator may read everything

        def refuse(path):
            raise PermissionError

        monkeypatch.setattr(io, "FileIO", refuse)
    assert message_of(path) == "a.json: expected a file that can be read, found no permission; chmod u+r it"


def test_label_that_training_has_not_gets_its_message(tmp_path):
    path = tmp_path / "dev.json"
    path.write_bytes(lines(label({"nama": {"叶老桂": [[0, 2]]}}), label({"name": {"叶老桂": [[0, 2]]}})))
    assert message_of(path, entity_types=["name", "company"]) == (
        "dev.json:1: expected a label of the training data (company, name), found nama; rename it, or train on it too"
    )


def test_unknown_format_or_scheme_names_the_known_ones(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(label({}))
    assert message_of(path, file_format="conll") == (
        "expected the file format auto, cluener, spans, tokens, columns, brat, found conll; choose one of these"
    )
    assert message_of(path, scheme="iobes") == (
        "expected the tag scheme auto, bio, iob1, bios, bioes, bmes, bilou, io, found iobes; choose one of these"
    )


def test_named_scheme_is_held_against_the_tags(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(lines("一 B-X", "二 I-X"))
    assert message_of(path, scheme="bioes") == (
        "a.txt:2: expected I-X or E-X after I-X, found the end of the sequence; "
        "correct the tag, read it as conlleval does (--repair_tags), "
        "or name the scheme if it is not bioes (--file_scheme)"
    )


def test_parquet_with_other_columns_gets_its_message(tmp_path):
    path = tmp_path / "a.parquet"
    Dataset.from_dict({"sentences": [["a"]]}).to_parquet(path)
    assert message_of(path) == (
        "a.parquet: expected the columns text and entities, or tokens and ner_tags, found sentences; rename them"
    )
