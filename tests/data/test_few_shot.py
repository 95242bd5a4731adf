"""Tests of utils/data/few_shot.py."""

from collections import Counter

import pytest
from datasets import Dataset

from utils.data.errors import DataError
from utils.data.few_shot import draw_few

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
