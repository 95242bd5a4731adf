import subprocess
import sys

import pytest
from datasets import Dataset

from utils.data.errors import DataError
from utils.data.splits import split_by_text


def texts(*values):
    return Dataset.from_dict({"text": list(values), "id": [str(index) for index in range(len(values))]})


def test_rows_with_the_same_text_stay_on_one_side():
    dataset = texts(*(f"text {index % 37}" for index in range(200)))
    train, validation = split_by_text(dataset, seed=1)
    assert not set(train["text"]) & set(validation["text"])
    assert sorted(int(row_id) for split in (train, validation) for row_id in split["id"]) == list(range(200))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_share_is_met_exactly_when_texts_differ(share):
    train, validation = split_by_text(texts(*map(str, range(100))), validation_share=share, seed=0)
    assert (len(train), len(validation)) == (round(100 - 100 * share), round(100 * share))


def test_share_is_met_exactly_around_a_text_that_is_too_frequent():
    dataset = texts(*["often"] * 60, *map(str, range(40)))
    for seed in range(10):
        train, validation = split_by_text(dataset, seed=seed)
        assert len(validation) == 10
        assert train["text"][:].count("often") == 60


def test_smallest_text_is_taken_when_none_fits_the_share():
    train, validation = split_by_text(texts(*"aaaaabbbbcccccc"), seed=0)  # 1.5 of 15 rows are wanted
    assert (set(train["text"]), set(validation["text"])) == ({"a", "c"}, {"b"})


def test_one_more_text_is_taken_when_that_is_nearer_to_the_share():
    train, validation = split_by_text(texts(*"aaaaaaabbbbbbbccccccc"), validation_share=0.55, seed=0)
    assert (len(train), len(validation)) == (7, 14)  # 11.55 are wanted: 14 is nearer than 7


def test_rows_keep_their_order():
    for split in split_by_text(texts(*map(str, range(50))), seed=3):
        rows = [int(row_id) for row_id in split["id"]]
        assert rows == sorted(rows)


def test_two_rows_give_one_to_each_side():
    train, validation = split_by_text(texts("a", "b"), seed=0)
    assert (len(train), len(validation)) == (1, 1)


@pytest.mark.parametrize("share", [0.001, 0.999])
def test_each_side_gets_a_row_whatever_the_share(share):
    assert all(len(split) for split in split_by_text(texts(*"abcd"), validation_share=share, seed=0))


@pytest.mark.parametrize("values", [[], ["a"], ["a", "a"]])
def test_fewer_than_two_texts_cannot_be_split(values):
    dataset = Dataset.from_dict({"text": values})
    with pytest.raises(DataError, match="expected two different texts or more to split off a validation set, found"):
        split_by_text(dataset, seed=0)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_share_outside_zero_to_one_is_refused(share):
    with pytest.raises(ValueError, match="expected a validation share between 0 and 1"):
        split_by_text(texts("a", "b"), validation_share=share, seed=0)


def test_seed_decides_the_rows():
    dataset = texts(*map(str, range(100)))
    chosen = [split_by_text(dataset, seed=seed)[1]["id"][:] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_other_process_splits_alike():
    dataset = texts(*(f"text {index % 30}" for index in range(60)))
    program = (
        "from datasets import Dataset; from utils.data.splits import split_by_text; "
        "texts = [f'text {index % 30}' for index in range(60)]; "
        "dataset = Dataset.from_dict({'text': texts, 'id': list(map(str, range(60)))}); "
        "print(','.join(split_by_text(dataset, seed=5)[1]['id']))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip().split(",") == split_by_text(dataset, seed=5)[1]["id"][:]


def test_column_of_the_text_can_be_named():
    dataset = Dataset.from_dict({"context": ["a", "a", "b", "b"], "question": list("1234")})
    train, validation = split_by_text(dataset, validation_share=0.5, seed=0, text_column="context")
    assert len(set(train["context"])) == len(set(validation["context"])) == 1
