"""Files of texts with classes that are wrong, and all that is said about them."""

import gzip
import json
import random

import pytest
from datasets import Dataset, Value

from utils.data.errors import DataError
from utils.data.readers_text import TextColumns, read_classes
from utils.data.text_rows import TEXT_KEYS

CASES = 440


def record(**keys):
    return json.dumps({"text": "很好", "label": "a"} | keys, ensure_ascii=False).encode()


def lines(*parts):
    return b"\n".join(part if isinstance(part, bytes) else part.encode() for part in parts) + b"\n"


FAQ = {"file_format": "faq"}
GOOD = "很好,a"
NO_TEXTS = f"expected a column of texts ({', '.join(TEXT_KEYS)}), found"
OPTIONS = "name the columns with --text_column, --text_pair_column, --label_column"

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
        "UTF-16",
        "a.csv",
        "text,label\n一,a\n".encode("utf-16"),
        {},
        "a.csv: expected UTF-8, found UTF-16; convert it: iconv -f utf-16 -t utf-8",
    ),
    (
        "GBK in a table",
        "a.csv",
        b"text,label\n" + "中文,a\n".encode("gbk"),
        {},
        "a.csv:2: expected UTF-8, found the byte 0xd6 at byte 1 of the line; "
        "if the file is GBK: iconv -f gb18030 -t utf-8",
    ),
    (
        "GBK in the header",
        "a.tsv",
        "文本\t标签\n".encode("gbk") + "一\ta\n".encode(),
        {},
        "a.tsv:1: expected UTF-8, found the byte 0xce at byte 1 of the line; "
        "if the file is GBK: iconv -f gb18030 -t utf-8",
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
        "a.csv.gz: expected a whole gzip file, found: "
        "Compressed file ended before the end-of-stream marker was reached; copy or pack it again",
    ),
    (
        "gzip in name only",
        "a.csv.gz",
        b"text,label\n",
        {},
        "a.csv.gz: expected a whole gzip file, found: Not a gzipped file (b'te'); copy or pack it again",
    ),
    (
        "no parquet",
        "a.parquet",
        b"PAR1 and no more",
        {},
        "a.parquet: expected a parquet file, found: Parquet magic bytes not found in footer. "
        "Either the file is corrupted or this is not a parquet file.; write or copy it again",
    ),
    # tables
    (
        "only a header",
        "a.csv",
        b"text,label\n",
        {},
        "a.csv: expected rows below the header, found none; check how it was written",
    ),
    (
        "cell missing",
        "a.csv",
        lines("text,label", GOOD, "很差"),
        {},
        "a.csv:3: expected 2 columns as in the header, found 1; quote texts with commas, and fill or remove cells",
    ),
    (
        "cell too many",
        "a.csv",
        lines("text,label", GOOD, "好,坏,a"),
        {},
        "a.csv:3: expected 2 columns as in the header, found 3; quote texts with commas, and fill or remove cells",
    ),
    (
        "tab in a text",
        "a.tsv",
        lines("text\tlabel", "好\t坏\ta"),
        {},
        "a.tsv:2: expected 2 columns as in the header, found 3; remove tabs from texts, and fill or remove cells",
    ),
    (
        "open quote",
        "a.csv",
        lines("text,label", GOOD, '"很差,b', GOOD),
        {},
        "a.csv:3: expected a quote that closes the cell, found none up to line 4; "
        'add it, or write "" for a quote that is text',
    ),
    (
        "open quote in the header",
        "a.csv",
        lines('text,"label', GOOD),
        {},
        "a.csv:1: expected a quote that closes the cell, found none up to line 2; "
        'add it, or write "" for a quote that is text',
    ),
    (
        "quote inside quotes",
        "a.csv",
        lines("text,label", '"first', 'a "good" one",a'),
        {},
        'a.csv:2: expected a comma behind the quote that closes a cell, found "good\\" one\\",a" in line 3; '
        'write "" for a quote that is text',
    ),
    (
        "column twice",
        "a.csv",
        lines("text,label,text", "a,b,c"),
        {},
        "a.csv:1: expected a name of its own for each column, found text twice; rename one",
    ),
    ("no known column", "a.csv", lines("a,b", "c,d"), {}, f"a.csv: {NO_TEXTS} a, b; {OPTIONS}"),
    ("semicolons", "a.csv", lines("text;label", "c;d"), {}, f"a.csv: {NO_TEXTS} text;label; {OPTIONS}"),
    (
        "unknown column of texts",
        "a.csv",
        lines("text,label", GOOD),
        {"columns": TextColumns(text="body")},
        "a.csv: expected the column body, found text, label; name one of these with --text_column",
    ),
    (
        "unknown column of second texts",
        "a.csv",
        lines("text,label", GOOD),
        {"columns": TextColumns(text_pair="body")},
        "a.csv: expected the column body, found text, label; name one of these with --text_pair_column",
    ),
    (
        "unknown column of labels",
        "a.json",
        record(),
        {"columns": TextColumns(label="sort")},
        "a.json: expected the column sort, found text, label; name one of these with --label_column",
    ),
    (
        "one column for two",
        "a.csv",
        lines("text,label", GOOD),
        {"columns": TextColumns(text="text", label="text")},
        "expected another column for --label_column, found text a second time; choose one",
    ),
    (
        "named column without a header",
        "a.txt",
        lines("很好\ta"),
        {"columns": TextColumns(text="body")},
        "a.txt: expected a first line with the names of columns (body), found none (it is read as tab); "
        "name the columns there, or leave out the options that name them",
    ),
    (
        "no text",
        "a.csv",
        lines("text,label", GOOD, ",b"),
        {},
        'a.csv:3: expected "text" that is not empty, found ""; delete the row',
    ),
    (
        "text of white space",
        "a.csv",
        lines("text,label", "\u3000 ,b"),
        {},
        'a.csv:2: expected "text" that is not empty, found "\u3000 "; delete the row',
    ),
    (
        "no label",
        "a.csv",
        lines("text,label", GOOD, "很差, "),
        {},
        'a.csv:3: expected "label" that is not empty, found " "; write the label, or delete the row',
    ),
    (
        "no second text",
        "a.csv",
        lines("text,text_pair,label", "一,二,a", "三,,b"),
        {},
        'a.csv:3: expected "text_pair" that is not empty, found ""; delete the row, '
        "or read the first text alone: --text_pair_column none",
    ),
    (
        "id twice",
        "a.csv",
        lines("id,text,label", "x,一,a", "x,二,a", "x,三,a"),
        {},
        'a.csv:3: expected an id of its own, found "x" as in line 2; change one\n'
        'a.csv:4: expected an id of its own, found "x" as in line 2; change one',
    ),
    (
        "empty part of a label",
        "a.csv",
        lines("text,label", "一,a|b", "二,a||b"),
        {"label_separator": "|"},
        'a.csv:3: expected "label" that is not empty, found "a||b"; write the label, or delete the row',
    ),
    # lines without a header
    (
        "label missing",
        "a.txt",
        lines("一\ta", "二", "三\tb"),
        {},
        'a.txt:2: expected 2 fields (text, label) as on most lines, apart by a tab, found 1: "二"; correct the line',
    ),
    (
        "four columns",
        "a.txt",
        lines("一\t二\t三\ta"),
        {},
        'a.txt:1: expected 1, 2 or 3 fields, apart by a tab, found 4: "一\\t二\\t三\\ta"; correct the line',
    ),
    (
        "four columns among two",
        "a.tsv",
        lines("一\ta", "一\t二\t三\ta"),
        {},
        "a.tsv:2: expected 2 fields (text, label) as on most lines, apart by a tab, found 4: "
        '"一\\t二\\t三\\ta"; correct the line',
    ),
    (
        "second text missing",
        "a.txt",
        lines("一\t二\ta", "三\tb", "一\t四\ta"),
        {},
        "a.txt:2: expected 3 fields (text, text_pair, label) as on most lines, apart by a tab, found 2: "
        '"三\\tb"; correct the line',
    ),
    (
        "no label behind the tab",
        "a.txt",
        lines("一\ta", "二\t"),
        {},
        'a.txt:2: expected "label" that is not empty, found ""; write the label, or delete the row',
    ),
    (
        "mark too many",
        "a.txt",
        lines("一_!_a", "二_!_三_!_四_!_b"),
        {},
        "a.txt:2: expected 2 fields (text, label) as on most lines, apart by _!_, found 4: "
        '"二_!_三_!_四_!_b"; correct the line',
    ),
    (
        "marks of no form",
        "a.txt",
        lines("一_!_二_!_三_!_四"),
        {},
        'a.txt:1: expected 2, 3 or 5 fields, apart by _!_, found 4: "一_!_二_!_三_!_四"; correct the line',
    ),
    (
        "marked line without keywords",
        "a.txt",
        lines("1_!_100_!_news_!_一_!_", "2_!_100_!_news_!_二"),
        {},
        "a.txt:2: expected 5 fields (id, code, label, text, keywords) as on most lines, apart by _!_, found 4: "
        '"2_!_100_!_news_!_二"; correct the line',
    ),
    (
        "marked id twice",
        "a.txt",
        lines("1_!_100_!_news_!_一_!_", "1_!_100_!_news_!_二_!_"),
        {},
        'a.txt:2: expected an id of its own, found "1" as in line 1; change one',
    ),
    (
        "no question",
        "a.txt",
        lines("文化局 電影節", "", "交通局 "),
        FAQ,
        'a.txt:3: expected an answer, white space and a question, found "交通局 "; add what is missing',
    ),
    # JSON
    (
        "no JSON",
        "a.json",
        lines(record(), "text"),
        {},
        "a.json:2: expected a JSON object on one line, found no JSON: Expecting value at column 1; repair the line",
    ),
    (
        "array that is cut",
        "a.json",
        b"[\n" + record(),
        {},
        "a.json:2: expected a comma or ] to end the array, found the end of the file; repair the array",
    ),
    (
        "array of strings",
        "a.json",
        b'[{"text": "a"},\n"b"]',
        {},
        'a.json:2: expected a JSON object, found "b"; write each row as {...}',
    ),
    ("empty array", "a.json", b"[]", {}, "a.json: expected rows, found none; check how it was written"),
    ("empty objects", "a.json", b"{}\n{}\n", {}, f"a.json: {NO_TEXTS} none; {OPTIONS}"),
    ("no key of texts", "a.json", b'{"body": "a"}', {}, f"a.json: {NO_TEXTS} body; {OPTIONS}"),
    (
        "no text in one object",
        "a.json",
        lines(record(), '{"label": "a"}'),
        {},
        'a.json:2: expected "text": a string, found no such key; write the text in quotes',
    ),
    (
        "number as text",
        "a.json",
        lines(record(text=5), record(text=None)),
        {},
        'a.json:1: expected "text": a string, found 5; write the text in quotes\n'
        'a.json:2: expected "text": a string, found null; write the text in quotes',
    ),
    (
        "object as text",
        "a.json",
        record(text={"zh": "好"}),
        {},
        'a.json:1: expected "text": a string, found {"zh": "好"}; write the text in quotes',
    ),
    (
        "tokens as text",
        "a.json",
        record(text=["很", "好"]),
        {},
        'a.json:1: expected "text": a string, found ["很", "好"]; write the text in quotes',
    ),
    (
        "half a surrogate pair",
        "a.json",
        b'{"text": "a\\ud83d", "label": "a"}',
        {},
        'a.json:1: expected "text" in Unicode, found half of a surrogate pair; repair the escapes',
    ),
    (
        "half a surrogate pair in a label",
        "a.json",
        b'{"text": "a", "label": "\\ud83d"}',
        {},
        'a.json:1: expected "label": a name, a number, or a list of these, found "\\ud83d"; write it so',
    ),
    (
        "pair with one side",
        "a.json",
        lines(record(text_pair="二"), record()),
        {},
        'a.json:2: expected "text_pair": a second text as in other lines, found none; add it, or delete the row',
    ),
    (
        "numbers among keywords",
        "a.json",
        record(keyword=["一", 2]),
        {},
        'a.json:1: expected "keyword": a string, found ["一", 2]; write the text in quotes',
    ),
    (
        "no keywords",
        "a.json",
        record(keyword=[]),
        {},
        'a.json:1: expected "keyword" that is not empty, found []; delete the row, '
        "or read the first text alone: --text_pair_column none",
    ),
    (
        "no label in one object",
        "a.json",
        lines(record(), '{"text": "一"}', record(label=None)),
        {},
        "a.json:2: expected a label as in other lines, found none; add it\n"
        "a.json:3: expected a label as in other lines, found none; add it",
    ),
    (
        "no list of labels in one object",
        "a.json",
        lines(record(label=["a"]), '{"text": "一"}'),
        {},
        "a.json:2: expected a label as in other lines, found none; add it, [] for none",
    ),
    (
        "empty label",
        "a.json",
        lines(record(), record(label="")),
        {},
        'a.json:2: expected "label" that is not empty, found ""; write the label, or delete the row',
    ),
    (
        "empty label in a list",
        "a.json",
        record(label=["a", ""]),
        {},
        'a.json:1: expected "label" that is not empty, found ["a", ""]; write the label, or delete the row',
    ),
    (
        "object as label",
        "a.json",
        lines(record(), record(label={"a": 1})),
        {},
        'a.json:2: expected "label": a name, a number, or a list of these, found {"a": 1}; write it so',
    ),
    (
        "list in a list of labels",
        "a.json",
        record(label=[["a"]]),
        {},
        'a.json:1: expected "label": a name, a number, or a list of these, found [["a"]]; write it so',
    ),
    (
        "infinite label",
        "a.json",
        b'{"text": "a", "label": Infinity}',
        {},
        'a.json:1: expected "label": a name, a number, or a list of these, found Infinity; write it so',
    ),
    (
        "one list among labels",
        "a.json",
        lines(record(), record(label=["b"]), record()),
        {},
        'a.json:2: expected one label as in line 1, found ["b"]; write all as lists, or none',
    ),
    (
        "one label among lists",
        "a.json",
        lines(record(label="b"), record(label=["a"]), record(label=[])),
        {},
        'a.json:1: expected a list of labels as in line 2, found "b"; write ["..."]',
    ),
    (
        "id twice in JSON",
        "a.json",
        lines(record(guid="x"), record(guid="x")),
        {},
        'a.json:2: expected an id of its own, found "x" as in line 1; change one',
    ),
    (
        "id of a row number",
        "a.json",
        lines(record(id="1"), record()),
        {},
        'a.json:2: expected an id of its own, found "1" as in line 1; change one',
    ),
    (
        "id that is a list",
        "a.json",
        record(id=[1]),
        {},
        'a.json:1: expected "id": a string or an integer, found [1]; write it so, or leave it out',
    ),
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


