"""Splits off a validation set where the data has none."""

import random
from collections import Counter
from collections.abc import Hashable, Iterable

from datasets import Dataset

from .errors import DataError


def split_by_text(
    dataset: Dataset, *, validation_share: float = 0.1, seed: int, text_column: str = "text"
) -> tuple[Dataset, Dataset]:
    """Cut a data set into train and validation, in its order, so that rows with the same text stay together.

    Rows are drawn by text until the share is filled, as nearly as whole texts allow; each side gets at least one text.

    Args:
        dataset: rows with a text.
        validation_share: part of the rows that goes to validation (0-1).
        seed: the same seed gives the same rows, in every process.

    Raises:
        DataError: there are fewer than two different texts.
        ValueError: the share is not between 0 and 1.

    Example:
        >>> dataset = Dataset.from_dict({"text": ["a", "b", "a"]})
        >>> [split["text"][:] for split in split_by_text(dataset, validation_share=0.3, seed=0)]
        [['a', 'a'], ['b']]
    """
    groups = _group_rows(dataset[text_column][:], validation_share)
    random.Random(seed).shuffle(groups)

    missing = _count_validation(len(dataset), validation_share)
    chosen: list[int] = []
    passed = []
    for group in groups:
        if len(group) <= missing:
            chosen += group
            missing -= len(group)
        else:
            passed.append(group)
    smallest = min(passed, key=len)  # never empty: the sum of all groups is more than what was missing
    if not chosen or (len(passed) > 1 and len(smallest) - missing < missing):
        chosen += smallest
    return _cut(dataset, chosen)


def split_by_class(dataset: Dataset, *, validation_share: float = 0.1, seed: int) -> tuple[Dataset, Dataset]:
    """Cut a data set as `split_by_text` does, with the same share of each class.

    A row with several labels counts for the rarest of them, and so do rows of one text that differ in their labels. A
    class may give slightly too many or too few rows; the next class makes up for it, so that the shares of many small
    classes add up. Each label keeps a text in train, so a label with one text has none in validation. Other classes
    give more instead, but no more than half of their rows (or the share, if that is more).

    Args:
        dataset: rows with `text`, `text_pair` if there are pairs, and `label` or `labels`.
        validation_share, seed: as in `split_by_text`.

    Raises:
        DataError: there are no labels, fewer than two different texts, or no label with two texts.
        ValueError: the share is not between 0 and 1.

    Example:
        >>> dataset = Dataset.from_dict({"text": list("abcdef"), "label": list("112233")})
        >>> [sorted(split["label"]) for split in split_by_class(dataset, validation_share=0.5, seed=0)]
        [['1', '2', '3'], ['1', '2', '3']]
    """
    texts = dataset["text"][:]
    if "text_pair" in dataset.column_names:
        texts = zip(texts, dataset["text_pair"][:], strict=True)
    groups = _group_rows(texts, validation_share)
    labels = _labels_of_rows(dataset)
    rows_of_label = Counter(label for given in labels for label in given)

    # The labels of each group's rows, the rarest first; and for each label, how many texts are left in train.
    group_labels = [
        sorted({label for row in group for label in labels[row]}, key=lambda label: (rows_of_label[label], label))
        for group in groups
    ]
    texts_left = Counter(label for given in group_labels for label in given)
    strata: dict[str, list[int]] = {}
    for index, given in enumerate(group_labels):
        if all(texts_left[label] > 1 for label in given):
            strata.setdefault(given[0], []).append(index)
    if not strata:
        raise DataError(
            "expected a label with two different texts or more to split off a validation set, found none; "
            "give a validation file"
        )
    sizes = {label: sum(len(groups[index]) for index in indices) for label, indices in strata.items()}
    movable = sum(sizes.values())
    most = max(round(movable * max(validation_share, 0.5)), 1)
    wanted = min(_count_validation(len(dataset), validation_share), most)

    draw = random.Random(seed)
    order = list(strata)
    draw.shuffle(order)
    taken: set[int] = set()
    chosen: list[int] = []

    def take(index: int) -> bool:
        """Move a group to validation, unless it has the last text of a label."""
        if any(texts_left[label] == 1 for label in group_labels[index]):
            return False
        texts_left.subtract(group_labels[index])
        taken.add(index)
        chosen.extend(groups[index])
        return True

    def by_size(indices: Iterable[int]) -> list[int]:
        return sorted((index for index in indices if index not in taken), key=lambda index: len(groups[index]))

    due = 0  # rows of the strata so far
    for label in order:
        draw.shuffle(strata[label])
        due += sizes[label]
        quota = wanted * due / movable  # rows that validation should have by now
        for index in strata[label]:
            if len(groups[index]) <= quota - len(chosen):
                take(index)
        for index in by_size(strata[label])[:1]:  # one more, if that is nearer to the quota
            if len(groups[index]) < 2 * (quota - len(chosen)):
                take(index)
    rest = [index for label in order for index in strata[label]]
    draw.shuffle(rest)
    for index in by_size(rest):  # what is still missing, as texts or labels ran out
        if len(groups[index]) <= wanted - len(chosen) or not chosen:
            take(index)
    return _cut(dataset, chosen)


def _labels_of_rows(dataset: Dataset) -> list[list]:
    if "labels" in dataset.column_names:
        return [given or [""] for given in dataset["labels"][:]]
    if "label" in dataset.column_names:
        return [[label] for label in dataset["label"][:]]
    raise DataError("expected labels for splitting off a validation set, found none; add labels to the train file")


def _group_rows(texts: Iterable[Hashable], validation_share: float) -> list[list[int]]:
    """The row numbers of each text."""
    if not 0 < validation_share < 1:
        raise ValueError(f"expected a validation share between 0 and 1, found {validation_share}")
    rows_by_text: dict[Hashable, list[int]] = {}
    for index, text in enumerate(texts):
        rows_by_text.setdefault(text, []).append(index)
    if len(rows_by_text) < 2:
        raise DataError(
            f"expected two different texts or more to split off a validation set, found {len(rows_by_text)}; "
            "give a validation file"
        )
    return list(rows_by_text.values())


def _count_validation(rows: int, share: float) -> int:
    return min(max(round(rows * share), 1), rows - 1)


def _cut(dataset: Dataset, chosen: Iterable[int]) -> tuple[Dataset, Dataset]:
    validation = set(chosen)
    train = [index for index in range(len(dataset)) if index not in validation]
    return dataset.select(train), dataset.select(sorted(validation))
