"""Counts of examples add up to the scores that scorers give."""

import json
import random
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from utils.data.errors import DataError
from utils.scoring import example_counts
from utils.scoring.decisions import DecisionRule


def rows_of(column, values):
    return Dataset.from_dict({"id": list(map(str, range(len(values)))), column: values})


def total(split, name):
    counts, metric = example_counts.metrics_of(split)[name]
    return float(metric(counts.sum(0)))


def test_entities_add_up_to_strict_scores():
    gold = [
        [{"start": 0, "end": 2, "label": "X"}, {"start": 3, "end": 4, "label": "Y"}],
        [{"start": 0, "end": 1, "label": "Y"}],
    ]
    found = [[SimpleNamespace(start=0, end=2, label="X", score=0.5)], [SimpleNamespace(start=0, end=1, label="X")]]
    split = example_counts.count_entities(rows_of("entities", gold), found)
    assert split["counts"] == [[1, 1, 2], [0, 1, 1]]
    assert [total(split, name) for name in ("f1", "precision", "recall")] == pytest.approx([0.4, 1 / 2, 1 / 3])


def test_classes_add_up_to_the_scores_of_scikit_learn():
    draw = random.Random(0)
    labels = ["a", "b", "c", "never"]
    gold, found = ([draw.choice(labels[:3]) for _ in range(50)] for _ in range(2))
    split = example_counts.count_classes(rows_of("label", gold), found, labels)
    assert total(split, "accuracy") == pytest.approx(accuracy_score(gold, found))
    assert total(split, "macro_f1") == pytest.approx(f1_score(gold, found, average="macro"))


def test_positive_class_of_two_has_its_own_scores():
    gold, found = ["a", "b", "b", "a", "b"], ["b", "b", "a", "a", "a"]
    split = example_counts.count_classes(rows_of("label", gold), found, ["a", "b"], 1)
    for name, score in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        assert total(split, name) == pytest.approx(score(gold, found, pos_label="b"))


def test_class_that_is_not_sure_enough_to_be_said_counts_as_in_the_scores():
    rule = DecisionRule(["a", "b"], abstain_below=0.9)
    verdicts = rule.verdicts(np.array([[5.0, 0.0], [0.0, 0.5], [0.0, 0.5]]))
    assert [verdict.labels for verdict in verdicts] == [["a"], [], []]
    rows = Dataset.from_dict({"id": ["1", "2", "3"], "label": ["a", "b", "a"]})
    split = example_counts.count_verdicts(rows, verdicts, rule)
    assert split["predicted"] == [0, 1, 1] and total(split, "accuracy") == pytest.approx(2 / 3)


def test_several_labels_add_up_to_micro_scores():
    split = example_counts.count_label_sets(rows_of("labels", [["a", "b"], ["a"]]), [["a"], ["a"]])
    gold, found = [[1, 1], [1, 0]], [[1, 0], [1, 0]]
    for name, score in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        assert total(split, name) == pytest.approx(score(gold, found, average="micro"))


def test_answers_are_means():
    split = example_counts.count_answers(rows_of("question", ["", ""]), [1, 0], [1, 0.5])
    assert total(split, "exact_match") == 0.5 and total(split, "f1") == 0.75


def test_what_is_written_comes_back(tmp_path):
    split = example_counts.count_answers(rows_of("question", [""]), [1], [1])
    (tmp_path / "example_counts.json").write_text(json.dumps({"test": split}), encoding="utf-8")
    assert example_counts.read_counts(tmp_path) == {"test": split}
    assert example_counts.read_counts(tmp_path / "nowhere") == {}


@pytest.mark.parametrize(
    "text",
    [
        '{"test": {"kind": "answers", "ids": ["1"], "exact": [], "f1": [1]}}',
        '{"test": {"kind": "other", "ids": []}}',
        '{"test": {"ids": []}}',
        '{"test": ',
        '{"test": 3}',
    ],
)
def test_damaged_files_are_named(tmp_path, text):
    (tmp_path / "example_counts.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"example_counts.json: expected counts of each example"):
        example_counts.read_counts(tmp_path)


def test_digest_of_rows_knows_texts_and_labels_and_no_order():
    rows = Dataset.from_dict({"id": ["1", "2"], "text": ["a", "b"], "label": ["x", "y"]})
    digest = example_counts.digest_rows(rows)
    assert example_counts.digest_rows(rows.select([1, 0])) == digest
    for name, value in (("text", ["a", "c"]), ("label", ["x", "x"]), ("id", ["1", "3"])):
        other = rows.to_dict() | {name: value}
        assert example_counts.digest_rows(Dataset.from_dict(other)) != digest


def test_columns_of_classes_do_not_depend_on_the_order_in_which_a_script_names_them():
    gold, found = ["b", "a", "c", "a"], ["b", "b", "c", "a"]
    splits = [example_counts.count_classes(rows_of("label", gold), found, labels) for labels in ("abc", "cab")]
    splits = [split | {"labels": list(split["labels"])} for split in splits]
    one, other = (example_counts.metrics_of(split)["macro_f1"][0] for split in splits)
    assert np.array_equal(one, other)
    for labels in ("ab", "ba"):
        split = example_counts.count_classes(rows_of("label", ["a", "b"]), ["a", "a"], labels, labels.index("b"))
        assert (total(split, "f1"), total(split, "recall")) == (0, 0)