def test_first_twenty_errors_are_shown_with_the_count(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "a\n" * 25)
    shown = message_of(path).split("\n")
    assert len(shown) == 21
    assert shown[-1] == "... 25 errors in all, the first 20 are shown"


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
     "names.txt:3: expected a name of its own, found 财经 as in line 1; change one"),
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


# Damage


def good_files(folder):
    """One small file of each format, by name, with the options to read it."""
    rows = [("很好, 真的", "二", "a"), ('6" nails', "三", "b"), ("一\n二", "四", "a")]
    records = [{"text": text, "text_pair": pair, "label": label} for text, pair, label in rows]
    flat = [(text.replace("\n", " "), label) for text, _, label in rows]
    files = {
        "a.csv": 'id,text,label\n0,"很好, 真的",a\n1,"6"" nails",b\n2,"一\n二",a\n',
        "a.tsv": 'sentence\tlabel\n很好\ta\n"6"" nails"\tb\n',
        "lines.jsonl": "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in records),
        "array.json": json.dumps([{"text": text, "labels": [label, "z"]} for text, label in flat], indent=1),
        "csl.json": json.dumps({"id": 7, "abst": "很好", "keyword": ["一", "二"], "label": 1}) + "\n",
        "tab.txt": "".join(f"{text}\t{label}\n" for text, label in flat),
        "pair.txt": "".join(f"{text}\tb\t{label}\n" for text, label in flat),
        "marked.txt": "".join(f"{number}_!_100_!_{label}_!_{text}_!_\n" for number, (text, label) in enumerate(flat)),
        "faq.txt": "".join(f"{label} {text}\n" for text, label in flat),
    }
    contents = {name: text.encode() for name, text in files.items()}
    contents["a.csv.gz"] = gzip.compress(contents["a.csv"], mtime=0)
    Dataset.from_list(records).to_parquet(folder / "a.parquet")
    contents["a.parquet"] = (folder / "a.parquet").read_bytes()
    return contents


