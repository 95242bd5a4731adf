import csv
import gzip
import io
import json
import logging
import random

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from utils.data.errors import DataError
from utils.data.readers_text import (
    FILE_FORMATS,
    TextColumns,
    list_labels,
    load_classes,
    read_classes,
    read_classes_dataset,
)
from utils.data.text_records import read_cells
from utils.data.text_rows import LABEL_KEYS, PAIR_KEYS, TEXT_KEYS

ROWS = [{"id": "0", "text": "很好", "label": "pos"}, {"id": "1", "text": "很差", "label": "neg"}]
PAIRS = [
    {"id": "0", "text": "一", "text_pair": "二", "label": "yes"},
    {"id": "1", "text": "三", "text_pair": "四", "label": "no"},
]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def json_lines(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


@pytest.fixture
def read(tmp_path):
    """Write a file and read it, as a list of rows."""

    def write_and_read(content, name="file.txt", **options):
        return read_classes(write(tmp_path / name, content), **options).to_list()

    return write_and_read


@pytest.fixture
def info(caplog):
    caplog.set_level(logging.INFO)
    return caplog


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
    assert read("一\n\n二\n") == [{"id": "0", "text": "一"}, {"id": "1", "text": "二"}]
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


# Cells


def test_quoted_cells_may_have_commas_quotes_and_line_breaks(read):
    content = 'text,label\r\n"a, ""b""\r\n\r\nc",x\r\n\r\n"d",y\r\n'
    assert [(row["text"], row["label"]) for row in read(content, "a.csv")] == [('a, "b"\n\nc', "x"), ("d", "y")]


def test_line_numbers_are_right_behind_line_breaks_in_cells(read):
    with pytest.raises(DataError, match=r"a\.csv:5: expected 2 columns as in the header, found 1"):
        read('text,label\n"a\nb\nc",x\nd\n', "a.csv")


def test_quoted_cell_has_a_thousand_lines_at_most_whatever_is_in_it(read):
    content = 'text\n"open\n' + 'say ""x""\n' * 1500 + '"\n'
    with pytest.raises(
        DataError, match=r"a\.csv:2: expected a quote that closes the cell, found none up to line 1002"
    ):
        read(content, "a.csv")
    assert len(read(content, "a.csv", skip_bad_lines=True)) == 1500


def test_columns_without_names_are_ignored(read):
    assert read(",,text\n0,1,一\n", "a.csv") == [{"id": "0", "text": "一"}]


def test_quotes_inside_a_cell_without_quotes_are_text(read):
    assert read('text,label\n6" nails,x\na "b" c,y\n', "a.csv")[1]["text"] == 'a "b" c'


def test_spaces_around_quoted_cells_are_no_text(read):
    assert read('text, label\n"a, b" , "x"\n', "a.csv") == [{"id": "0", "text": "a, b", "label": "x"}]


def test_cells_read_back_what_the_csv_module_wrote():
    draw = random.Random(0)
    for _ in range(500):
        rows = [["".join(draw.choices('ab",\n 中', k=draw.randrange(6))) for _ in "12"] for _ in "123"]
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows(rows)
        lines = file.getvalue().removesuffix("\n").split("\n")
        assert [cells for _, cells in read_cells(lines, ",")] == rows


def test_cells_between_tabs_are_quoted_only_if_the_quote_ends_there(read):
    content = 'text\tlabel\n"a ""b"""\tx\n"Good" he said\ty\n"open\tz\n'
    assert [row["text"] for row in read(content, "a.tsv")] == ['a "b"', '"Good" he said', '"open']


def test_long_cell_is_read(read):
    assert len(read(f"text,label\n{'长' * 200_000},x\n", "a.csv")[0]["text"]) == 200_000


@pytest.mark.parametrize("mark", ["\u2028", "\u0085", "\x0b", "a\rb"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.json"])
def test_only_newlines_end_a_line(read, mark, name):
    content = {
        "a.csv": f"text,label\n一{mark}二,x\n",
        "a.txt": f"一{mark}二\tx\n",
        "a.json": json.dumps({"text": f"一{mark}二", "label": "x"}, ensure_ascii=False),
    }[name]
    assert read(content, name) == [{"id": "0", "text": f"一{mark}二", "label": "x"}]


def test_texts_are_not_stripped_but_labels_are(read, info):
    assert read("text,label\n 一\u3000, x \n二,x\n", "a.csv")[0] == {"id": "0", "text": " 一\u3000", "label": "x"}
    assert "removed white space around the labels of 1 line" in info.text


# Columns


@pytest.mark.parametrize(
    ("text", "label"), [*((text, "label") for text in TEXT_KEYS), *(("text", label) for label in LABEL_KEYS)]
)
def test_known_names_of_texts_and_labels_are_found(read, text, label):
    assert read(f"{text},{label}\n一,x\n", "a.csv") == [{"id": "0", "text": "一", "label": "x"}]


@pytest.mark.parametrize("pair", PAIR_KEYS)
def test_known_names_of_second_texts_are_found(read, pair):
    assert read(f"text,{pair}\n一,二\n", "a.csv") == [{"id": "0", "text": "一", "text_pair": "二"}]


@pytest.mark.parametrize("key", ["id", "guid", "idx"])
def test_known_names_of_ids_are_found_and_ids_are_strings(read, key):
    assert read(json_lines([{key: 7, "text": "一"}, {key: "x", "text": "二"}]), "a.json")[0]["id"] == "7"


def test_row_with_an_empty_id_has_its_number(read):
    assert [row["id"] for row in read("id,text\nx,一\n,二\n", "a.csv")] == ["x", "1"]


def test_known_names_are_taken_in_their_order(read, info):
    content = json_lines([{"title": "t", "content": "c", "category": "k", "label": "l", "idx": 1, "id": 2}])
    assert read(content, "a.json") == [{"id": "2", "text": "c", "label": "l"}]
    assert "columns content as text, label as label, id as id" in info.text


def test_columns_can_be_named(read):
    columns = TextColumns(text="b", text_pair="a", label="d", id="c")
    assert read("a,b,c,d,text\n1,2,3,4,5\n", "a.csv", columns=columns) == [
        {"id": "3", "text": "2", "text_pair": "1", "label": "4"}
    ]


def test_named_column_is_no_other_one_too(read):
    content = json_lines([{"question": "q", "answer": "a", "category": "c"}])
    assert read(content, "a.json", columns=TextColumns(text="answer")) == [{"id": "0", "text": "a", "label": "c"}]


def test_known_column_without_values_is_not_taken(read):
    content = json_lines(
        [{"text": None, "sentence": "s", "text_pair": None, "label": "", "category": "c", "id": None}]
    )
    assert read(content, "a.json") == [{"id": "0", "text": "s", "label": "c"}]


@pytest.mark.parametrize(
    ("words", "joined"), [(["层次", "API"], "层次、API"), (["layer", "API"], "layer, API"), (["一"], "一")]
)
def test_keywords_of_csl_are_joined(read, words, joined):
    content = json_lines([{"id": 1, "abst": "文", "keyword": words, "label": "0"}])
    assert read(content, "a.json") == [{"id": "1", "text": "文", "text_pair": joined, "label": "0"}]


def test_keywords_of_tnews_are_no_second_text(read):
    content = json_lines([{"label": 108, "label_desc": "news_edu", "sentence": "文", "keywords": "一,二", "id": 8290}])
    assert read(content, "a.json") == [{"id": "8290", "text": "文", "label": "108"}]


# Labels


@pytest.mark.parametrize(
    ("label", "name"), [(1, "1"), (0, "0"), (-1, "-1"), (1.0, "1.0"), (2.5, "2.5"), (True, "true"), (False, "false")]
)
def test_label_that_is_no_string_becomes_what_json_writes(read, label, name):
    assert read(json_lines([{"text": "一", "label": label}]), "a.json")[0]["label"] == name


@pytest.mark.parametrize(
    "content", ["text,label\n一,\n二,\n", "text,label\n一,\n", "text\n一\n"], ids=["two", "one", "no column"]
)
def test_column_of_empty_labels_is_none(read, content):
    assert list(read(content, "a.csv")[0]) == ["id", "text"]


def test_lists_of_labels_make_the_data_multi_label(read, info):
    content = json_lines([{"text": "一", "labels": ["b", "a", "b"]}, {"text": "二", "labels": []}])
    assert [row["labels"] for row in read(content, "a.json")] == [["a", "b"], []]
    assert "each row may have several labels (multi-label)" in info.text
    assert "removed 1 duplicate of labels within a row" in info.text


THREE = [("一", "b,a"), ("二", ""), ("三", "c")]


@pytest.mark.parametrize(("name", "content"), [
    ("a.csv", 'text,label\n一,"b, a"\n二,\n三,c\n'),
    ("a.json", json_lines([{"text": text, "label": label} for text, label in THREE])),
    ("a.txt", "一\tb,a\n二\t\n三\tc\n"),
])  # fmt: skip
def test_separator_cuts_labels_and_an_empty_one_is_none(read, name, content, info):
    rows = read(content, name, label_separator=",")
    assert [row["labels"] for row in rows] == [["a", "b"], [], ["c"]]
    assert "white space" not in info.text


def test_separator_makes_single_labels_multi_label(read):
    assert read("一\ta\n", label_separator="|")[0]["labels"] == ["a"]


def test_numbers_in_lists_become_names_sorted_by_number(read):
    assert read(json_lines([{"text": "一", "label": [10, 9]}]), "a.json")[0]["labels"] == ["9", "10"]


def test_features_are_strings_and_lists_of_strings(tmp_path):
    path = write(tmp_path / "a.json", json_lines([{"text": "一", "text_pair": "二", "labels": ["a"]}]))
    string = Value("string")
    assert read_classes(path).features == Features(
        {"id": string, "text": string, "text_pair": string, "labels": List(string)}
    )


def test_labels_are_listed_in_order():
    assert list_labels(Dataset.from_dict({"label": ["b", "a", "b"]})) == ["a", "b"]
    assert list_labels(Dataset.from_dict({"label": ["10", "9", "-1"]})) == ["-1", "9", "10"]
    assert list_labels(Dataset.from_dict({"label": ["10", "9", "x"]})) == ["10", "9", "x"]
    assert list_labels(Dataset.from_dict({"labels": [["b"], [], ["a", "b"]]})) == ["a", "b"]
    assert list_labels(Dataset.from_dict({"text": ["a"]})) == []


def test_allowed_labels_pass_and_need_not_all_occur(read):
    assert read("很好\tpos\n很差\tneg\n", labels=["neg", "pos", "other"]) == ROWS


def test_named_label_column_may_be_missing_from_test_data(read):
    assert list(read("text,n\n一,1\n", "a.csv", columns=TextColumns(label="sort"), labels=["a"])[0]) == ["id", "text"]


def test_duplicates_and_contradictions_are_counted_and_kept(read, info):
    assert len(read("一\ta\n一\ta\n一\tb\n二\ta\n二\ta\n三\tc\n三\tc\n三\td\n")) == 8
    assert info.text.count("kept 3 duplicate rows") == 1
    assert info.text.count("kept 2 texts with different labels in different rows") == 1


def test_pairs_with_one_side_in_common_are_no_duplicates(read, info):
    read("一\t二\ta\n一\t三\tb\n")
    assert "kept" not in info.text


# Names of classes


def test_class_file_beside_the_file_is_used_and_logged(tmp_path, read, info):
    write(tmp_path / "class.txt", "财经\n体育\r\n\n")
    assert [row["label"] for row in read("一\t1\n二\t0\n")] == ["体育", "财经"]
    assert "class.txt: names the classes" in info.text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("财经\n", "class.txt is not used: it has no line for class 1"),
        ("财经\n\n体育\n", "expected the name of a class, found a blank line"),
    ],
)
def test_class_file_beside_the_file_that_does_not_fit_is_warned_about(tmp_path, read, caplog, names, message):
    write(tmp_path / "class.txt", names)
    assert [row["label"] for row in read("一\t1\n二\t0\n")] == ["1", "0"]
    assert message in caplog.text


def test_class_file_beside_a_file_of_names_is_left_alone(tmp_path, read, info):
    write(tmp_path / "class.txt", "财经\n体育\n")
    assert [row["label"] for row in read("一\t1\n二\tx\n")] == ["1", "x"]
    assert "class.txt" not in info.text


def test_class_file_can_be_named_and_takes_names_too(tmp_path, read):
    names = write(tmp_path / "names.txt", b"\xef\xbb\xbf" + "财经\n体育".encode())
    rows = read("一\t1\n二\t财经\n", class_file=names, labels=["财经", "体育"])
    assert [row["label"] for row in rows] == ["体育", "财经"]


def test_numbers_of_several_labels_are_named(tmp_path, read):
    names = write(tmp_path / "names.txt", "b\na\n")
    assert read("一\t0 1\n", label_separator=" ", class_file=names)[0]["labels"] == ["a", "b"]


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


# Data sets


def test_class_names_of_a_data_set_are_taken():
    features = Features(
        {"sentence": Value("string"), "label": ClassLabel(names=["neg", "pos"]), "idx": Value("int32")}
    )
    dataset = Dataset.from_dict({"sentence": ["很好", "很差"], "label": [1, 0], "idx": [0, 1]}, features=features)
    assert read_classes_dataset(dataset).to_list() == ROWS


def test_class_names_in_lists_are_taken():
    features = Features({"text": Value("string"), "labels": List(ClassLabel(names=["b", "a"]))})
    dataset = Dataset.from_dict({"text": ["一", "二"], "labels": [[0, 1], []]}, features=features)
    assert read_classes_dataset(dataset)["labels"][:] == [["a", "b"], []]


@pytest.mark.parametrize("feature", [ClassLabel(names=["neg", "pos"]), Value("int64")])
def test_hidden_labels_of_the_hub_are_no_labels(feature):
    features = Features({"text": Value("string"), "label": feature})
    dataset = Dataset.from_dict({"text": ["一", "二"], "label": [-1, -1]}, features=features)
    assert read_classes_dataset(dataset, labels=["neg", "pos"]).column_names == ["id", "text"]


def test_minus_one_is_a_label_if_training_has_it():
    dataset = Dataset.from_dict({"text": ["一"], "label": [-1]})
    assert read_classes_dataset(dataset, labels=["-1", "1"])["label"][:] == ["-1"]


def test_id_of_minus_one_is_an_id():
    assert read_classes_dataset(Dataset.from_dict({"text": ["一"], "idx": [-1]}))["id"][:] == ["-1"]


def test_data_set_that_was_read_reads_back_the_same():
    dataset = Dataset.from_list(PAIRS)
    assert read_classes_dataset(dataset).to_list() == PAIRS


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"words": ["a"], "label": ["b"]}, f"dataset: expected a column of texts ({', '.join(TEXT_KEYS)}), "
         "found words, label; name the columns with --text_column, --text_pair_column, --label_column"),
        ({"text": []}, "dataset: expected rows, found none; check how the data set was made"),
        ({"text": ["一", None]}, 'dataset, row 2: expected "text": a string, found null; write the text in quotes'),
        ({"text": ["一", "二"], "label": ["a", None]},
         "dataset, row 2: expected a label as in other rows, found none; add it"),
        ({"text": [5]}, 'dataset, row 1: expected "text": a string, found 5; write the text in quotes'),
    ],
)  # fmt: skip
def test_faults_of_a_data_set_name_the_row(columns, message):
    with pytest.raises(DataError) as raised:
        read_classes_dataset(Dataset.from_dict(columns))
    assert str(raised.value) == message


