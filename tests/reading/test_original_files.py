"""Files as their authors distribute them are read without an option."""

import pytest

from tests.reading.original_files import ORIGINALS
from tests.reading.written_files import read_classes, read_pairs, write
from utils.data.errors import DataError
from utils.reading.column_names import PAIRS, TextColumns
from utils.reading.readers_text import TextReader


def without_ids(rows):
    return [{name: value for name, value in row.items() if name != "id"} for row in rows]


@pytest.mark.parametrize(
    ("name", "content", "rows"), [row[1:] for row in ORIGINALS], ids=[row[0] for row in ORIGINALS]
)
def test_original_file_is_read_as_it_is(read, name, content, rows):
    assert without_ids(read(content, name)) == rows


def test_originals_are_many():
    assert len({row[0] for row in ORIGINALS}) == len(ORIGINALS) >= 15


def test_ids_that_count_within_parts_of_a_benchmark_are_no_ids(read):
    _, name, content, _ = next(row for row in ORIGINALS if row[0] == "the Chinese STS benchmark")
    assert [row["id"] for row in read(content, name)] == ["0", "1"]


def test_shape_that_is_recognised_is_told(read, info):
    _, name, content, _ = next(row for row in ORIGINALS if row[0] == "CoLA")
    read(content, name)
    assert "read as a file of CoLA: (ignored), label, (ignored), text, separated by tabs" in info.text


# Fields that the user names


def test_fields_of_a_file_without_a_header_can_be_named(read):
    content = "x1|好|2020|一\nx2|坏|2021|二\n"
    rows = [{"id": "x1", "text": "一", "label": "好"}, {"id": "x2", "text": "二", "label": "坏"}]
    assert read(content, "a.txt", fields="id,label,_,text") == rows
    assert (
        read(content, "a.txt", fields="id,label,*", separator="|", columns=TextColumns(text="label"))[0]["text"]
        == "好"
    )
    assert read(content.replace("|", "\t"), "a.csv", fields="id,label,_,text", separator="tab") == rows


def test_fields_behind_the_last_named_one_need_a_star(read):
    assert read("一\ta\t1\n二\tb\n", fields="text,label,*")[1]["label"] == "b"
    with pytest.raises(
        DataError, match=r":1: expected 2 fields \(text, label\) as --columns names them, separated by"
    ):
        read("一\ta\t1\n二\tb\n", fields="text,label", separator="tab")


@pytest.mark.parametrize(
    ("content", "name", "options", "message"),
    [
        ("text,label\na,b\n", "a.csv", {"fields": "text,label"}, "--columns: expected a file without a header, found"),
        (
            '{"text": "a"}',
            "a.json",
            {"fields": "text"},
            "--columns: expected a file with fields, found JSON; leave the",
        ),
        ('{"text": "a"}', "a.json", {"separator": ";"}, "--separator: expected a file with fields, found JSON; leave"),
        (
            "a\tb\n",
            "a.txt",
            {"fields": "text,text"},
            "--columns text,text: expected different names, separated by comm",
        ),
        ("a\tb\n", "a.txt", {"fields": "text,"}, "--columns text,: expected different names, separated by commas"),
    ],
)
def test_names_of_fields_that_do_nothing_are_refused(read, content, name, options, message):
    with pytest.raises(DataError) as raised:
        read(content, name, **options)
    assert message in str(raised.value)


# Separators


