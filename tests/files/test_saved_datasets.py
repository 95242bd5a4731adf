import gzip
import json

import datasets
import pytest
from datasets import Dataset, DatasetDict

from tests.reading.data_errors import message_of
from utils.files.parquet_files import read_parquet
from utils.files.saved_datasets import load_splits

DATASET = Dataset.from_dict({"text": ["一", "二"]})


def test_saved_data_set_is_the_train_split(tmp_path):
    DATASET.save_to_disk(tmp_path / "saved")
    splits = load_splits(str(tmp_path / "saved"))
    assert {name: split.to_list() for name, split in splits.items()} == {"train": DATASET.to_list()}


def test_saved_splits_keep_their_names(tmp_path):
    DatasetDict(test=DATASET, dev=DATASET.select([0])).save_to_disk(tmp_path / "saved")
    splits = load_splits(str(tmp_path / "saved"))
    assert type(splits) is dict
    assert {name: len(split) for name, split in splits.items()} == {"test": 2, "dev": 1}


def test_folder_of_data_files_is_loaded_by_split(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (tmp_path / "folder").mkdir()
    for split in ("train", "test"):
        (tmp_path / "folder" / f"{split}.jsonl").write_text(json.dumps({"text": split}) + "\n")
    assert {name: split["text"][:] for name, split in load_splits(str(tmp_path / "folder")).items()} == {
        "train": ["train"],
        "test": ["test"],
    }


def test_name_and_configuration_go_to_the_hub(monkeypatch):
    asked = []

    def load(*names):
        asked.append(names)
        return DatasetDict(validation=DATASET)

    monkeypatch.setattr(datasets, "load_dataset", load)
    assert list(load_splits("owner/name", "zh")) == ["validation"]
    assert asked == [("owner/name", "zh")]


def test_file_is_no_data_set(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("text\na\n")
    assert message_of(load_splits, str(path)) == (
        f"{path}: expected a directory or a name on the Hub, found a file; give it as the train file"
    )


@pytest.mark.parametrize("damage", ["dataset_info.json", "state.json"])
def test_damaged_directory_is_a_data_error(tmp_path, damage):
    DATASET.save_to_disk(tmp_path / "saved")
    (tmp_path / "saved" / damage).write_text("{")
    found = message_of(load_splits, str(tmp_path / "saved"))
    assert found.startswith(f"{tmp_path / 'saved'}: expected a data set on disk or on the Hub, found: ")
    assert found.endswith("download it, save it with save_to_disk() and give that directory")


@pytest.mark.parametrize(
    ("offline", "advice"),
    [
        (True, "this run is offline: load it once with a network connection, or download it"),
        (False, "check the name and the network connection, or download it"),
    ],
)
def test_name_that_cannot_be_loaded_says_what_to_do(monkeypatch, offline, advice):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", offline)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", offline)

    def refuse(*_):
        raise ConnectionError("Couldn't reach it\nand more")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    assert message_of(load_splits, "no/such") == (
        "no/such: expected a data set on disk or on the Hub, found: Couldn't reach it; "
        f"{advice}, save it with save_to_disk() and give that directory"
    )


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_parquet_file_is_read_gzipped_or_not(tmp_path, pack):
    DATASET.to_parquet(tmp_path / "plain.parquet")
    (tmp_path / "a.parquet").write_bytes(pack((tmp_path / "plain.parquet").read_bytes()))
    assert read_parquet(tmp_path / "a.parquet").to_list() == DATASET.to_list()


def test_cut_parquet_file_gets_its_message(tmp_path):
    DATASET.to_parquet(tmp_path / "plain.parquet")
    path = tmp_path / "a.parquet"
    path.write_bytes((tmp_path / "plain.parquet").read_bytes()[:-4])
    found = message_of(read_parquet, path)
    assert found.startswith(f"{path}: expected a parquet file, found: Parquet magic bytes not found in footer")
    assert found.endswith("; write or copy it again")
