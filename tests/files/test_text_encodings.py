"""Encodings that are not UTF-8: recognised where that is sure, else named, in every reader."""

import gzip
import json
import random

import pytest

from tests.reading.written_files import json_lines, write
from utils.data.errors import DataError
from utils.files.raw_files import open_bytes
from utils.files.text_encodings import find_encoding
from utils.reading.class_readers import read_classes
from utils.reading.readers_corpus import read_documents
from utils.reading.readers_qa import read_qa
from utils.reading.remembered_reading import Reading
from utils.reading.text_stream import read_texts
from utils.tagging.readers_ner import read_ner

SIMPLIFIED = "我们在北京的大学里学习中文，这里的老师很好。"
TRADITIONAL = "我們在臺北的大學裡學習中文，這裡的老師很好。"
KOREAN = "나는 오늘 학교에 갔습니다. 친구들과 함께 점심을 먹고 도서관에서 책을 읽었습니다. 날씨가 매우 좋았습니다."
JAPANESE = "私は今日学校に行きました。友達と一緒に昼ご飯を食べて、図書館で本を読みました。天気がとても良かったです。"

# encoding of the bytes | their text | what it is told to be
RECOGNISED = [
    ("gb18030", SIMPLIFIED, "GB18030"),
    ("gbk", SIMPLIFIED, "GB18030"),
    ("gb2312", SIMPLIFIED, "GB18030"),
    ("big5", TRADITIONAL, "Big5"),
    ("cp950", TRADITIONAL, "Big5"),
    ("utf-16", SIMPLIFIED, "UTF-16"),
    ("utf-16-le", SIMPLIFIED, "UTF-16"),
    ("utf-16-be", SIMPLIFIED, "UTF-16"),
    ("utf-32", SIMPLIFIED, "UTF-32"),
    ("utf-8-sig", SIMPLIFIED, "UTF-8"),
    ("utf-8", TRADITIONAL, "UTF-8"),
]


@pytest.mark.parametrize(("encoding", "text", "name"), RECOGNISED)
@pytest.mark.parametrize("packed", [False, True])
def test_encoding_is_recognised_in_training_and_prediction_alike(tmp_path, encoding, text, name, packed):
    content = f"text,label\n{text},a\nthe end,b\n".encode(encoding)
    assert find_encoding(content).name == name
    path = write(tmp_path / "a.csv.gz", gzip.compress(content)) if packed else write(tmp_path / "a.csv", content)
    assert read_classes(path)["text"][:] == [text, "the end"]
    assert [found for _, found in read_texts(str(path))] == [text, "the end"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    [
        "质量太差了，退货\t负面\n很满意\t正面\n" * 20,
        "第一，最后一页一万元。\n",
        "一个人\n最好\n",
        "text\tlabel\n物流很快，味道也好，下次还买，一件不退\ta\n",
    ],
    ids=["many NULs in characters", "few line feeds", "short", "header"],
)
def test_chinese_utf_16_is_recognised_though_characters_have_a_byte_of_zero(encoding, text):
    content = text.encode(encoding)
    assert find_encoding(content).codec == encoding
    assert find_encoding((text * 9).encode(encoding)[:-1]).codec == encoding  # a sample may end within a character


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("euc-kr", KOREAN),
        ("shift-jis", JAPANESE),
        ("euc-jp", JAPANESE),
        ("cp1252", "It’s a café"),
        ("cp1251", "Привет"),
    ],
)
def test_encoding_that_cannot_be_told_is_named_by_the_user(tmp_path, encoding, text):
    path = write(tmp_path / "a.txt", f"{text}\n".encode(encoding) * 3)
    with pytest.raises(
        DataError, match=r"a\.txt:1: expected UTF-8, found the byte .*; correct it, or name the encoding"
    ):
        read_classes(path)
    with pytest.raises(
        DataError, match=r"a\.txt:1: expected UTF-8, found the byte .*--encoding gb18030, big5 or cp12"
    ):
        list(read_texts(str(path)))
    assert read_classes(path, encoding=encoding)["text"][:] == [text] * 3
    assert [found for _, found in read_texts(str(path), reading=Reading(encoding=encoding))] == [text] * 3


def test_single_lines_of_either_script_are_told_apart():
    draw = random.Random(0)
    for text, encoding, codec in ((SIMPLIFIED, "gbk", "gb18030"), (TRADITIONAL, "big5", "cp950")):
        for _ in range(50):
            line = "".join(draw.sample(text, 12))
            assert find_encoding(line.encode(encoding)).codec == codec, line


