"""Data sets of texts with classes, in memory and saved."""

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from tests.reading.bad_text_json import NO_TEXTS, OPTIONS
from tests.reading.class_rows import PAIRS, ROWS
from tests.reading.written_files import write
from utils.data.errors import DataError
from utils.reading.readers_text import TextReader


def test_class_names_of_a_data_set_are_taken():
    features = Features(
        {"sentence": Value("string"), "label": ClassLabel(names=["neg", "pos"]), "idx": Value("int32")}
    )
    dataset = Dataset.from_dict({"sentence": ["很好", "很差"], "label": [1, 0], "idx": [0, 1]}, features=features)
    assert TextReader().turn(dataset).to_list() == ROWS


def test_class_names_in_lists_are_taken():
    features = Features({"text": Value("string"), "labels": List(ClassLabel(names=["b", "a"]))})
    dataset = Dataset.from_dict({"text": ["一", "二"], "labels": [[0, 1], []]}, features=features)
    assert TextReader().turn(dataset)["labels"][:] == [["a", "b"], []]


@pytest.mark.parametrize("feature", [ClassLabel(names=["neg", "pos"]), Value("int64")])
def test_hidden_labels_of_the_hub_are_no_labels(feature):
    features = Features({"text": Value("string"), "label": feature})
    dataset = Dataset.from_dict({"text": ["一", "二"], "label": [-1, -1]}, features=features)
    assert TextReader().turn(dataset, labels=["neg", "pos"]).column_names == ["id", "text"]


def test_minus_one_is_a_label_if_training_has_it():
    dataset = Dataset.from_dict({"text": ["一"], "label": [-1]})
    assert TextReader().turn(dataset, labels=["-1", "1"])["label"][:] == ["-1"]


def test_id_of_minus_one_is_an_id():
    assert TextReader().turn(Dataset.from_dict({"text": ["一"], "idx": [-1]}))["id"][:] == ["-1"]


def test_data_set_that_was_read_reads_back_the_same():
    dataset = Dataset.from_list(PAIRS)
    assert TextReader().turn(dataset).to_list() == PAIRS


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"words": ["a"], "label": ["b"]}, f"dataset: {NO_TEXTS} words, label; {OPTIONS}"),
        ({"text": []}, "dataset: expected rows, found none; check how the data set was made"),
        ({"text": ["一", None]}, 'dataset, row 2: expected "text": a string, found null; write the text in quotes'),
        ({"text": ["一", "二"], "label": ["a", None]},
         "dataset, row 2: expected a label as in other rows, found none; add it"),
        ({"text": [5]}, 'dataset, row 1: expected "text": a string, found 5; write the text in quotes'),
    ],
)  # fmt: skip
def test_faults_of_a_data_set_name_the_row(columns, message):
    with pytest.raises(DataError) as raised:
        TextReader().turn(Dataset.from_dict(columns))
    assert str(raised.value) == message


def test_hidden_label_of_one_row_is_a_missing_one():
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a"])})
    dataset = Dataset.from_dict({"text": ["一", "二"], "label": [0, -1]}, features=features)
    with pytest.raises(DataError, match="dataset, row 2: expected a label as in other rows, found none"):
        TextReader().turn(dataset)


def test_saved_data_set_is_loaded_as_one_split_or_several(tmp_path):
    dataset = Dataset.from_list(ROWS)
    dataset.save_to_disk(tmp_path / "one")
    DatasetDict(test=dataset, train=dataset).save_to_disk(tmp_path / "two")
    one, two = TextReader().load(str(tmp_path / "one")), TextReader().load(str(tmp_path / "two"))
    assert (list(one), sorted(two)) == (["train"], ["test", "train"])
    for loaded in (*one.values(), *two.values()):
        assert loaded.to_list() == ROWS


def test_folder_of_data_files_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "folder").mkdir()
    for split in ("train", "test"):
        write(tmp_path / "folder" / f"{split}.csv", "sentence,sort\n很好,pos\n很差,neg\n")
    loaded = TextReader(label_column="sort").load(str(tmp_path / "folder"))
    assert sorted(loaded) == ["test", "train"]
    assert loaded["test"].to_list() == ROWS


def test_label_of_a_split_that_training_has_not_is_an_error(tmp_path):
    splits = {
        split: Dataset.from_dict({"text": ["一"], "label": [label]})
        for split, label in (("test", "b"), ("train", "a"))
    }
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=r"saved, test, row 1: expected a label of the training data \(a\), found b"):
        TextReader().load(str(tmp_path / "saved"))
