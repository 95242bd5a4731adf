"""What is the same in every run: its splits, what is held out, how scores are gathered, what is settled."""

import json
from types import SimpleNamespace

import pytest
from datasets import Dataset
from torch.utils.data import IterableDataset

from utils.data.errors import ArgumentError, DataError
from utils.data.splits import split_by_text
from utils.options.arguments import Options
from utils.options.shared_arguments import DataArguments
from utils.tasks.answers import Answers, SplitAnswers
from utils.tasks.run_folder import settle
from utils.tasks.split_data import add_evaluation, encode_splits, read_training
from utils.tasks.text_labels import Target

ROWS = Dataset.from_dict({"id": [str(i) for i in range(20)], "text": [f"text {i}" for i in range(20)]})


def read(path, split=None):
    return ROWS.select(range(5))


def splits(dataset, folder, data, **more):
    return add_evaluation(dataset, data, read=read, hold_out=split_by_text, seed=1, folder=folder, **more)


def test_training_file_takes_the_place_of_the_data_set_s_own():
    loaded = {"train": ROWS, "test": ROWS}
    data = DataArguments(dataset_name="set", train_file="train.txt")
    dataset = read_training(data, load=lambda name, config: dict(loaded), read=read)
    assert {split: len(rows) for split, rows in dataset.items()} == {"train": 5, "test": 20}


def test_run_without_data_is_refused():
    with pytest.raises(ArgumentError, match="nothing to do: give --train_file"):
        read_training(DataArguments(), load=None, read=read)


def test_share_is_held_out_by_seed_and_its_ids_are_written(tmp_path):
    dataset = splits({"train": ROWS}, tmp_path, DataArguments(train_file="a", validation_share=0.25))
    assert list(dataset) == ["train", "validation"] and len(dataset["validation"]) == 5
    assert json.loads((tmp_path / "validation_ids.json").read_text()) == dataset["validation"]["id"][:]
    again = splits({"train": ROWS}, tmp_path, DataArguments(train_file="a", validation_share=0.25))
    assert again["validation"]["id"][:] == dataset["validation"]["id"][:]


def test_test_share_comes_before_the_validation_share(tmp_path):
    dataset = splits({"train": ROWS}, tmp_path, DataArguments(train_file="a", validation_share=0.25), test_share=0.2)
    assert list(dataset) == ["train", "validation", "test"]
    assert {split: len(rows) for split, rows in dataset.items()} == {"train": 12, "validation": 4, "test": 4}


def test_files_are_no_reason_to_hold_out(tmp_path):
    data = DataArguments(train_file="a", validation_file="b", max_train_samples=7, max_eval_samples=2)
    dataset = splits({"train": ROWS}, tmp_path, data)
    assert {split: len(rows) for split, rows in dataset.items()} == {"train": 7, "validation": 2}
    assert not list(tmp_path.iterdir())


def test_nothing_is_held_out_of_data_that_are_only_scored(tmp_path):
    assert list(splits({}, tmp_path, DataArguments(test_file="b"))) == ["test"]


def test_evaluation_is_encoded_by_length_and_training_in_its_order(info):
    def encode(batch, indices):
        return {"input_ids": [[1] * len(text) for text in batch["text"]], "length": list(map(len, batch["text"])),
                "index": indices}  # fmt: skip

    encode.tokenizer = SimpleNamespace(unk_token_id=None, all_special_ids=[])
    rows = Dataset.from_dict({"id": ["a", "b", "c"], "text": ["1", "333", "22"]})
    encoded = encode_splits({"train": rows, "test": rows}, encode, describe=lambda inputs, rows: f"{len(inputs)} rows")
    assert encoded["train"]["id"][:] == ["a", "b", "c"] and encoded["test"]["id"][:] == ["b", "c", "a"]
    assert "train: 3 rows" in info.text and "test: 3 rows" in info.text


def test_answers_of_splits_become_results_with_their_prefix_and_files_of_the_last():
    found = SplitAnswers()
    labelled = {"scores": {"f1": 0.5}, "counts": {"kind": "classes"}, "errors": {"wrong": 1}, "report": {"a": 1}}
    found.add("validation", Answers("one", "shown", **labelled), costs={"eval_runtime": 2.0})
    found.add("test", Answers("two", report={}, submission=["row"]))
    assert found.results == {"eval_f1": 0.5, "eval_runtime": 2.0}
    assert found.reports == {"validation": {"a": 1}} and found.errors == {"validation": {"wrong": 1}}
    files = found.list_files()
    assert files["predictions.jsonl"] == "two" and files["submission.csv"] == ["row"]
    assert files["report.json"] == {"validation": {"a": 1}}
    assert files["example_counts.json"] == {"validation": {"kind": "classes"}}


def test_task_without_reports_leaves_none():
    found = SplitAnswers()
    found.add("test", Answers("lines"))
    assert "report.json" not in found.list_files() and "submission.csv" not in found.list_files()


def arguments(**fields):
    usual = {"eval_strategy": "epoch", "save_strategy": "epoch", "save_steps": 7, "eval_steps": None}
    return SimpleNamespace(**usual | {"load_best_model_at_end": True} | fields)


def test_run_without_validation_data_keeps_its_last_state(info):
    before = arguments()
    settled = settle(before, ROWS, None)
    assert (settled.eval_strategy, settled.load_best_model_at_end) == ("no", False)
    assert "no validation data" in info.text and before == arguments()  # which are only read


def test_stream_is_saved_and_evaluated_by_steps():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(())

    settled = settle(arguments(), Stream(), ROWS)
    assert (settled.save_strategy, settled.eval_strategy, settled.eval_steps) == ("steps", "steps", 7)
    assert settle(arguments(), ROWS, ROWS) == arguments()


def test_options_are_found_by_name_whoever_declares_them():
    choices = SimpleNamespace(given=frozenset({"seed"}), seed=3)
    options = Options((DataArguments(train_file="a"), choices), trains=True)
    assert (options.train_file, options.seed, options.given, options.trains) == ("a", 3, {"seed"}, True)
    assert not hasattr(options, "nothing_of_that_name")


@pytest.mark.parametrize(
    "labels, task, expected",
    [
        (["a", "b", "a"], "auto", (["a", "b"], False, "single_label_classification")),
        (["1.5", "2", "0.5"], "auto", (["score"], True, "regression")),
        (["1", "2", "2"], "auto", (["1", "2"], False, "single_label_classification")),
        (["1", "2", "2"], "regression", (["score"], True, "regression")),
        (["1.5", "2", "0.5"], "classification", (["0.5", "1.5", "2"], False, "single_label_classification")),
        ([["a"], ["a", "b"], []], "auto", (["a", "b"], False, "multi_label_classification")),
    ],
)
def test_target_is_known_by_the_labels(labels, task, expected):
    column = "labels" if isinstance(labels[0], list) else "label"
    rows = Dataset.from_dict({"text": ["x", "y", "z"], column: labels})
    target = Target.of(rows, task=task, positive=None)
    assert (list(target.labels), target.regression, target.rule.problem_type) == expected
    assert not target.pair and target.label2id == {label: i for i, label in enumerate(expected[0])}


def test_target_of_one_class_is_refused():
    with pytest.raises(DataError, match="expected two classes or more, found a"):
        Target.of(Dataset.from_dict({"text": ["x"], "label": ["a"]}), task="auto", positive=None)