@pytest.mark.parametrize("content", [b"\xff\n", "很好\n".encode() * 9 + b"\xff\n", "很好\n".encode()[:-2], b"a\0b\n"])
def test_damaged_utf_8_is_nothing_else(content):
    assert find_encoding(content).codec == "utf-8"


def test_beginning_that_is_cut_within_a_character_tells_as_the_whole():
    for text, encoding in ((SIMPLIFIED, "gbk"), (TRADITIONAL, "big5"), (SIMPLIFIED, "utf-8")):
        content = (text * 9).encode(encoding)
        assert len({find_encoding(content[:count]) for count in range(60, 70)}) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04rest", "found an Excel table or a zip archive; save it as CSV, or unpack it"),
        (b"\xd0\xcf\x11\xe0rest", "found an Excel table; save it as CSV"),
        (b"%PDF-1.7", "found a PDF; export its text"),
        (b"PAR1rest", "found parquet; name it .parquet, or give --file_format parquet"),
    ],
)
def test_file_that_is_no_text_is_told_for_what_it_is(tmp_path, content, message):
    path = write(tmp_path / "a.csv", content)
    for read in (read_classes, read_ner, read_qa, lambda path: list(read_texts(str(path)))):
        with pytest.raises(DataError, match=message):
            read(path)


# Every reader


def test_every_reader_takes_every_encoding(tmp_path):
    ner = write(tmp_path / "ner.txt", "".join(f"{one} O\n" for one in SIMPLIFIED).encode("gbk"))
    assert read_ner(ner)["text"][:] == [SIMPLIFIED]
    passage = {"question": "哪里？", "context": SIMPLIFIED, "answers": [{"text": "北京", "answer_start": 3}]}
    qa = write(tmp_path / "qa.json", json.dumps({**passage}, ensure_ascii=False).encode("gbk"))
    assert read_qa(qa)["context"][:] == [SIMPLIFIED]
    corpus = write(tmp_path / "corpus.txt", f"{TRADITIONAL}\n\n{TRADITIONAL}\n".encode("big5"))
    assert list(read_documents([str(corpus)])) == [TRADITIONAL] * 2
    text = "It’s a café\n\nnaïve\n"
    corpus = write(tmp_path / "latin.txt", text.encode("cp1252"))
    assert list(read_documents([str(corpus)], encoding="cp1252")) == ["It’s a café", "naïve"]
    for read in (read_ner, read_qa, read_classes):
        with pytest.raises(DataError, match="--encoding klingon: expected one that Python knows"):
            read(ner, encoding="klingon")


def test_standard_input_is_utf_8_but_for_a_mark_or_a_name(feed):
    feed(f"{SIMPLIFIED}\n".encode("utf-16") * 1)
    assert list(read_texts("-")) == [("0", SIMPLIFIED)]
    feed(f"{SIMPLIFIED}\n".encode("gbk"))
    with pytest.raises(DataError, match="standard input:1: expected UTF-8"):
        list(read_texts("-"))
    feed(f"{SIMPLIFIED}\n".encode("gbk"))
    assert list(read_texts("-", reading=Reading(encoding="gbk"))) == [("0", SIMPLIFIED)]


def test_file_of_another_encoding_is_closed_by_who_opened_it(tmp_path):
    path = write(tmp_path / "a.txt", "一\n二\n".encode("utf-16"))
    assert [text for _, text in read_texts(str(path))] == ["一", "二"]
    with open_bytes(str(path)) as file:
        assert file.read(2) == b"\xff\xfe"


# Carriage returns


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_lines_may_end_at_carriage_returns_alone(tmp_path, name):
    rows = [{"text": "一", "label": "a"}, {"text": "二", "label": "b"}]
    content = {"a.csv": "text,label\n一,a\n二,b\n", "a.json": json_lines(rows)}[name]
    path = write(tmp_path / name, content.replace("\n", "\r"))
    assert read_classes(path).to_list() == [{"id": str(i)} | row for i, row in enumerate(rows)]
    assert list(read_texts(str(path))) == [("0", "一"), ("1", "二")]


def test_carriage_returns_of_gbk_and_utf_16_are_line_ends_too(tmp_path):
    for encoding in ("gbk", "utf-16"):
        path = write(tmp_path / "a.csv", f"text,label\r{SIMPLIFIED},a\r".encode(encoding))
        assert read_classes(path)["text"][:] == [SIMPLIFIED]
        assert list(read_texts(str(path))) == [("0", SIMPLIFIED)]
