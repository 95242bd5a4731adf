"""Hard labels: given where the teacher is sure of every decision, and saved as training reads them."""

import numpy as np
import pytest
from datasets import Dataset, Features, Value

from utils.distillation.pseudo_labels import count_labels, label_rows, pseudo_file
from utils.distillation.span_cells import pack_cells
from utils.modeling.joined_windows import Entity
from utils.reading.readers_qa import read_qa
from utils.reading.readers_text import TextReader
from utils.scoring.decisions import DecisionRule
from utils.tagging.readers_ner import read_ner

TYPES = ["name", "place"]
SPAN = [{"start": Value("int64"), "end": Value("int64"), "label": Value("string")}]
ENTITIES = Features({"id": Value("string"), "text": Value("string"), "entities": SPAN})


def logs(rows):
    with np.errstate(divide="ignore"):
        return np.log(np.array(rows, dtype=np.float64)).astype(np.float16)


def test_class_is_given_where_it_is_probable_enough():
    rows = Dataset.from_dict({"id": ["a", "b"], "text": ["一", "二"], "label": ["x", "x"]})
    found = label_rows(rows, logs([[0.05, 0.95], [0.4, 0.6]]), "classes", ["x", "y"], confidence=0.9)
    assert found[:] == {"id": ["a"], "text": ["一"], "label": ["y"]}
    assert len(label_rows(rows, logs([[0.05, 0.95], [0.4, 0.6]]), "classes", ["x", "y"], confidence=0.6)) == 2


def test_each_of_several_labels_must_be_decided():
    rows = Dataset.from_dict({"id": ["a", "b", "c"], "text": ["一", "二", "三"], "labels": [["x"], ["y"], ["x"]]})
    odds = np.array([[4.0, -4.0], [4.0, 0.5], [-4.0, -4.0]])
    found = label_rows(rows, odds, "labels", ["y", "x"], confidence=0.9)
    assert found["id"][:] == ["a", "c"] and found["labels"][:] == [["y"], []]


def test_classes_are_those_that_the_teacher_answers_with_its_thresholds():
    rows = Dataset.from_dict({"id": ["a", "b"], "text": ["一", "二"], "label": ["x", "x"]})
    rule = DecisionRule(["y", "x"], positive=0, thresholds=[0.3]).in_order(["x", "y"])
    found = label_rows(rows, logs([[0.65, 0.35], [0.9, 0.1]]), "classes", ["x", "y"], confidence=0.3, rule=rule)
    assert found["label"][:] == ["y", "x"]
    found = label_rows(rows, logs([[0.65, 0.35], [0.9, 0.1]]), "classes", ["x", "y"], confidence=0.6, rule=rule)
    assert found["id"][:] == ["b"]  # of the other it is less sure than one half

    rows = Dataset.from_dict({"id": ["a"], "text": ["一"], "labels": [["x"]]})
    rule = DecisionRule(["y", "x"], multi_label=True, thresholds=[0.05, 0.5], temperature=3.0).in_order(["x", "y"])
    odds = np.array([[4.0, -2.0]])
    assert label_rows(rows, odds, "labels", ["x", "y"], confidence=0.1, rule=rule)["labels"][:] == [["x", "y"]]
    assert not len(label_rows(rows, odds, "labels", ["x", "y"], confidence=0.8, rule=rule))


def test_tagged_text_is_as_sure_as_its_least_sure_character():
    rows = Dataset.from_dict(
        {"id": ["a", "b"], "text": ["张 伟来", "李娜在"], "entities": [[], []]}, features=ENTITIES
    )
    sure = [[0.02, 0.95, 0.01, 0.01, 0.01], [np.nan] * 5, [0.05, 0.02, 0.91, 0.01, 0.01], [0.96] + [0.01] * 4]
    unsure = [sure[0], sure[2], [0.6, 0.1, 0.1, 0.1, 0.1]]
    found = label_rows(rows, [logs(sure).flatten(), logs(unsure).flatten()], "tags", TYPES, confidence=0.9)
    assert found["id"][:] == ["a"]
    assert found["entities"][0] == [{"start": 0, "end": 3, "label": "name"}]


def test_text_without_entities_is_a_label_too():
    rows = Dataset.from_dict({"id": ["a"], "text": ["来"], "entities": [[]]}, features=ENTITIES)
    assert label_rows(rows, [logs([[0.96] + [0.01] * 4]).flatten()], "tags", TYPES, confidence=0.9)["entities"][:] == [
        []
    ]
    assert label_rows(rows, [pack_cells([], TYPES)], "cells", TYPES, confidence=0.9)["entities"][:] == [[]]


