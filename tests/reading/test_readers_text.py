"""Texts with classes from every form of file, and what is left of files with bad lines."""

import gzip

import pytest
from datasets import Dataset

from tests.reading.class_rows import PAIRS, ROWS
from utils.data.errors import DataError
from utils.reading.column_names import TextColumns
from utils.reading.text_forms import FILE_FORMATS

# Formats

SAME_ROWS = [
    ("a.csv", "text,label\n很好,pos\n很差,neg\n"),
    ("a.tsv", "text\tlabel\n很好\tpos\n很差\tneg\n"),
    ("a.txt", "text\tlabel\n很好\tpos\n很差\tneg\n"),
    ("a.txt", "text,label\n很好,pos\n很差,neg\n"),
    ("a.txt", "很好\tpos\n很差\tneg\n"),
    ("a.tsv", "很好\tpos\n很差\tneg\n"),
    ("a.data", "很好\tpos\n很差\tneg\n"),
    ("a.txt", "很好_!_pos\n很差_!_neg\n"),
    ("a.txt", "0_!_100_!_pos_!_很好_!_词,词\n1_!_101_!_neg_!_很差_!_\n"),
    ("a.json", '{"text": "很好", "label": "pos"}\n{"text": "很差", "label": "neg"}\n'),
    ("a.ndjson", '{"text": "很好", "label": "pos"}\n\n{"text": "很差", "label": "neg"}'),
    ("a.txt", '{"text": "很好", "label": "pos"}\n{"text": "很差", "label": "neg"}\n'),
    ("a.json", '[{"text": "很好", "label": "pos"},\n{"text": "很差", "label": "neg"}]'),
]


@pytest.mark.parametrize(("name", "content"), SAME_ROWS)
def test_every_format_is_known_by_extension_and_content(read, name, content):
    assert read(content, name) == ROWS


@pytest.mark.parametrize(("name", "content"), SAME_ROWS)
def test_gzip_bom_crlf_and_missing_newline_change_nothing(read, name, content):
    raw = b"\xef\xbb\xbf" + content.removesuffix("\n").replace("\n", "\r\n").encode()
    assert read(gzip.compress(raw), f"{name}.gz") == ROWS
    assert read(raw, name) == ROWS


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz"])
def test_parquet_is_read(tmp_path, read, name):
    Dataset.from_list(ROWS).to_parquet(tmp_path / "plain.parquet")
    content = (tmp_path / "plain.parquet").read_bytes()
    assert read(gzip.compress(content) if name.endswith(".gz") else content, name) == ROWS


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "text,text_pair,label\n一,二,yes\n三,四,no\n"),
        ("a.txt", "一\t二\tyes\n三\t四\tno\n"),
        ("a.txt", "一_!_二_!_yes\n三_!_四_!_no\n"),
        ("a.json", '[{"text": "一", "text_pair": "二", "label": "yes"}, '
         '{"text": "三", "text_pair": "四", "label": "no"}]'),
    ],
)  # fmt: skip
def test_pairs_are_read_from_every_format_that_has_them(read, name, content):
    assert read(content, name) == PAIRS


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.json"])
def test_second_texts_can_be_ignored(read, name):
    content = {
        "a.csv": "text,text_pair,label\n一,,yes\n",
        "a.txt": "一\t\tyes\n",
        "a.json": '{"text": "一", "text_pair": 5, "label": "yes"}',
    }[name]
    expected = [{"id": "0", "text": "一", "label": "yes"}]
    assert read(content, name, columns=TextColumns(text_pair="none")) == expected


def test_faq_takes_everything_behind_the_first_white_space_as_question(read):
    content = "文化局 電影節 何時？\n交通局\t公車\t路線\n衛生局\xa0 檢舉 \n"
    rows = [("電影節 何時？", "文化局"), ("公車\t路線", "交通局"), ("檢舉 ", "衛生局")]
    assert [(row["text"], row["label"]) for row in read(content, file_format="faq")] == rows


def test_faq_is_never_guessed(read):
    assert read("文化局 電影節\n") == [{"id": "0", "text": "文化局 電影節"}]


def test_lines_without_a_tab_are_texts_without_labels(read, info):
    assert read("一\n\n二\n") == [{"id": "0", "text": "一"}, {"id": "2", "text": "二"}]
    assert "no row has a label, so all are read as texts without labels" in info.text


