"""Prediction reads what training read: the same texts under the same ids, whatever the file looks like."""

import gzip
import json

import pytest
from datasets import Dataset

from tests.reading.original_files import ORIGINALS
from tests.reading.written_files import json_lines, write
from tests.tagging.entity_columns import FILES
from tests.tagging.entity_exports import EXPORTS
from utils.data.errors import DataError
from utils.reading.column_names import PAIR_KEYS, TEXT_KEYS
from utils.reading.model_inputs import read_inputs
from utils.reading.readers_text import TextReader
from utils.reading.remembered_reading import recall_reading
from utils.reading.text_labels import list_labels
from utils.tagging.readers_ner import read_ner

TWENTY = [(f"第{number}条新闻", "体育" if number % 2 else "财经") for number in range(20)]
NUMBERED = [(number, f"{number} times", "b" if number % 2 else "a") for number in range(20)]
OFFICES = "".join(f"{'衛生局' if number % 2 else '交通局'} 第{number} 個問題？\n" for number in range(9))

# what the file is | its name | its content | options of the training run
READABLE = [
    *((name, file, content, {}) for name, file, content, _ in ORIGINALS),
    ("text<TAB>label", "a.txt", "".join(f"{text}\t{label}\n" for text, label in TWENTY), {}),
    ("label<TAB>text", "a.txt", "".join(f"{label}\t{text}\n" for text, label in TWENTY), {}),
    ("id<TAB>label<TAB>text", "a.txt", "".join(f"n{i}\t{label}\t{text}\n" for i, text, label in NUMBERED), {}),
    ("blank lines", "a.txt", "一\ta\n\n二\tb\n\n\n三\ta\n", {}),
    ("a pair apart by tabs", "a.tsv", "一\t二\ta\n三\t四\tb\n", {}),
    ("answer question", "a.txt", OFFICES, {"plain": "faq", "text_pair_column": "none"}),
    ("question<TAB>answer", "a.txt", "".join(f"{text} 嗎\t{label}\n" for text, label in TWENTY), {"plain": "faq"}),
    ("a header in a text file", "a.txt", "title\tcontent\tlabel\n短\t长文\ta\n", {}),
    ("a column that is named", "a.csv", "title,content,label\n短,长文,a\n", {"text_column": "title"}),
    ("columns with other names", "a.csv", "n,a,b,c\n7,一,二,x\n", {"text_column": "b", "text_pair_column": "a",
                                                             "label_column": "c", "id_column": "n"}),
    ("semicolons", "a.csv", "text;label\n一,二;a\n", {}),
    ("a separator that is named", "a.csv", "text:label\n一:a\n", {"separator": ":"}),
    ("fields that are named", "a.txt", "x1|好|2020|一\n", {"columns": "id,label,_,text"}),
    ("fields of a named separator", "a.txt", "好::一\n", {"columns": "label,text", "separator": "::"}),
    ("a JSON array", "a.json", json.dumps([{"text": "一", "label": "a"}, {"text": "二", "label": "b"}], indent=1), {}),
    ("JSON lines with the second text ignored", "a.json", json_lines([{"sentence1": "一", "sentence2": "二",
                                                                      "label": "a"}]), {"text_pair_column": "none"}),
    ("an Excel table", "a.csv", 'sep=;\r\ntext;label\r\n"一;二";a\r\n', {}),
    ("keywords", "a.json", json_lines([{"id": 3, "abst": "文", "keyword": ["一", "二"], "label": "0"}]), {}),
    ("Chinese in GBK", "a.txt", "我们在北京的大学里\ta\n这里的老师很好\tb\n".encode("gbk"), {}),
]  # fmt: skip


def read_again(path, reader, rows, **told):
    """What prediction reads of a file, with the memory of a training run."""
    pair = "text_pair" in rows.features
    known = (TEXT_KEYS, PAIR_KEYS) if pair else (TEXT_KEYS,)
    remembered = json.loads(json.dumps(reader.remember()))
    reading = recall_reading(remembered, plain="fields", answers=list_labels(rows), **told)
    return list(read_inputs(str(path), kind="classes", columns=[None] * len(known), known=known, reading=reading))


@pytest.mark.parametrize(
    ("name", "content", "options"), [row[1:] for row in READABLE], ids=[row[0] for row in READABLE]
)
@pytest.mark.parametrize("packed", [False, True])
def test_prediction_reads_the_file_of_training_as_training_did(tmp_path, name, content, options, packed):
    raw = content if isinstance(content, bytes) else content.encode()
    path = write(tmp_path / (f"{name}.gz" if packed else name), gzip.compress(raw) if packed else raw)
    reader = TextReader(**options)
    rows = reader.read(path)
    texts = [rows[name][:] for name in ("id", "text", "text_pair") if name in rows.features]
    assert read_again(path, reader, rows) == list(zip(*texts, strict=True))