def test_spans_are_kept_where_every_cell_is_decided_and_may_nest():
    rows = Dataset.from_dict({"id": ["a", "b"], "text": ["张伟在北京"] * 2, "entities": [[], []]}, features=ENTITIES)
    sure = [Entity(0, 5, "place", 0.97), Entity(0, 2, "name", 0.95), Entity(3, 5, "place", 0.04)]
    outputs = [pack_cells(sure, TYPES), pack_cells([*sure, Entity(3, 4, "name", 0.4)], TYPES)]
    found = label_rows(rows, outputs, "cells", TYPES, confidence=0.9, nested=True)
    assert found["id"][:] == ["a"]
    assert [(one["start"], one["end"]) for one in found["entities"][0]] == [(0, 2), (0, 5)]
    flat = label_rows(rows, outputs, "cells", TYPES, confidence=0.9)
    assert [(one["start"], one["end"]) for one in flat["entities"][0]] == [(0, 5)]


def test_answer_must_be_sure_of_both_ends():
    rows = Dataset.from_dict(
        {
            "id": ["a", "b", "c"],
            "question": ["谁"] * 3,
            "context": ["在北京开"] * 3,
            "answers": [{"text": ["北"], "answer_start": [1]}] * 3,
        }
    )
    starts, ends = np.full(6, 0.01), np.full(6, 0.01)
    starts[1 + 1], ends[1 + 3] = 0.95, 0.95
    none, unsure = np.full(6, 0.01), ends.copy()
    none[0], unsure[1 + 4] = 0.95, 0.6
    outputs = [logs([starts, ends]).flatten(), logs([starts, unsure]).flatten(), logs([none, none]).flatten()]
    found = label_rows(rows, outputs, "answers", [], confidence=0.9)
    assert found["id"][:] == ["a", "c"]
    assert found["answers"][:] == [{"text": ["北京"], "answer_start": [1]}, {"text": [], "answer_start": []}]
    found = label_rows(rows, outputs, "answers", [], confidence=0.9, answered=True)
    assert found["id"][:] == ["a"]  # of the last the best span is unlikely


def write(tmp_path, rows, train_file, separator=None, **columns):
    name, lines = pseudo_file(rows, train_file, columns=columns, separator=separator)
    (tmp_path / name).write_text("".join(lines), encoding="utf-8")
    return tmp_path / name


@pytest.mark.parametrize(
    ("train", "name"), [("a.tsv", ".tsv"), ("A.CSV.gz", ".csv"), ("a.json", ".jsonl"), (None, ".jsonl")]
)
@pytest.mark.parametrize("several", [False, True])
def test_file_of_classes_is_read_again_as_it_was(tmp_path, train, name, several):
    label = {"labels": [["x", "y"], ["y"]]} if several else {"label": ["x", "y"]}
    rows = Dataset.from_dict({"id": ["a", "b"], "text": ["一,二", '三"\t四'], "text_pair": ["五", "六\n七"], **label})
    columns = {"text": "Review", "label": "Sentiment"}
    path = write(tmp_path, rows, train, separator="|" if several else None, **columns)
    assert path.name == f"pseudo_labels{name}"
    reader = TextReader(
        text_column="Review",
        label_column="Sentiment",
        label_separator="|" if several else None,
        text_pair_column="text_pair",
    )
    assert reader.read(path)[:] == rows[:]


def test_file_of_entities_and_of_answers_is_read_again_as_it_was(tmp_path):
    spans = [[{"start": 0, "end": 2, "label": "name"}], [{"start": 0, "end": 1, "label": "place"}]]
    rows = Dataset.from_dict({"id": ["a", "b"], "text": ["张伟", "京"], "entities": spans}, features=ENTITIES)
    found = read_ner(write(tmp_path, rows, "train.txt"))
    assert found["text"][:] == rows["text"][:] and found["entities"][:] == rows["entities"][:]
    rows = Dataset.from_dict(
        {
            "id": ["a", "b"],
            "question": ["谁", "谁"],
            "context": ["张伟", "京"],
            "answers": [{"text": ["伟"], "answer_start": [1]}, {"text": [], "answer_start": []}],
        }
    )
    assert read_qa(write(tmp_path, rows, "train.json"))[:] == rows[:]


def test_labels_are_counted_for_the_log():
    rows = Dataset.from_dict({"label": ["y", "x", "y"]})
    assert count_labels(rows) == "2 y, 1 x"
    assert count_labels(Dataset.from_dict({"labels": [["a", "b"], ["b"], []]})) == "2 b, 1 a"
    assert count_labels(Dataset.from_dict({"label": [str(i) for i in range(9)]})).endswith("1 7, ...")
    spans = Dataset.from_dict({"text": ["张伟"], "entities": [[{"start": 0, "end": 2, "label": "name"}]]})
    assert count_labels(spans) == "1 name"
    assert (
        count_labels(
            Dataset.from_dict({"answers": [{"text": ["a"], "answer_start": [0]}, {"text": [], "answer_start": []}]})
        )
        == "1 an answer, 1 no answer"
    )
    assert count_labels(rows.select([])) == "none"
