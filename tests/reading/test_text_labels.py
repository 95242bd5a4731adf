"""Labels of texts: one or several, as names or as numbers that a file of classes names."""

import pytest
from datasets import Dataset, Features, List, Value

from tests.reading.class_rows import ROWS
from tests.reading.written_files import json_lines, read_classes, write
from utils.data.errors import DataError
from utils.reading.column_names import TextColumns
from utils.reading.readers_text import TextReader
from utils.reading.text_labels import list_labels

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


@pytest.mark.parametrize(
    ("labels", "known", "read_as"),
    [
        (["1", "0", "1.0"], None, ["1", "0", "1"]),
        (["1.0", "0.0"], None, ["1.0", "0.0"]),
        (["1.0", "0.0"], ["0", "1"], ["1", "0"]),
        (["1", "0"], ["0.0", "1.0"], ["1.0", "0.0"]),
        (["1", "1.5", "1.0"], None, ["1", "1.5", "1.0"]),
        (["010", "10.0", "10"], None, ["010", "10", "10"]),
        (["3.80", "5.000", "5"], None, ["3.80", "5.000", "5"]),
    ],
)
def test_one_number_is_one_class_however_it_is_written(read, labels, known, read_as):
    content = "text,label\n" + "".join(f"{i},{label}\n" for i, label in enumerate(labels))
    assert [row["label"] for row in read(content, "a.csv", labels=known)] == read_as
    rows = json_lines([{"text": str(i), "labels": [label]} for i, label in enumerate(labels)])
    assert [row["labels"] for row in read(rows, "a.json", labels=known)] == [[label] for label in read_as]


@pytest.mark.parametrize("word", ["-", "nan", "NaN", "null", "N/A", "<NA>"])
def test_label_that_says_that_there_is_none_is_told(read, word):
    content = f"text,label\n一,a\n二,{word}\n三,b\n"
    with pytest.raises(DataError, match=r"a\.csv:3: expected a label, found .*, which probably means no label"):
        read(content, "a.csv")
    assert [row["label"] for row in read(content, "a.csv", skip_bad_lines=True)] == ["a", "b"]
    assert [row["label"] for row in read(content, "a.csv", labels=["a", "b", word])] == ["a", word, "b"]
    assert list(read(f"text,label\n一,{word}\n", "b.csv", labels=["a"])[0]) == ["id", "text"]


def test_minus_beside_plus_is_a_label(read):
    assert [row["label"] for row in read("一\t+\n二\t-\n")] == ["+", "-"]


def test_hidden_labels_of_a_test_file_are_no_labels(read):
    assert list(read("text,label\n一,-1\n二,-1\n", "a.csv", labels=["0", "1"])[0]) == ["id", "text"]
    assert read("text,label\n一,-1\n", "a.csv", labels=["-1", "1"])[0]["label"] == "-1"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'text,label\n"",a\n'),
        ("a.json", '{"text": "", "label": "a"}'),
        ("a.txt", "\ta\n"),
        ("a.json", '{"text": "", "text_pair": "", "label": "a"}'),
    ],
)
def test_empty_text_is_read_where_it_only_waits_for_an_answer(read, name, content):
    (row,) = read(content, name, labels=["a"], allow_empty=True)
    assert (row["text"], row["label"]) == ("", "a")
    with pytest.raises(DataError, match='expected "text" that is not empty'):
        read(content, name, labels=["a"])


# A column for each label

TOXIC = "id,comment_text,toxic,insult,threat\na,you fool,1,1,0\nb,hello,0,0,0\nc,beware,0,0,1.0\n"


def test_columns_of_zero_and_one_are_labels(read, tmp_path):
    rows = read(TOXIC, "a.csv", label_columns="toxic, insult,threat")
    assert rows[0] == {"id": "a", "text": "you fool", "labels": ["insult", "toxic"]}
    assert [row["labels"] for row in rows[1:]] == [[], ["threat"]]
    records = [{"text": "a", "x": True, "y": 0}, {"text": "b", "x": False, "y": 1}]
    assert [row["labels"] for row in read(json_lines(records), "a.json", label_columns="x,y")] == [["x"], ["y"]]
    Dataset.from_list(records).to_parquet(tmp_path / "b.parquet")
    assert read_classes(tmp_path / "b.parquet", label_columns="x,y")["labels"][:] == [["x"], ["y"]]


