"""Files that are wrong, and all that is said about them."""

import gzip
import json
import os
import stat
from pathlib import Path

import pytest
from datasets import Dataset

from utils.data.errors import DataError
from utils.data.readers_ner import read_ner


def record(**keys):
    return json.dumps({"text": "叶老桂在浙商银行"} | keys, ensure_ascii=False).encode()


def label(value):
    return record(label=value)


def lines(*parts):
    return b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts) + b"\n"


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
        "UTF-16",
        "a.txt",
        "一 O".encode("utf-16"),
        "a.txt: expected UTF-8, found UTF-16; convert it: iconv -f utf-16 -t utf-8",
    ),
    (
        "GBK",
        "a.txt",
        "一 O\n".encode() + "老 O\n".encode("gbk"),
        "a.txt:2: expected UTF-8, found the byte 0xc0 at byte 1 of the line; "
        "if the file is GBK: iconv -f gb18030 -t utf-8",
    ),
    (
        "invalid byte in JSON",
        "a.json",
        lines(label({}), b'{"text": "\xff"}'),
        "a.json:2: expected UTF-8, found the byte 0xff at byte 11 of the line; "
        "if the file is GBK: iconv -f gb18030 -t utf-8",
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
        "a.json.gz: expected a whole gzip file, found: "
        "Compressed file ended before the end-of-stream marker was reached; copy or pack it again",
    ),
    (
        "gzip in name only",
        "a.json.gz",
        label({}),
        "a.json.gz: expected a whole gzip file, found: Not a gzipped file (b'{\"'); copy or pack it again",
    ),
    ("empty gzip", "a.gz", gzip.compress(b""), "a.gz: expected data, found an empty file; check how it was written"),
    (
        "no parquet",
        "a.parquet",
        b"PAR1 and no more",
        "a.parquet: expected a parquet file, found: Parquet magic bytes not found in footer. "
        "Either the file is corrupted or this is not a parquet file.; write or copy it again",
    ),
    # JSON
    (
        "no JSON",
        "a.json",
        lines(label({}), "text"),
        "a.json:2: expected a JSON object on one line, found no JSON: Expecting value at column 1; repair the line",
    ),
    (
        "cut JSON",
        "a.json",
        b'{"text": "a", ',
        "a.json:1: expected a JSON object on one line, found no JSON: "
        "Expecting property name enclosed in double quotes at column 15; repair the line",
    ),
    (
        "two objects on a line",
        "a.jsonl",
        label({}) * 2,
        "a.jsonl:1: expected a JSON object on one line, found no JSON: Extra data at column 34; repair the line",
    ),
    (
        "deep nesting",
        "a.json",
        b'{"text":' * 100000,
        "a.json:1: expected a JSON object on one line, found no JSON: it is nested too deeply; repair the line",
    ),
    (
        "a number",
        "a.json",
        lines(label({}), "5"),
        "a.json:2: expected a JSON object, found 5; write each row as {...}",
    ),
    (
        "strings in an array",
        "a.json",
        b'[\n"one",\n"two"]',
        'a.json:2: expected a JSON object, found "one"; write each row as {...}\n'
        'a.json:3: expected a JSON object, found "two"; write each row as {...}',
    ),
    (
        "array that is cut",
        "a.json",
        b"[\n" + label({}),
        "a.json:2: expected a comma or ] to end the array, found the end of the file; repair the array",
    ),
    (
        "array with a comma too many",
        "a.json",
        b"[\n" + label({}) + b",\n]",
        "a.json:3: expected a JSON object in the array, found no JSON: Expecting value at column 1; repair the array",
    ),
    (
        "array and more",
        "a.json",
        b"[" + label({}) + b"]\n{}",
        'a.json:1: expected a comma or ] to end the array, found "]\\n{}"; repair the array',
    ),
    (
        "no text",
        "a.json",
        lines(label({}), '{"label": {}}'),
        'a.json:2: expected "text": a string, found no such key; add the text',
    ),
    (
        "text that is a list",
        "a.json",
        lines('{"text": ["a"], "label": {}}'),
        'a.json:1: expected "text": a string, found ["a"]; add the text',
    ),
    (
        "empty text",
        "a.json",
        lines('{"text": "", "label": {}}'),
        'a.json:1: expected "text" that is not empty, found ""; delete the row',
    ),
    (
        "half a surrogate pair",
        "a.json",
        lines('{"text": "a\\ud83d", "label": {}}'),
        "a.json:1: expected text in Unicode, found half of a surrogate pair; repair the escapes",
    ),
    (
        "half a surrogate pair in a label",
        "a.json",
        lines('{"text": "a", "entities": [[0, 1, "\\ud83d"]]}'),
        'a.json:1: expected a label that is a name, found "\\ud83d"; name the entity type',
    ),
    (
        "no labels on one line",
        "a.json",
        lines(label({}), record()),
        "a.json:2: expected labels as in other lines, found none; add them, empty for no entities",
    ),
    # cluener
    (
        "label that is a list",
        "a.json",
        lines(label({"name": {}}), label([])),
        'a.json:2: expected {type: {word: [[start, end], ...]}} "label", found []; write {} for no entities',
    ),
    (
        "words that are a list",
        "a.json",
        label({"name": ["叶老桂"]}),
        'a.json:1: expected {word: [[start, end], ...]} under "name", found ["叶老桂"]; write {} for no entities',
    ),
    (
        "places that are flat",
        "a.json",
        label({"name": {"叶老桂": [0, 2]}}),
        'a.json:1: expected [[start, end], ...] under "叶老桂", found [0, 2]; write them so',
    ),
    (
        "offsets that are floats",
        "a.json",
        label({"name": {"叶老桂": [[0.0, 2]]}}),
        "a.json:1: expected integer offsets of the name entity, found [0.0, 2]; count characters from 0",
    ),
    (
        "offsets that are booleans",
        "a.json",
        label({"name": {"叶老桂": [[False, 2]]}}),
        "a.json:1: expected integer offsets of the name entity, found [false, 2]; count characters from 0",
    ),
    (
        "start behind end",
        "a.json",
        label({"name": {"叶老桂": [[2, 0]]}}),
        "a.json:1: expected start <= end, end inclusive, of the name entity, found [2, 0]; correct the offsets",
    ),
    (
        "end behind the text",
        "a.json",
        label({"company": {"浙商银行": [[4, 8]]}}),
        "a.json:1: expected the company entity inside the text of 8 characters, found [4, 8], end inclusive; "
        "correct the offsets",
    ),
    (
        "start before the text",
        "a.json",
        label({"name": {"叶老桂": [[-1, 2]]}}),
        "a.json:1: expected the name entity inside the text of 8 characters, found [-1, 2], end inclusive; "
        "correct the offsets",
    ),
    (
        "word at another place",
        "a.json",
        label({"company": {"浙商银行": [[3, 6]]}}),
        'a.json:1: expected "浙商银行" at [3, 6] for the company entity, found "在浙商银"; '
        "the word is at [4, 7]: correct the offsets",
    ),
    (
        "word that the text has not",
        "a.json",
        label({"name": {"叶老柱": [[0, 2]]}}),
        'a.json:1: expected "叶老柱" at [0, 2] for the name entity, found "叶老桂"; '
        "the text has no such word: correct the word or the text",
    ),
    (
        "label without a name",
        "a.json",
        label({"": {"叶老桂": [[0, 2]]}}),
        'a.json:1: expected a label that is a name, found ""; name the entity type',
    ),
    (
        "several faults in one line",
        "a.json",
        label({"name": {"叶老桂": [[0, 9]]}, "company": {"浙商银行": [["4", 7]]}}),
        'a.json:1: expected integer offsets of the company entity, found ["4", 7]; count characters from 0\n'
        "a.json:1: expected the name entity inside the text of 8 characters, found [0, 9], end inclusive; "
        "correct the offsets",
    ),
    # spans
    (
        "entities that are a dict",
        "a.json",
        lines(record(entities=[]), record(entities={})),
        'a.json:2: expected a list under "entities", found {}; write [] for no entities',
    ),
    (
        "entity of two items",
        "a.json",
        record(entities=[[0, 3]]),
        'a.json:1: expected {"start", "end", "label"} or [start, end, label], found [0, 3]; write it so',
    ),
    (
        "entity without an end",
        "a.json",
        record(entities=[{"start": 0, "label": "X"}]),
        'a.json:1: expected {"start", "end", "label"} or [start, end, label], '
        'found {"start": 0, "label": "X"}; write it so',
    ),
    (
        "empty span",
        "a.json",
        record(entities=[[3, 3, "X"]]),
        "a.json:1: expected start < end, end exclusive, of the X entity, found [3, 3]; correct the offsets",
    ),
    (
        "span behind the text",
        "a.json",
        record(entities=[[4, 9, "X"]]),
        "a.json:1: expected the X entity inside the text of 8 characters, found [4, 9], end exclusive; "
        "correct the offsets",
    ),
    (
        "span with another word",
        "a.json",
        record(entities=[{"start": 0, "end": 2, "label": "X", "text": "桂"}]),
        'a.json:1: expected "桂" at [0, 2] for the X entity, found "叶老"; the word is at [2, 3]: correct the offsets',
    ),
    (
        "label that is a number",
        "a.json",
        record(entities=[[0, 3, 7]]),
        "a.json:1: expected a label that is a name, found 7; name the entity type",
    ),
    # ids
    (
        "id twice",
        "a.json",
        lines(record(id="x"), record(id="y"), record(id="x")),
        'a.json:3: expected an id of its own, found "x" as in line 1; change one',
    ),
    (
        "id of a row number",
        "a.json",
        lines(record(id="1"), record()),
        'a.json:2: expected an id of its own, found "1" as in line 1; change one',
    ),
    (
        "id that is a list",
        "a.json",
        record(id=[1]),
        'a.json:1: expected "id": a string or an integer, found [1]; write it so, or leave it out',
    ),
    # tokens
    (
        "tokens in one string",
        "a.json",
        lines('{"tokens": "a b", "tags": ["O", "O"]}'),
        'a.json:1: expected "tokens": a list of strings, found "a b"; write them so\n'
        "a.json:1: expected a tag for each token, found 0 tokens and 2 tags; make them equal",
    ),
    (
        "empty token",
        "a.json",
        lines('{"tokens": ["a", ""], "tags": ["O", "O"]}'),
        'a.json:1: expected tokens that are not empty, found ["a", ""]; remove what is empty, with its tag',
    ),
    (
        "more tokens than tags",
        "a.json",
        lines('{"tokens": ["a", "b"], "ner_tags": ["O"]}'),
        "a.json:1: expected a tag for each token, found 2 tokens and 1 tags; make them equal",
    ),
    (
        "tags by number",
        "a.json",
        lines('{"tokens": ["a"], "ner_tags": [0]}'),
        'a.json:1: expected "ner_tags": a list of strings, found [0]; write tags by name, as "B-PER"',
    ),
    (
        "broken tags in a list",
        "a.json",
        lines('{"tokens": ["a", "b"], "tags": ["B-X", "O"]}', '{"tokens": ["a", "b"], "tags": ["O", "I-X"]}'),
        "a.json:2: tag 2: expected B-X to begin the entity, found I-X after O; "
        "correct the tag, or name the scheme if it is not bio",
    ),
    # columns
    (
        "no tag",
        "a.txt",
        lines("一 O", "二"),
        'a.txt:2: expected 2 columns apart by a space, found 1: "二"; write a token and its tag',
    ),
    (
        "plain text",
        "a.txt",
        lines("一二三。", "四五六。"),
        'a.txt:1: expected 2 columns apart by a tab, found 1: "一二三。"; write a token and its tag\n'
        'a.txt:2: expected 2 columns apart by a tab, found 1: "四五六。"; write a token and its tag',
    ),
    (
        "column too many",
        "a.txt",
        lines("EU NNP B-ORG", "call NN O", "the new DT O"),
        'a.txt:3: expected 3 columns apart by a space, found 4: "the new DT O"; write a token and its tag',
    ),
    (
        "no token",
        "a.tsv",
        lines("一\tO", "\tO"),
        'a.tsv:2: expected a token and its tag, found "\\tO"; fill the empty column',
    ),
    (
        "no tag behind the tab",
        "a.tsv",
        lines("一\tO", "二\t"),
        'a.tsv:2: expected a token and its tag, found "二\\t"; fill the empty column',
    ),
    (
        "space among tabs",
        "a.txt",
        lines("一\tO", "二\tO", "三 O"),
        "a.txt:3: expected a tab between the columns as on most lines, found a space; use one of them throughout",
    ),
    (
        "tab among spaces",
        "a.txt",
        lines("一 O", "二 O", "三\tO"),
        "a.txt:3: expected a space between the columns as on most lines, found a tab; use one of them throughout",
    ),
    (
        "open quote",
        "a.csv",
        lines("一,O", '",O'),
        'a.csv:2: expected 2 columns apart by a comma, found 1: ",O"; write a token and its tag',
    ),
    (
        "broken sequence",
        "a.txt",
        lines("一 B-X", "二 I-Y", "三 I-Y"),
        "a.txt:2: expected B-Y to begin the entity, found I-Y after B-X; "
        "correct the tag, or name the scheme if it is not bio",
    ),
    (
        "entity cut by a blank line",
        "a.txt",
        lines("一 B-X", "二 M-X", "", "三 E-X", "", "四 B-X", "五 M-X", "六 E-X"),
        "a.txt:2: expected M-X or E-X after M-X, found the end of the sequence; "
        "correct the tag, or name the scheme if it is not bmes\n"
        "a.txt:4: expected B-X to begin the entity, found E-X at the start of the sequence; "
        "correct the tag, or name the scheme if it is not bmes",
    ),
    (
        "unknown prefix",
        "a.txt",
        lines("一 B-X", "二 X-PER", "三 PER", "四 B-"),
        "a.txt:2: expected O or a label after one of B-, I-, found 'X-PER'; "
        "correct the tag, or name the scheme if it is not bio\n"
        "a.txt:3: expected O or a label after one of B-, I-, found 'PER'; "
        "correct the tag, or name the scheme if it is not bio\n"
        "a.txt:4: expected O or a label after one of B-, I-, found 'B-'; "
        "correct the tag, or name the scheme if it is not bio",
    ),
    (
        "nothing but document marks",
        "a.txt",
        lines("-DOCSTART- O", ""),
        "a.txt: expected sentences, found only -DOCSTART- lines; check how it was written",
    ),
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
        ("corpus.xml", "corpus.xml: expected a file, found none; no file in FOLDER has a name like it"),
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

        def refuse(self):
            raise PermissionError

        monkeypatch.setattr(Path, "read_bytes", refuse)
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
        "expected the file format auto, cluener, spans, columns, tokens, found conll; choose one of these"
    )
    assert message_of(path, scheme="iobes") == (
        "expected the tag scheme auto, bio, iob1, bios, bioes, bmes, bilou, found iobes; choose one of these"
    )


def test_named_scheme_is_held_against_the_tags(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(lines("一 B-X", "二 I-X"))
    assert message_of(path, scheme="bioes") == (
        "a.txt:2: expected I-X or E-X after I-X, found the end of the sequence; "
        "correct the tag, or name the scheme if it is not bioes"
    )


def test_parquet_with_other_columns_gets_its_message(tmp_path):
    path = tmp_path / "a.parquet"
    Dataset.from_dict({"words": [["a"]]}).to_parquet(path)
    assert message_of(path) == (
        "a.parquet: expected the columns text and entities, or tokens and ner_tags, found words; rename them"
    )