@pytest.mark.parametrize(
    ("file_format", "content"),
    [
        ("csv", "text,label\na,b\n"),
        ("tsv", "text\tlabel\na\tb\n"),
        ("json", '{"text": "a", "label": "b"}'),
        ("tab", "a\tb\n"),
        ("marked", "a_!_b"),
        ("faq", "b a"),
    ],
)
def test_format_can_be_forced_whatever_the_extension(read, file_format, content):
    assert read(content, "a.csv", file_format=file_format) == [{"id": "0", "text": "a", "label": "b"}]


def test_parquet_can_be_forced_and_every_format_has_its_test(tmp_path, read):
    Dataset.from_list(ROWS).to_parquet(tmp_path / "plain.parquet")
    assert read((tmp_path / "plain.parquet").read_bytes(), "a.txt", file_format="parquet") == ROWS
    assert len(FILE_FORMATS) == 7


def test_header_can_be_forced_and_forbidden(read):
    content = "question\tanswer\nwhat\tthat\n"
    assert read(content) == [{"id": "0", "text": "what", "label": "that"}]
    assert [row["text"] for row in read(content, file_format="tab")] == ["question", "what"]
    content = "text\tclass_name\na\tb\n"
    assert read(content, file_format="tsv", columns=TextColumns(label="class_name"))[0]["label"] == "b"


def test_header_may_have_columns_that_nobody_knows(read):
    assert read("index\tsentence\tlabel\n8\ta\tb\n") == [{"id": "0", "text": "a", "label": "b"}]


def test_label_that_is_a_known_name_makes_no_header(read, caplog):
    rows = read("我该怎么办\tquestion\n好\tanswer\n")
    assert [row["label"] for row in rows] == ["question", "answer"]
    assert caplog.text == ""


def test_known_names_without_one_of_a_text_make_no_header(read):
    assert read("answer\tlabel\n好\ta\n")[0] == {"id": "0", "text": "answer", "label": "label"}


def test_header_of_which_only_the_text_is_known_is_warned_about(read, caplog):
    assert read("text\tsort\na\tb\n")[0] == {"id": "0", "text": "text", "label": "sort"}
    assert "the first line is read as a row; if it names columns, name that of the labels with" in caplog.text
    assert read("text\tsort\na\tb\n", columns=TextColumns(label="sort")) == [{"id": "0", "text": "a", "label": "b"}]


def test_header_of_which_only_the_label_is_known_is_warned_about(read, caplog):
    assert read("notes\tlabel\na\tb\n")[0] == {"id": "0", "text": "notes", "label": "label"}
    assert "the first line is read as a row; if it names columns" in caplog.text
    caplog.clear()
    read("分数\tscore\n一\ta\n二\tscore\n")
    assert caplog.text == ""


# Bad lines


def test_skipping_leaves_bad_rows_out_keeps_row_numbers_and_counts(read, caplog):
    content = 'text,label\n一,a\n二\n"三,a\n,a\n四,a\n五,\n'
    rows = read(content, "a.csv", skip_bad_lines=True)
    assert [(row["id"], row["text"]) for row in rows] == [("0", "一"), ("4", "四")]
    assert "left out 4 bad rows" in caplog.text
    assert "a.csv:4: expected a quote that closes the cell, found none up to line 7" in caplog.text


def test_row_with_an_unreadable_line_in_its_cell_is_left_out_whole(read, caplog):
    content = b'text,label\n"a\n\xff\nb",x\nc,y\n'
    assert [row["text"] for row in read(content, "a.csv", skip_bad_lines=True)] == ["c"]
    assert "left out 1 bad row" in caplog.text


@pytest.mark.parametrize("name", ["a.txt", "a.csv"])
@pytest.mark.parametrize("rest", [b"label\ttext\na\tb\n", b"a\tb\n"])
def test_file_whose_first_line_cannot_be_read_is_never_guessed(read, name, rest):
    with pytest.raises(DataError, match=r":1: expected UTF-8, found the byte 0xff"):
        read(b"\xff\n" + rest, name, skip_bad_lines=True)


def test_search_for_a_closing_quote_ends_after_a_thousand_lines(read):
    content = 'text\n"open\n' + "x\n" * 2000
    with pytest.raises(
        DataError, match=r"a\.csv:2: expected a quote that closes the cell, found none up to line 1002"
    ):
        read(content, "a.csv")
    assert len(read(content, "a.csv", skip_bad_lines=True)) == 2000


def test_good_file_is_read_without_a_word(read, info):
    read("text,label\n一,a\n", "a.csv")
    assert info.text == ""