def test_hidden_label_of_one_row_is_a_missing_one():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a"])})
    dataset = Dataset.from_dict({"text": ["一", "二"], "label": [0, -1]}, features=features)
    with pytest.raises(DataError, match="dataset, row 2: expected a label as in other rows, found none"):
        read_classes_dataset(dataset)


def test_saved_data_set_is_loaded_as_one_split_or_several(tmp_path):
    dataset = Dataset.from_list(ROWS)
    dataset.save_to_disk(tmp_path / "one")
    DatasetDict(test=dataset, train=dataset).save_to_disk(tmp_path / "two")
    one, two = load_classes(str(tmp_path / "one")), load_classes(str(tmp_path / "two"))
    assert (list(one), sorted(two)) == (["train"], ["test", "train"])
    for loaded in (*one.values(), *two.values()):
        assert loaded.to_list() == ROWS


def test_folder_of_data_files_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "folder").mkdir()
    for split in ("train", "test"):
        write(tmp_path / "folder" / f"{split}.csv", "sentence,sort\n很好,pos\n很差,neg\n")
    loaded = load_classes(str(tmp_path / "folder"), columns=TextColumns(label="sort"))
    assert sorted(loaded) == ["test", "train"]
    assert loaded["test"].to_list() == ROWS


def test_label_of_a_split_that_training_has_not_is_an_error(tmp_path):
    splits = {
        split: Dataset.from_dict({"text": ["一"], "label": [label]})
        for split, label in (("test", "b"), ("train", "a"))
    }
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=r"saved, test, row 1: expected a label of the training data \(a\), found b"):
        load_classes(str(tmp_path / "saved"))
