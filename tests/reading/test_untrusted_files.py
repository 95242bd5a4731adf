"""Files that were made to do harm: nothing swells without end, hangs, is run, or commands the terminal."""

import gzip
import io
import json
import os
import time

import pyarrow
import pyarrow.parquet
import pytest
import yaml

from tests.reading.data_errors import message_of
from tests.reading.written_files import read_classes
from utils.data.errors import ArgumentError, DataError, ErrorLog, printable
from utils.data.plain_yaml import load_yaml
from utils.files import raw_files
from utils.files.prompt_files import read_label_words
from utils.files.raw_files import read_bytes
from utils.options.arguments import parse_arguments
from utils.options.shared_arguments import DataArguments, ModelArguments
from utils.reading.readers_corpus import read_documents
from utils.reading.readers_qa import read_qa
from utils.reading.text_cleaning import read_rules
from utils.reading.text_stream import read_texts
from utils.tagging.readers_ner import read_ner

MEGABYTE = 1 << 20
SECONDS = 30


def packed_zeros(path, size, *, before=b""):
    """A gzip file whose end swells to so many bytes."""
    with gzip.open(path, "wb") as file:
        file.write(before)
        for _ in range(size // MEGABYTE):
            file.write(bytes(MEGABYTE))
    return str(path)


@pytest.fixture
def small_bounds(monkeypatch):
    """Files of more than a megabyte are looked at, so that tests need no large ones."""
    monkeypatch.setattr(raw_files, "FREE", MEGABYTE)


@pytest.mark.parametrize("read", [read_ner, read_classes, read_qa, read_bytes], ids=lambda read: read.__name__)
def test_gzip_file_that_swells_without_end_is_refused(small_bounds, tmp_path, read):
    bomb = packed_zeros(tmp_path / "bomb.json.gz", 16 * MEGABYTE)
    assert os.path.getsize(bomb) < MEGABYTE / 10
    assert message_of(read, bomb) == f"{bomb}: {raw_files.BOMB}"


@pytest.mark.parametrize("name", ["bomb.txt.gz", "bomb.jsonl.gz", "bomb.csv.gz"])
def test_stream_of_a_gzip_file_stops_where_it_begins_to_swell(small_bounds, tmp_path, name):
    before = {"txt": b"fine\n", "jsonl": b'{"text": "fine"}\n', "csv": b"text\nfine\n"}[name.split(".")[1]]
    bomb = packed_zeros(tmp_path / name, 64 * MEGABYTE, before=before)
    with pytest.raises(DataError, match="200 times the size of its gzip file"):
        list(read_texts(bomb))


def test_honest_gzip_files_are_read_whole(small_bounds, tmp_path):
    lines = [f"{i} " + "very much the same as on the other lines" for i in range(100_000)]
    path = tmp_path / "same.txt.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    assert [text for _, text in read_texts(str(path))] == lines
    assert read_bytes(path).decode().split("\n") == lines


@pytest.mark.parametrize("ending", [b"\n", b""])
def test_file_of_several_gzip_members_is_read_whole(tmp_path, ending):
    path = tmp_path / "two.txt.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two" + ending))
    assert [text for _, text in read_texts(str(path))] == ["one", "two"]