def test_test_file_without_columns_of_labels_or_with_minus_one_has_none(read):
    known = {"label_columns": "toxic,insult", "labels": ["toxic", "insult"]}
    assert list(read("id,comment_text\na,hello\n", "a.csv", **known)[0]) == ["id", "text"]
    assert list(read("id,comment_text,toxic,insult\na,hello,-1,-1\n", "a.csv", **known)[0]) == ["id", "text"]


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            TOXIC,
            {"label_columns": "toxic,obscene"},
            "a.csv: expected the columns toxic, obscene of --label_columns",
        ),
        (
            TOXIC.replace("1,1,0", "1,x,0"),
            {"label_columns": "toxic,insult"},
            'a.csv:2: expected 1 or 0 in "insult"',
        ),
        (
            TOXIC.replace("1.0", "0"),
            {"label_columns": "toxic,threat"},
            "expected 1 in some row for each label, found",
        ),
        (TOXIC, {"label_columns": "toxic", "label_separator": "|"}, "--label_columns: expected no --label_column or"),
    ],
)
def test_columns_that_are_no_labels_are_named(read, content, options, message):
    with pytest.raises(DataError) as raised:
        read(content, "a.csv", **options)
    assert message in str(raised.value)


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


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("encoding", "written"), [("cp1252", "cp1252"), ("gb18030", "utf-8"), ("gb18030", "gb18030")])
def test_class_file_has_the_encoding_of_the_data_or_is_utf_8(tmp_path, read, named, encoding, written):
    classes = ["été", "naïve"] if encoding == "cp1252" else ["财经", "体育"]
    names = write(tmp_path / ("names.txt" if named else "class.txt"), "\n".join(classes).encode(written))
    rows = read("a\t1\nb\t0\n".encode(encoding), encoding=encoding, **({"class_file": names} if named else {}))
    assert [row["label"] for row in rows] == classes[::-1]


@pytest.mark.parametrize(
    ("train", "dev", "trained", "read_as"),
    [
        ("12345", "1234", ["1", "2", "3", "4", "5"], ["1", "2", "3", "4"]),
        ("1234", "12345", ["1", "2", "3", "4"], None),
        ("01234", "1234", ["a", "b", "c", "d", "e"], ["b", "c", "d", "e"]),
        ("01234", "34", ["a", "b", "c", "d", "e"], ["d", "e"]),
    ],
)
def test_class_file_beside_the_files_is_used_for_all_or_for_none(tmp_path, train, dev, trained, read_as):
    write(tmp_path / "class.txt", "a\nb\nc\nd\ne\n")
    reader = TextReader()
    rows = reader.read(write(tmp_path / "train.txt", "".join(f"第{label}\t{label}\n" for label in train)))
    assert list_labels(rows) == trained
    path = write(tmp_path / "dev.txt", "".join(f"第{label}\t{label}\n" for label in dev))
    if read_as is None:
        with pytest.raises(
            DataError, match=r"dev\.txt:5: expected a label of the training data \(1, 2, 3, 4\), found 5"
        ):
            reader.read(path, labels=trained)
    else:
        assert reader.read(path, labels=trained)["label"][:] == read_as


def test_class_file_names_numbers_with_a_point_too(tmp_path, read):
    write(tmp_path / "class.txt", "a\nb\n")
    assert [row["label"] for row in read("text,label\n一,1.0\n二,0.0\n", "a.csv")] == ["b", "a"]


def test_numbers_of_several_labels_are_named(tmp_path, read):
    names = write(tmp_path / "names.txt", "b\na\n")
    assert read("一\t0 1\n", label_separator=" ", class_file=names)[0]["labels"] == ["a", "b"]
