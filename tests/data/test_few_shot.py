"""Tests of utils/data/few_shot.py."""

from collections import Counter

import pytest
from datasets import Dataset

from utils.data.errors import DataError
from utils.data.few_shot import draw_few, draw_few_texts

ROWS = Dataset.from_dict({"id": [str(i) for i in range(60)], "label": ["abc"[i % 3] for i in range(60)]})


def test_each_class_gives_as_many_rows_in_their_order():
    few = draw_few(ROWS, 4, seed=1)
    assert Counter(few["label"][:]) == {"a": 4, "b": 4, "c": 4}
    assert [int(id) for id in few["id"][:]] == sorted(int(id) for id in few["id"][:])


def test_seed_decides_and_nothing_else_does():
    assert draw_few(ROWS, 4, seed=1)["id"][:] == draw_few(ROWS, 4, seed=1)["id"][:]
    assert draw_few(ROWS, 4, seed=1)["id"][:] != draw_few(ROWS, 4, seed=2)["id"][:]
    # Written down, so that another version of a library that drew otherwise would be seen.
    assert draw_few(ROWS, 1, seed=1)["id"][:] == ["6", "47", "49"]


def test_every_row_is_drawn_as_often():
    drawn = Counter(id for seed in range(600) for id in draw_few(ROWS, 5, seed=seed)["id"][:])
    assert len(drawn) == 60 and min(drawn.values()) > 100 and max(drawn.values()) < 200


def test_all_rows_of_a_class_can_be_drawn_and_no_more():
    assert len(draw_few(ROWS, 20, seed=1)) == 60
    with pytest.raises(DataError, match="expected 21 rows or more of each class, found 20 of a; lower --few_shot"):
        draw_few(ROWS, 21, seed=1)


def entities(labels):
    return [{"start": i, "end": i + 1, "label": label} for i, label in enumerate(labels)]


TEXTS = Dataset.from_dict(
    {"id": [*map(str, range(40))], "entities": [entities(["", "x", "xy", "xxx"][i % 4]) for i in range(40)]}
)


def test_texts_are_drawn_until_each_type_has_enough_and_none_for_nothing():
    for seed in range(20):
        few = draw_few_texts(TEXTS, 5, seed=seed)
        held = Counter(one["label"] for each in few["entities"][:] for one in each)
        assert held["y"] == 5 and 5 <= held["x"] <= 5 + 2 + 4
        assert all(few["entities"][:]) and [int(id) for id in few["id"][:]] == sorted(map(int, few["id"][:]))


def test_seed_alone_decides_which_texts_are_drawn():
    assert draw_few_texts(TEXTS, 3, seed=1)["id"][:] == draw_few_texts(TEXTS, 3, seed=1)["id"][:]
    assert draw_few_texts(TEXTS, 3, seed=1)["id"][:] != draw_few_texts(TEXTS, 3, seed=2)["id"][:]
    # Written down, so that another version of a library that drew otherwise would be seen.
    assert draw_few_texts(TEXTS, 1, seed=1)["id"][:] == ["5", "34"]


def test_more_entities_of_a_type_than_there_are_is_an_error():
    drawn = draw_few_texts(TEXTS, 10, seed=0)["entities"][:]
    assert [one["label"] for each in drawn for one in each].count("y") == 10
    with pytest.raises(DataError, match="expected 11 entities or more of each type, found 10 of y; lower --few_shot"):
        draw_few_texts(TEXTS, 11, seed=0)
    with pytest.raises(DataError, match="found 0 of any type"):
        draw_few_texts(TEXTS.select([0, 4]), 1, seed=0)