LONG = "北京 ab，" * (MEGABYTE // 6)
LONG_FILES = {
    "ner.json": (read_ner, json.dumps({"text": LONG, "label": {"place": {"北京": [[0, 1]]}}})),
    "tokens.json": (read_ner, json.dumps({"tokens": list(LONG), "ner_tags": ["O"] * len(LONG)})),
    "columns.txt": (read_ner, f"{LONG.replace(' ', '')}\tO"),
    "text.tsv": (read_classes, f"text\tlabel\n{LONG}\ta"),
    "text.csv": (read_classes, f'text,label\n"{LONG}",a'),
    "open.csv": (read_classes, f'text,label\n"{LONG},a\nb,a'),
    "text.json": (read_classes, json.dumps({"text": LONG, "label": "a"})),
    "label.tsv": (read_classes, f"text\tlabel\na\t{LONG}"),
    "qa.json": (
        read_qa,
        json.dumps(
            {"id": "0", "question": "谁？", "context": LONG, "answers": {"text": ["北京"], "answer_start": [0]}}
        ),
    ),
    "corpus.txt": (lambda path: list(read_documents([path])), LONG * 16),
    "stream.csv": (lambda path: list(read_texts(path)), f'text\n"{LONG}"'),
}


@pytest.mark.parametrize("name", LONG_FILES)
def test_line_of_a_megabyte_is_read_or_refused_in_no_time(tmp_path, name):
    read, content = LONG_FILES[name]
    path = tmp_path / name
    path.write_text(content + "\n", encoding="utf-8")
    assert path.stat().st_size > MEGABYTE
    started = time.monotonic()
    try:
        assert len(read(str(path))) > 0
    except DataError as error:
        assert name == "open.csv" and len(str(error)) < 1000
    assert time.monotonic() - started < SECONDS


def test_parts_of_a_long_document_are_its_text(tmp_path):
    path = tmp_path / "long.txt"
    path.write_text(LONG[:100_000] + "\n", encoding="utf-8")
    assert "".join(read_documents([str(path)])) == LONG[:100_000]


@pytest.mark.parametrize("sign", ["\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\x85", "\ud800"])
def test_what_commands_a_terminal_is_escaped_in_messages(sign):
    log = ErrorLog("train.json")
    log.add(1, f"expected a label, found {sign}")
    with pytest.raises(DataError) as caught:
        log.finish(skip_bad_lines=False)
    for text in (str(caught.value), printable(f"label {sign}\n")):
        assert not any(character in text for character in "\x1b\x9b\u202e\u2066\x85\ud800") and "\\" in text
        text.encode()


TAG = "!!python/object/apply:os.system ['touch {}']"
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30))
YAML = {
    "tag": f"head: {TAG}",
    "tag_key": f"? {TAG}\n: 1",
    "laughs": LAUGHS,
    "deep": "a: " + "[" * 50_000,
    "date": "a: 2001-99-99",
    "float": "a: !!float x",
    "timestamp": "a: !!timestamp x",
    "digits": "a: " + "9" * 5000,
}


@pytest.mark.parametrize("name", YAML)
def test_yaml_builds_no_objects_and_does_not_swell(tmp_path, name):
    made, path = tmp_path / "made", tmp_path / "file.yaml"
    path.write_text(YAML[name].replace("{}", str(made)), encoding="utf-8")
    started = time.monotonic()
    with pytest.raises(yaml.YAMLError):
        load_yaml(path.read_text(encoding="utf-8"))
    with pytest.raises(ArgumentError):
        parse_arguments(DataArguments, ModelArguments, argv=[str(path), "--model_name_or_path", "m"])
    for read in (read_rules, read_label_words):
        try:
            read(path)
        except DataError as error:
            assert len(str(error)) < 1000
    assert time.monotonic() - started < SECONDS and not made.exists()


def test_json_configuration_that_is_nested_without_end_is_an_error_of_a_line(tmp_path):
    path = tmp_path / "file.json"
    path.write_text('{"head": ' + "[" * 100_000, encoding="utf-8")
    with pytest.raises(ArgumentError):
        parse_arguments(DataArguments, ModelArguments, argv=[str(path), "--model_name_or_path", "m"])


def test_parquet_file_within_a_gzip_file_that_swells_is_refused(small_bounds, tmp_path):
    table = io.BytesIO()
    column = pyarrow.array(["a" * 100] * 200_000)
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), table, compression="none", use_dictionary=False)
    path = tmp_path / "bomb.parquet.gz"
    path.write_bytes(gzip.compress(table.getvalue()))
    assert "200 times" in message_of(read_classes, path)


@pytest.mark.parametrize("text", ["head: crf\nhead: span", "a: {x: 1, y: 2, x: 3}", "- {1: a, 1: b}"])
def test_key_that_stands_twice_in_yaml_is_an_error(text):
    with pytest.raises(yaml.YAMLError, match="twice"):
        load_yaml(text)
    assert load_yaml('{1: a, "1": b}') == {1: "a", "1": "b"}
