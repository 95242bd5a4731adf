"""Texts without labels: read from any file, and what the run knows already left out."""

import gzip
import json

import pytest
from datasets import Dataset, Features, Value

from utils.data.errors import DataError
from utils.distillation.unlabeled_texts import read_unlabeled
from utils.reading.readers_text import TextReader
from utils.reading.remembered_reading import Reading, recall_reading

SPAN = [{"start": Value("int64"), "end": Value("int64"), "label": Value("string")}]
DATA = {
    "classes": {"id": ["a", "b"], "text": ["张伟在北京", "李娜"], "label": ["x", "y"]},
    "labels": {"id": ["a", "b"], "text": ["张伟在北京", "李娜"], "labels": [["x"], ["y", "x"]]},
    "pairs": {"id": ["a", "b"], "text": ["张伟", "李娜"], "text_pair": ["北京", "上海"], "label": ["x", "y"]},
    "entities": {"id": ["a", "b"], "text": ["张伟在北京", "李娜"], "entities": [[], []]},
    "answers": {
        "id": ["a", "b"],
        "question": ["谁", "谁"],
        "context": ["张伟", "李娜"],
        "answers": [{"text": ["张"], "answer_start": [0]}] * 2,
    },
}


def make_rows(kind):
    features = {"id": Value("string"), "text": Value("string"), "entities": SPAN} if kind == "entities" else None
    return Dataset.from_dict(DATA[kind], features=Features(features) if features else None)


def split_of(kind, **values):
    return Dataset.from_dict({"id": ["v"], **{name: [value] for name, value in values.items()}})


def test_texts_of_other_data_are_left_out_and_counted(tmp_path, info):
    path = tmp_path / "texts.txt"
    path.write_text("新的\n张伟在 北京\n验证\n测试\n新的\n又一\n测试\n", encoding="utf-8")
    dataset = {
        "train": make_rows("classes"),
        "validation": split_of("classes", text="验 证"),
        "test": split_of("classes", text="测试"),
    }
    found = read_unlabeled(str(path), dataset)
    assert found["text"][:] == ["新的", "又一"] and found["id"][:] == ["unlabeled-0", "unlabeled-5"]
    assert found.features == dataset["train"].features
    assert (
        "unlabeled: 2 texts to learn from the teacher; left out: 2 in the test data, 1 in the train data, 1 in the "
        "validation data, 1 repeated" in info.text
    )


@pytest.mark.parametrize("kind", DATA)
def test_rows_have_the_columns_of_the_training_data_without_labels(tmp_path, kind):
    path = tmp_path / "texts.jsonl"
    row = {"id": "n", "text": "新", "text_pair": "旧", "question": "新", "context": "旧", "label": "z"}
    names = {"answers": ("id", "question", "context"), "pairs": ("id", "text", "text_pair")}.get(kind, ("id", "text"))
    path.write_text(json.dumps({name: row[name] for name in names}, ensure_ascii=False) + "\n", encoding="utf-8")
    train = make_rows(kind)
    found = read_unlabeled(str(path), {"train": train})
    assert found.features == train.features and len(found) == 1
    empty = {"classes": "x", "pairs": "x", "labels": [], "entities": [], "answers": {"text": [], "answer_start": []}}
    column = {"classes": "label", "pairs": "label"}.get(kind, kind)
    assert found[0][column] == empty[kind]


@pytest.mark.parametrize("name", ["texts.tsv", "texts.csv", "texts.csv.gz"])
def test_tables_have_the_columns_of_training(tmp_path, name):
    path, sign = tmp_path / name, "\t" if "tsv" in name else ","
    content = f"Label{sign}Review\nx{sign}新的\n".encode()
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    found = read_unlabeled(str(path), {"train": make_rows("classes")}, reading=Reading(text="Review"))
    assert found["text"][:] == ["新的"]


def test_labelled_file_of_entities_is_read_without_them(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("王 B-name\n芳 I-name\n\n上 B-place\n海 I-place\n", encoding="utf-8")
    found = read_unlabeled(str(path), {"train": make_rows("entities")})
    assert found["text"][:] == ["王芳", "上海"] and found["entities"][:] == [[], []]


def test_file_without_new_texts_is_refused(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("李娜\n", encoding="utf-8")
    with pytest.raises(
        DataError, match="expected texts that are not in the other data, found none; left out: 1 in the train"
    ):
        read_unlabeled(str(path), {"train": make_rows("classes")})


def test_texts_of_data_that_a_fold_does_not_use_are_left_out_too(tmp_path, info):
    path = tmp_path / "texts.txt"
    path.write_text("新的\n测试\n验证\n这折\n", encoding="utf-8")
    others = {"test": split_of("classes", text="测试"), "validation": split_of("classes", text="验证")}
    dataset = {"train": make_rows("classes"), "validation": split_of("classes", text="这折")}
    found = read_unlabeled(str(path), dataset, others=others)
    assert found["text"][:] == ["新的"]
    assert "left out: 1 in the test data, 2 in the validation data" in info.text


def test_labels_of_a_file_without_a_header_are_no_text(tmp_path, info):
    """`text<TAB>label`, as the training file was."""
    train, path = tmp_path / "train.txt", tmp_path / "texts.txt"
    train.write_text("张伟在北京\tx\n李娜\ty\n" * 3, encoding="utf-8")
    path.write_text("新的\tx\n李娜\ty\n又一\tz\n", encoding="utf-8")
    reader = TextReader()
    dataset = {"train": reader.read(train)}
    reading = recall_reading(reader.remember(), plain="fields", answers=["x", "y"])
    assert read_unlabeled(str(path), dataset, reading=reading)["text"][:] == ["新的", "又一"]
    assert "1 in the train data" in info.text
    path.write_text("新的\n李娜\n", encoding="utf-8")
    assert read_unlabeled(str(path), dataset, reading=reading)["text"][:] == ["新的"]