def options_of(name):
    return FAQ if name == "faq.txt" else {}


def damage(content, draw):
    """Flip, cut or insert bytes, once or twice."""
    content = bytearray(content)
    for _ in range(draw.randint(1, 2)):
        start = draw.randrange(len(content) + 1)
        stop = min(start + draw.randint(1, 8), len(content))
        kind = draw.choice(["flip", "cut", "end", "insert", "structure"])
        if kind == "flip" and start < stop:
            content[start] ^= 1 << draw.randrange(8)
        elif kind == "cut":
            del content[start:stop]
        elif kind == "end":
            del content[max(start, len(content) // 2) :]
        elif kind == "insert":
            content[start:start] = draw.randbytes(draw.randint(1, 4))
        elif kind == "structure":
            content[start:start] = draw.choice(
                [b"[", b"{", b'"', b'""', b",", b"\n", b"\t", b" ", b"\0", b"_!_", b"\\ud800", b"null", b"9" * 20]
            )
    return bytes(content)


def check(dataset):
    """What the reader lets through keeps its contract."""
    assert len(set(dataset["id"])) == len(dataset) > 0
    assert list(dataset.column_names) == [
        name for name in ("id", "text", "text_pair", "label", "labels") if name in dataset.column_names
    ]
    for name, feature in dataset.features.items():
        assert (feature.feature if name == "labels" else feature) == Value("string")
    for row in dataset:
        assert row["text"].strip()
        assert row.get("text_pair", "a").strip()
        assert all(label == label.strip() != "" for label in row.get("labels", [row.get("label", "a")]))


def test_good_files_are_read(tmp_path):
    files = good_files(tmp_path)
    assert len(files) == 11
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
        dataset = read_classes(tmp_path / name, **options_of(name))
        check(dataset)
        assert {"label", "labels"} & set(dataset.column_names), name


@pytest.mark.parametrize("skip_bad_lines", [False, True])
def test_damaged_file_gives_a_data_set_or_a_data_error(tmp_path, skip_bad_lines):
    files = good_files(tmp_path)
    draw = random.Random(int(skip_bad_lines))
    outcomes = {"read": 0, "refused": 0}
    for case in range(CASES // 2):
        name = sorted(files)[case % len(files)]
        path = tmp_path / name
        path.write_bytes(damage(files[name], draw))
        try:
            check(read_classes(path, skip_bad_lines=skip_bad_lines, **options_of(name)))
            outcomes["read"] += 1
        except DataError as error:
            str(error).encode("utf-8")
            assert str(error).startswith(str(path))
            outcomes["refused"] += 1
        except BaseException as error:
            error.add_note(f"case {case}: {name} {path.read_bytes()!r}")
            raise
    assert min(outcomes.values()) > 10, outcomes  # the damage is neither harmless nor always fatal