@pytest.mark.parametrize(
    "content",
    [
        "text;label\n一,二;a\n",
        "sep=;\ntext;label\n一,二;a\n",
        '"sep=;"\r\ntext;label\r\n"一,二";a\r\n',
        "text\tlabel\n一,二\ta\n",
        "text|label\n一,二|a\n",
        "text||label\n一,二||a\n",
        'text,label\n"一,二",a\n',
        "sep=,\ntext,label\n\"一,二\",a\n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_separator_of_a_table_is_found(read, name, content):
    assert read(content, name) == [{"id": "0", "text": "一,二", "label": "a"}]


def test_separator_can_be_named(read):
    assert read("text:label\n一:a\n", "a.csv", separator=":") == [{"id": "0", "text": "一", "label": "a"}]
    assert read("一::a\n", "a.txt", separator="::", fields="text,label") == [{"id": "0", "text": "一", "label": "a"}]


def test_lines_behind_one_that_names_the_separator_keep_their_numbers(read):
    with pytest.raises(
        DataError, match=r"a\.csv:3: expected 2 columns as in the header, found 1; quote texts with semi"
    ):
        read("sep=;\ntext;label\n一\n", "a.csv")


# Which field is the label

MANY = [(f"第{number}条新闻", "体育" if number % 2 else "财经") for number in range(20)]


def test_field_of_few_values_is_the_label_wherever_it_stands(read, info):
    texts = [{"text": text, "label": label} for text, label in MANY]
    assert without_ids(read("".join(f"{text}\t{label}\n" for text, label in MANY))) == texts
    assert info.text == ""
    assert without_ids(read("".join(f"{label}\t{text}\n" for text, label in MANY))) == texts
    assert "the fields are read as label, text, separated by tabs, judging by their content; --columns" in info.text


def test_three_fields_are_a_pair_or_begin_with_an_id(read):
    row = {"text": "第0条新闻", "label": "财经"}
    assert read("".join(f"n{i}\t{text}\t{label}\n" for i, (text, label) in enumerate(MANY)))[0] == {"id": "n0"} | row
    assert read("".join(f"n{i}\t{label}\t{text}\n" for i, (text, label) in enumerate(MANY)))[0] == {"id": "n0"} | row
    pair = {"text": "第0条新闻", "text_pair": "第0条新闻!", "label": "财经"}
    assert without_ids(read("".join(f"{text}\t{text}!\t{label}\n" for text, label in MANY)))[0] == pair
    assert without_ids(read("".join(f"{label}\t{text}\t{text}!\n" for text, label in MANY)))[0] == pair


def test_files_of_a_run_are_read_as_the_first_one(tmp_path):
    reader = TextReader()
    train = write(tmp_path / "train.txt", "".join(f"{label}\t{text}\n" for text, label in MANY))
    assert reader.read(train)[0]["label"] == "财经"
    dev = write(tmp_path / "dev.txt", "体育\t一场球\n")  # too short to tell by itself
    assert reader.read(dev, labels=["体育", "财经"]).to_list() == [{"id": "0", "text": "一场球", "label": "体育"}]


# Pairs of names


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_known_pairs_of_names_are_pairs_in_training_and_prediction(tmp_path, first, second):
    path = write(tmp_path / "a.csv", f"{second},{first},label\n二,一,x\n")
    assert read_classes(path).to_list() == [{"id": "0", "text": "一", "text_pair": "二", "label": "x"}]
    assert list(read_pairs(str(path))) == [("0", "一", "二")]


@pytest.mark.parametrize(
    ("header", "row", "left_out"),
    [
        ("title,content,label", "短,长,x", "title"),
        ("text,summary,label", "一,these are several words of a longer text,x", "summary"),
        ("premise,hypothesis,sentence,label", "一,二,三,x", "sentence"),
    ],
)
def test_column_of_texts_that_is_left_out_is_named(read, caplog, header, row, left_out):
    read(f"{header}\n{row}\n", "a.csv")
    assert f"the column {left_out} also holds texts and is left out; --text_column {left_out} reads it" in caplog.text


def test_other_columns_are_left_out_without_a_word(read, caplog):
    read("id,date,source,link,text,label\n1,2020-01-01,web,https://a.org/a-long-path/of/a/page,一,x\n", "a.csv")
    read("text,text_pair,label\n一,二,x\n", "b.csv", columns=TextColumns(text_pair="none"))
    assert caplog.text == ""