def test_parquet_is_read_alike(tmp_path):
    Dataset.from_list([{"title": "短", "content": "长", "label": "a"}]).to_parquet(tmp_path / "a.parquet")
    reader = TextReader(text_column="title")
    rows = reader.read(tmp_path / "a.parquet")
    assert read_again(tmp_path / "a.parquet", reader, rows) == [("0", "短")]


# Files that are not like those of training


@pytest.fixture
def faq(tmp_path):
    """A reader that has read an FAQ, and its rows."""
    reader = TextReader(plain="faq", text_pair_column="none")
    return reader, reader.read(write(tmp_path / "faq.txt", OFFICES))


def test_questions_without_answers_are_whole_lines(tmp_path, faq):
    path = write(tmp_path / "ask.txt", "How do I pay my fine\n請問 停車費\n")
    assert read_again(path, *faq) == [("0", "How do I pay my fine"), ("1", "請問 停車費")]
    assert faq[0].read(path, labels=["衛生局", "交通局"])["text"][:] == ["How do I pay my fine", "請問 停車費"]


def test_texts_alone_are_whole_lines_after_training_on_fields(tmp_path):
    reader = TextReader()
    rows = reader.read(write(tmp_path / "a.txt", "一\ta\n二\tb\n"))
    assert read_again(write(tmp_path / "b.txt", "一 二\n\n三\n"), reader, rows) == [
        ("0", "一 二"),
        ("1", ""),
        ("2", "三"),
    ]
    assert read_again(write(tmp_path / "c.csv", "id,text\nx,三\n"), reader, rows) == [("x", "三")]
    assert read_again(write(tmp_path / "d.json", '{"sentence": "四"}\n'), reader, rows) == [("0", "四")]
    told = {"file_format": "plain"}
    assert read_again(write(tmp_path / "e.txt", "一\ta\n"), reader, rows, **told) == [("0", "一\ta")]


def test_column_that_training_was_told_to_read_is_never_replaced(tmp_path):
    reader = TextReader(text_column="title")
    rows = reader.read(write(tmp_path / "a.csv", "title,content,label\n短,长,a\n"))
    with pytest.raises(
        DataError, match="expected a column title as in training, found content; name it with --text_col"
    ):
        read_again(write(tmp_path / "b.csv", "content\n长\n"), reader, rows)
    assert read_again(write(tmp_path / "c.txt", "短的\n"), reader, rows) == [("0", "短的")]


def test_user_of_prediction_has_the_last_word(tmp_path):
    reader = TextReader()
    rows = reader.read(write(tmp_path / "a.txt", "一\ta\n二\tb\n"))
    path = write(tmp_path / "b.txt", "x9|好|三\n")
    assert read_again(path, reader, rows, fields="n,label,text", id="n") == [("x9", "三")]
    table = write(tmp_path / "c.csv", "n:text\nx9:三\n")
    assert read_again(table, reader, rows, separator=":", id="n") == [("x9", "三")]
    with pytest.raises(DataError, match="expected a column m, found idx, text; name it with --id_column"):
        read_again(write(tmp_path / "d.csv", "idx,text\n1,三\n"), reader, rows, id="m")
    with pytest.raises(DataError, match="--file_format columns: expected one of auto, plain, csv"):
        read_again(path, reader, rows, file_format="columns")


def test_model_without_memory_reads_fields_and_says_so(tmp_path, caplog):
    path = write(tmp_path / "a.txt", "".join(f"{label}\t{text}\n" for text, label in TWENTY))
    reading = recall_reading(None, plain="fields")
    rows = list(read_inputs(str(path), kind="classes", columns=[None], known=(TEXT_KEYS,), reading=reading))
    assert rows[0] == ("0", "第0条新闻")
    assert (
        "read as label and text; the label is ignored (--file_format plain reads whole lines as texts)" in caplog.text
    )


def test_column_that_is_named_needs_a_header(tmp_path):
    reading = recall_reading(None, plain="plain")
    path = write(tmp_path / "a.txt", "一\n")
    with pytest.raises(DataError, match=r"expected a first line with the names of columns \(title\), found none"):
        list(read_inputs(str(path), kind="classes", columns=["title"], known=(TEXT_KEYS,), reading=reading))


# Entities and answers

