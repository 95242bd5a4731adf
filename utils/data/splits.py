"""A validation set where the data has none."""

import random

from datasets import Dataset

from .errors import DataError


def split_by_text(
    dataset: Dataset, *, validation_share: float = 0.1, seed: int, text_column: str = "text"
) -> tuple[Dataset, Dataset]:
    """Cut a data set in two, such that rows with the same text stay together.

    Rows are drawn by text until the share is filled, as nearly as whole texts allow; each side gets one text at least.

    Args:
        dataset: rows with a text.
        validation_share: part of the rows that goes to validation (0-1).
        seed: the same seed gives the same rows, in every process.
        text_column: where the text is.

    Returns:
        Train and validation, their rows in the order of `dataset`.

    Raises:
        DataError: there are fewer than two different texts.
        ValueError: the share is not between 0 and 1.

    Example:
        >>> dataset = Dataset.from_dict({"text": ["a", "b", "a"]})
        >>> [split["text"][:] for split in split_by_text(dataset, validation_share=0.3, seed=0)]
        [['a', 'a'], ['b']]
    """
    if not 0 < validation_share < 1:
        raise ValueError(f"expected a validation share between 0 and 1, found {validation_share}")
    rows_by_text: dict[str, list[int]] = {}
    for index, text in enumerate(dataset[text_column]):
        rows_by_text.setdefault(text, []).append(index)
    groups = list(rows_by_text.values())
    if len(groups) < 2:
        raise DataError(
            f"expected two different texts or more to split off a validation set, found {len(groups)}; "
            "give a validation file"
        )
    random.Random(seed).shuffle(groups)

    missing = min(max(round(len(dataset) * validation_share), 1), len(dataset) - 1)
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
    validation = set(chosen)
    train = [index for index in range(len(dataset)) if index not in validation]
    return dataset.select(train), dataset.select(sorted(validation))
