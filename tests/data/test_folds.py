"""Folds hold every row once, keep what belongs together, and spread classes evenly."""

from collections import Counter

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from utils.data.errors import DataError
from utils.data.folds import assign_folds, hold_out_fold


def texts(count, *, distinct=None):
    return [f"text {i % (distinct or count)}" for i in range(count)]


def test_each_class_is_spread_evenly():
    rows = Dataset.from_dict({"text": texts(100), "label": ["a"] * 70 + ["b"] * 25 + ["c"] * 5})
    found = Counter(zip(rows["label"][:], assign_folds(rows, 5, seed=1), strict=True))
    assert {label: {found[label, fold] for fold in range(1, 6)} for label in "abc"} == {"a": {14}, "b": {5}, "c": {1}}


@pytest.mark.parametrize(
    "column, values, is_rare",
    [
        ("labels", [["x"], ["x", "rare"], [], ["y"]] * 10, lambda i: i % 4 == 1),
        (
            "entities",
            [[{"start": 0, "end": 1, "label": kind} for kind in kinds] for kinds in ("A", "AB", "", "C")] * 10,
            lambda i: i % 4 == 1,
        ),
        (
            "answers",
            [{"text": ["a"], "answer_start": [0]}, {"text": [], "answer_start": []}] * 20,
            lambda i: i % 2 == 1,
        ),
        ("label", [i / 7 for i in range(40)], lambda i: i < 4),
    ],
)
def test_whatever_rows_have_is_spread(column, values, is_rare):
    text = {"context": texts(40), "question": texts(40)} if column == "answers" else {"text": texts(40)}
    fold_of = assign_folds(Dataset.from_dict(text | {column: values}), 4, seed=3)
    assert Counter(fold_of) == {1: 10, 2: 10, 3: 10, 4: 10}
    per_fold = Counter(fold for i, fold in enumerate(fold_of) if is_rare(i))
    assert max(per_fold.values()) - min(per_fold.values()) <= 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 8), st.sampled_from("ab")), min_size=20, max_size=40))
def test_equal_texts_and_groups_never_stand_in_two_folds(drawn):
    rows = Dataset.from_dict(
        {"text": [f"t{text}" for text, _, _ in drawn], "group": [str(group) for _, group, _ in drawn]}
        | {"label": [label for *_, label in drawn]}
    )
    try:
        fold_of = assign_folds(rows, 2, seed=0)
    except DataError as error:  # texts and groups link all rows
        assert "found 1" in str(error)
        return
    for column in ("text", "group"):
        folds = {}
        for key, fold in zip(rows[column][:], fold_of, strict=True):
            folds.setdefault(key, set()).add(fold)
        assert all(len(found) == 1 for found in folds.values())


def test_pairs_are_equal_only_if_both_texts_are():
    rows = {"text": ["a"] * 6, "text_pair": list("uvwxyz"), "label": list("121212")}
    assert len(set(assign_folds(Dataset.from_dict(rows), 3, seed=0))) == 3


def test_the_seed_decides():
    rows = Dataset.from_dict({"text": texts(50), "label": list("ab") * 25})
    assert assign_folds(rows, 5, seed=1) == assign_folds(rows, 5, seed=1) != assign_folds(rows, 5, seed=2)


def test_each_row_is_held_out_once():
    rows = Dataset.from_dict(
        {"id": [str(i) for i in range(31)], "text": texts(31, distinct=20), "label": list("a" * 31)}
    )
    held_out = []
    for fold in (1, 2, 3):
        train, validation = hold_out_fold(rows, 3, fold, seed=4)
        assert sorted([*train["id"], *validation["id"]], key=int) == rows["id"][:]
        held_out += validation["id"]
    assert sorted(held_out, key=int) == rows["id"][:]


def test_classes_too_rare_for_every_fold_are_dealt_out_all_the_same():
    rows = Dataset.from_dict({"text": texts(12), "label": [f"class {i // 2}" for i in range(12)]})
    assert Counter(assign_folds(rows, 4, seed=0)) == {1: 3, 2: 3, 3: 3, 4: 3}


def test_too_few_texts_are_refused():
    rows = Dataset.from_dict({"text": ["a", "a", "b"], "label": ["x", "x", "y"]})
    with pytest.raises(DataError, match="--folds 3: expected as many different texts or more, found 2"):
        assign_folds(rows, 3, seed=0)