TOKENS = [{"id": "a", "tokens": ["张", "伟", "在"], "ner_tags": ["B-PER", "I-PER", "O"]}]


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.txt", "张 B-PER\n伟 I-PER\n在 O\n\n北 B-LOC\n京 I-LOC\n", [("0", "张伟在"), ("1", "北京")]),
        ("a.tsv", "John\tNNP\tB-PER\nsleeps\tVBZ\tO\n", [("0", "John sleeps")]),
        ("a.jsonl", json_lines(TOKENS), [("a", "张伟在")]),
        ("a.json", json.dumps(TOKENS, indent=1), [("a", "张伟在")]),
        ("a.json", json.dumps([{"text": "张伟", "label": [[0, 2, "PER"]]}]), [("0", "张伟")]),
        ("a.txt", "张伟在北京。\nO is a letter\n", [("0", "张伟在北京。"), ("1", "O is a letter")]),
        ("a.txt", "id\ttext\n7\t张伟\n", [("7", "张伟")]),
        ("a.txt", "张伟\t北京\n", [("0", "张伟\t北京")]),
        ("a.csv", "text,label\n张伟,x\n", [("0", "张伟")]),
    ],
)
def test_texts_of_files_with_entities_are_read_without_their_tags(tmp_path, name, content, rows):
    reading = recall_reading(None, plain="plain")
    path = str(write(tmp_path / name, content))
    assert list(read_inputs(path, kind="entities", columns=[None], known=(TEXT_KEYS,), reading=reading)) == rows


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        *((".json", row[1]) for row in EXPORTS),
        *((".csv" if "," in each or ";" in each else ".tsv", each) for _, each in FILES),
    ],
    ids=[row[0] for row in (*EXPORTS, *FILES)],
)
def test_every_file_of_entities_gives_the_texts_that_training_reads(tmp_path, suffix, content):
    path, reading = write(tmp_path / f"a{suffix}", content), recall_reading(None, plain="plain")
    found = read_inputs(str(path), kind="entities", columns=[None], known=(TEXT_KEYS,), reading=reading)
    rows = read_ner(path)
    assert list(found) == list(zip(rows["id"][:], rows["text"][:], strict=True))


def test_text_with_annotations_of_brat_beside_it_is_one_text(tmp_path):
    path, reading = write(tmp_path / "a.txt", "张三\n在北京\n"), recall_reading(None, plain="plain")
    write(tmp_path / "a.ann", "T1\tPER 0 2\t张三\n")
    for source in (path, tmp_path):
        found = read_inputs(str(source), kind="entities", columns=[None], known=(TEXT_KEYS,), reading=reading)
        assert [text for _, text in found] == read_ner(path)["text"][:] == ["张三\n在北京\n"]
    with pytest.raises(DataError, match="expected a file, found a directory"):
        list(read_inputs(str(tmp_path), kind="classes", columns=[None], known=(TEXT_KEYS,), reading=reading))


def test_tokens_of_parquet_are_read(tmp_path):
    Dataset.from_list(TOKENS).to_parquet(tmp_path / "a.parquet")
    path, reading = str(tmp_path / "a.parquet"), recall_reading(None, plain="plain")
    found = read_inputs(path, kind="entities", columns=[None], known=(TEXT_KEYS,), reading=reading)
    assert list(found) == [("a", "张伟在")]


PASSAGE = "张伟在北京。"
ASKED = {"question": "谁？", "id": "q1", "answers": [{"text": "李娜", "answer_start": 99}]}  # no matter


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps({"data": [{"paragraphs": [{"context": PASSAGE, "qas": [ASKED]}]}]}, indent=1)),
        ("a.json", json.dumps([{"context_text": PASSAGE, "qas": [{"query_text": "谁？", "query_id": "q1"}]}])),
        ("a.json", json.dumps([ASKED | {"context": PASSAGE}])),
        ("a.jsonl", json_lines([ASKED | {"passage": PASSAGE}])),
        ("a.json", json.dumps({"w": {"question": "谁？", "evidences": {"q1": {"evidence": PASSAGE, "answer": "a"}}}})),
        ("a.csv", f"id,question,context\nq1,谁？,{PASSAGE}\n"),
    ],
)
def test_questions_of_every_file_are_read_without_their_answers(tmp_path, name, content):
    from utils.reading.qa_records import PASSAGE_KEYS, QUESTION_KEYS

    path, reading = str(write(tmp_path / name, content)), recall_reading(None, plain="plain")
    known = (QUESTION_KEYS, PASSAGE_KEYS)
    found = read_inputs(path, kind="answers", columns=[None, None], known=known, reading=reading)
    assert list(found) == [("q1", "谁？", PASSAGE)]
