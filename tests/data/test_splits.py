import os
import random
import subprocess
import sys
from collections import Counter

import pytest
from datasets import Dataset

from utils.data.errors import DataError
from utils.data.splits import split_by_class, split_by_text


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


# By class


def classes(pairs, **columns):
    """A data set of (text, label) pairs, numbered."""
    rows = [str(index) for index in range(len(pairs))]
    return Dataset.from_dict(
        {"id": rows, "text": [text for text, _ in pairs], "label": [label for _, label in pairs]} | columns
    )


def sizes(*counts):
    """A data set with classes of these sizes, all texts different."""
    return classes([(f"{label} {index}", str(label)) for label, count in enumerate(counts) for index in range(count)])


def test_each_class_gives_its_share():
    _, validation = split_by_class(sizes(1000, 200, 50, 10), seed=0)
    assert Counter(validation["label"]) == {"0": 100, "1": 20, "2": 5, "3": 1}


@pytest.mark.parametrize("size", [2, 3, 4, 6, 11, 14, 15, 16, 19])
def test_shares_of_many_small_classes_add_up(size):
    dataset = sizes(*[size] * 200)
    train, validation = split_by_class(dataset, seed=1)
    assert len(validation) == pytest.approx(len(dataset) * 0.1, abs=1)
    assert set(train["label"]) == set(dataset["label"])
    assert set(Counter(validation["label"]).values()) <= {max(size // 10, 1), size // 10 + 1}


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_classes_of_ten_to_twenty_rows_give_the_share(share):
    draw = random.Random(0)
    dataset = sizes(*[draw.randint(10, 20) for _ in range(150)])
    for seed in range(5):
        _, validation = split_by_class(dataset, validation_share=share, seed=seed)
        assert abs(len(validation) - share * len(dataset)) <= 1


def test_texts_of_all_sorts_stay_on_one_side_and_no_label_is_lost():
    for seed in range(30):
        draw = random.Random(seed)
        dataset = classes(
            [(f"text {draw.randrange(60)}", str(min(draw.randrange(9), draw.randrange(9)))) for _ in range(120)]
        )
        train, validation = split_by_class(dataset, validation_share=0.2, seed=seed)
        assert not set(train["text"]) & set(validation["text"])
        assert set(train["label"]) == set(dataset["label"])
        assert sorted(int(row) for split in (train, validation) for row in split["id"]) == list(range(120))
        assert abs(len(validation) - 24) <= 2


def test_class_with_one_text_stays_in_train():
    dataset = classes([("a", "once"), ("b", "twice"), ("b", "twice"), *((f"c {i}", "often") for i in range(20))])
    for seed in range(10):
        _, validation = split_by_class(dataset, validation_share=0.5, seed=seed)
        assert set(validation["label"]) == {"often"}


def test_other_classes_give_more_for_classes_with_one_text_but_half_at_most():
    many = classes([*((f"a {i}", f"once {i}") for i in range(100)), *((f"b {i}", "often") for i in range(100))])
    assert len(split_by_class(many, seed=0)[1]) == 20
    few = classes([*((f"a {i}", f"once {i}") for i in range(100)), *((f"b {i}", "often") for i in range(10))])
    assert len(split_by_class(few, seed=0)[1]) == 5


def test_what_classes_with_one_text_owe_is_shared_out_evenly():
    texts_of_one = [(f"a {i}", f"once {i}") for i in range(100)]
    dataset = classes([*texts_of_one, *((f"{label} {i}", label) for label in "xy" for i in range(100))])
    assert Counter(split_by_class(dataset, seed=0)[1]["label"]) == {"x": 15, "y": 15}


@pytest.mark.parametrize("share", [0.5, 0.7, 0.95])
def test_every_label_keeps_a_text_in_train_however_large_the_share(share):
    dataset = sizes(*[2] * 20, *[5] * 5)
    for seed in range(5):
        train, validation = split_by_class(dataset, validation_share=share, seed=seed)
        assert set(train["label"]) == set(dataset["label"])
        assert len(validation) == min(round(65 * share), 65 - 25)


@pytest.mark.parametrize(("share", "rows"), [(0.5, 7), (0.55, 14)])  # 10.5 and 11.55 of 21 are wanted
def test_text_that_does_not_fit_is_taken_only_if_that_is_nearer(share, rows):
    dataset = classes([(text, "x") for text in "aaaaaaabbbbbbbccccccc"])
    assert len(split_by_class(dataset, validation_share=share, seed=0)[1]) == rows


def test_seed_decides_which_small_classes_give_a_row():
    chosen = [frozenset(split_by_class(sizes(*[2] * 20), seed=seed)[1]["label"]) for seed in range(10)]
    assert len(set(chosen)) > 5


def test_pairs_count_as_one_text_only_if_both_sides_are_the_same():
    pairs = [("a", "1"), ("a", "1"), ("a", "2"), ("a", "2")]
    dataset = classes(pairs, text_pair=["x", "y", "x", "z"])
    for seed in range(10):
        train, validation = split_by_class(dataset, validation_share=0.5, seed=seed)
        assert len(validation) in (1, 2)
        assert not set(zip(train["text"], train["text_pair"], strict=True)) & set(
            zip(validation["text"], validation["text_pair"], strict=True)
        )


def test_rows_of_several_labels_are_split_by_the_rarest():
    labels = [["common", "rare"]] * 20 + [["common"]] * 180 + [[]] * 100
    dataset = Dataset.from_dict({"text": [str(index) for index in range(300)], "labels": labels})
    _, validation = split_by_class(dataset, seed=0)
    assert Counter(map(tuple, validation["labels"])) == {("common", "rare"): 2, ("common",): 18, (): 10}


def test_label_that_always_comes_with_rarer_ones_is_left_in_train():
    dataset = Dataset.from_dict({"text": list("abcd"), "labels": [["all", "x"], ["all", "x"], ["all", "y"], ["y"]]})
    for seed in range(20):
        train, _ = split_by_class(dataset, validation_share=0.5, seed=seed)
        assert {label for labels in train["labels"] for label in labels} == {"all", "x", "y"}


def test_rows_split_by_class_keep_their_order():
    for split in split_by_class(sizes(30, 20), seed=3):
        rows = [int(row) for row in split["id"]]
        assert rows == sorted(rows)


def test_smallest_text_is_taken_when_no_class_has_one_that_fits():
    dataset = classes([*[("a", "x")] * 5, *[("b", "x")] * 6, *[("c", "y")] * 4, *[("d", "y")] * 7])
    train, validation = split_by_class(dataset, seed=0)  # 2 of 22 rows are wanted
    assert (len(train), set(validation["text"])) == (18, {"c"})


def test_seed_decides_the_rows_of_each_class():
    dataset = sizes(40, 40)
    chosen = [split_by_class(dataset, seed=seed)[1]["id"][:] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]


def test_other_process_splits_by_class_alike():
    program = (
        "from datasets import Dataset; from utils.data.splits import split_by_class; "
        "dataset = Dataset.from_dict({'id': list(map(str, range(90))), 'text': [f't{i % 80}' for i in range(90)], "
        "'labels': [[f'a{i % 6}', f'b{i // 15}'] for i in range(90)]}); "
        "print(','.join(split_by_class(dataset, seed=5)[1]['id']))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    dataset = Dataset.from_dict(
        {
            "id": list(map(str, range(90))),
            "text": [f"t{i % 80}" for i in range(90)],
            "labels": [[f"a{i % 6}", f"b{i // 15}"] for i in range(90)],
        }
    )
    assert found.stdout.strip().split(",") == split_by_class(dataset, seed=5)[1]["id"][:]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (classes([("a", "x"), ("a", "x")]), "expected two different texts or more to split off a .*, found 1"),
        (classes([("a", "x"), ("b", "y")]), "expected a label with two different texts or more to split off a"),
        (texts("a", "b"), "expected labels for splitting off a validation set, found none; add labels to the "),
    ],
)  # fmt: skip
def test_data_that_cannot_be_split_by_class_says_so(dataset, message):
    with pytest.raises(DataError, match=message):
        split_by_class(dataset, seed=0)


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_share_outside_zero_to_one_is_refused_by_class(share):
    with pytest.raises(ValueError, match="expected a validation share between 0 and 1"):
        split_by_class(sizes(2, 2), validation_share=share, seed=0)
