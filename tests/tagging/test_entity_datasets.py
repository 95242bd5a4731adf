"""Data sets of entities, in memory, saved and on the Hub."""

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value

from tests.reading.written_files import json_lines, write
from tests.tagging.entity_rows import CLUENER, SPANS, covered, spans_of
from utils.data.errors import DataError
from utils.tagging.ner_rows import FEATURES
from utils.tagging.readers_ner import load_ner, read_ner_dataset


@pytest.mark.parametrize("tag_key", ["ner_tags", "tags", "labels"])
@pytest.mark.parametrize("as_class", [True, False])
def test_data_set_of_tokens_is_turned_into_spans(tag_key, as_class):
    names = ["O", "B-PER", "I-PER"]
    tags = [[1, 2, 0], [0]] if as_class else [["B-PER", "I-PER", "O"], ["O"]]
    features = Features(
        {"tokens": List(Value("string")), tag_key: List(ClassLabel(names=names) if as_class else Value("string"))}
    )
    dataset = Dataset.from_dict(
        {"tokens": [["Peter", "Blackburn", "came"], ["home"]], tag_key: tags}, features=features
    )
    result = read_ner_dataset(dataset)
    assert covered(result) == [[("Peter Blackburn", "PER")], []]
    assert result.features == FEATURES


@pytest.mark.parametrize("text_key", ["text", "sentence", "content"])
def test_data_set_of_spans_is_read_under_each_name_of_the_text(text_key):
    entities = [[{"start": 0, "end": 3, "label": "name"}, {"start": 4, "end": 8, "label": "company"}], []]
    dataset = Dataset.from_dict({text_key: [record["text"] for record in CLUENER], "entities": entities, "id": [3, 4]})
    result = read_ner_dataset(dataset)
    assert spans_of(result) == SPANS
    assert result["id"][:] == ["3", "4"]
    assert read_ner_dataset(result).to_list() == result.to_list()


def test_data_set_with_entities_as_a_dict_of_lists_is_read():
    dataset = Dataset.from_dict(
        {"text": ["一二"], "entities": [{"start": [0, 1], "end": [1, 2], "label": ["X", "Y"]}]}
    )
    assert spans_of(read_ner_dataset(dataset)) == [[(0, 1, "X"), (1, 2, "Y")]]


def test_hidden_labels_of_the_hub_read_as_no_labels():
    features = Features({"tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=["O", "B-X"]))})
    dataset = Dataset.from_dict({"tokens": [["一", "二"]], "ner_tags": [[-1, -1]]}, features=features)
    assert read_ner_dataset(dataset)["entities"][:] == [[]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            {"sentences": ["a"], "tags": [["O"]]},
            "dataset: expected the columns text and entities, or tokens and ner_tags, found sentences, tags; "
            "rename them",
        ),
        ({"text": []}, "dataset: expected rows, found none; check how the data set was made"),
        (
            {"tokens": [["a"]], "ner_tags": [[3]]},
            'dataset, row 1: expected names of tags, such as "B-PER", found the number 3; name them in the order of '
            "their numbers: --label_names O,B-PER,I-PER",
        ),
        (
            {"text": ["ab", None], "entities": [[], []]},
            'dataset, row 2: expected "text": a string, found no such key; add the text',
        ),
        (
            {"text": ["ab"], "entities": [[{"start": 0, "end": 3, "label": "X"}]]},
            "dataset, row 1: expected the X entity inside the text of 2 characters, found [0, 3], end exclusive; "
            "correct the offsets",
        ),
    ],
)
def test_faults_of_a_data_set_name_the_row(columns, message):
    with pytest.raises(DataError) as raised:
        read_ner_dataset(Dataset.from_dict(columns))
    assert str(raised.value) == message


def test_saved_data_set_is_loaded_as_one_split_or_several(tmp_path):
    dataset = Dataset.from_dict({"tokens": [["一", "二"]], "ner_tags": [["B-X", "I-X"]]})
    dataset.save_to_disk(tmp_path / "one")
    DatasetDict(test=dataset, train=dataset).save_to_disk(tmp_path / "two")
    one, two = load_ner(str(tmp_path / "one")), load_ner(str(tmp_path / "two"))
    assert (list(one), sorted(two)) == (["train"], ["test", "train"])
    for loaded in (*one.values(), *two.values()):
        assert spans_of(loaded) == [[(0, 2, "X")]]


def test_folder_of_data_files_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "folder"
    folder.mkdir()
    for split in ("train", "test"):
        write(
            folder / f"{split}.jsonl",
            json_lines([{"text": "一二", "entities": [{"start": 0, "end": 1, "label": "X"}]}]),
        )
    loaded = load_ner(str(folder))
    assert sorted(loaded) == ["test", "train"]
    assert spans_of(loaded["test"]) == [[(0, 1, "X")]]


def test_label_of_a_split_that_training_has_not_is_an_error(tmp_path):
    splits = {
        split: Dataset.from_dict({"tokens": [["一"]], "ner_tags": [[tag]]})
        for split, tag in (("test", "B-Y"), ("train", "B-X"))
    }
    DatasetDict(splits).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=r"saved, test, row 1: expected a label of the training data \(X\), found Y"):
        load_ner(str(tmp_path / "saved"))


@pytest.mark.parametrize("damage", ["dataset_info.json", "state.json"])
def test_damaged_saved_data_set_is_a_data_error(tmp_path, damage):
    Dataset.from_dict({"text": ["一"], "entities": [[]]}).save_to_disk(tmp_path / "saved")
    write(tmp_path / "saved" / damage, "{")
    with pytest.raises(DataError, match="expected a data set on disk or on the Hub, found: "):
        load_ner(str(tmp_path / "saved"))


def test_name_that_is_offline_and_not_cached_says_what_to_do(monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)

    def refuse(*_):
        raise ConnectionError("Couldn't reach 'no/such' on the Hub (OfflineModeIsEnabled)")

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(DataError) as raised:
        load_ner("no/such")
    assert str(raised.value) == (
        "no/such: expected a data set on disk or on the Hub, found: Couldn't reach 'no/such' on the Hub "
        "(OfflineModeIsEnabled); this run is offline: load it once with a network connection, or download it, "
        "save it with save_to_disk() and give that directory"
    )


def test_file_is_no_data_set_name(tmp_path):
    with pytest.raises(
        DataError, match="expected a directory or a name on the Hub, found a file; give it as the train"
    ):
        load_ner(str(write(tmp_path / "train.json", "{}")))
