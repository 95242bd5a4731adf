"""A few examples of each class, drawn the same way on every machine."""

import random

from datasets import Dataset

from .errors import DataError


def draw_few(dataset: Dataset, per_class: int, *, seed: int) -> Dataset:
    """Draw examples of each class.

    Args:
        dataset: rows with `label`.
        per_class: examples of each.
        seed: the same seed draws the same rows, whatever the version of any library.

    Returns:
        The rows drawn, in their order.

    Raises:
        DataError: a class has fewer rows.
    """
    members: dict[str, list[int]] = {}
    for index, label in enumerate(dataset["label"][:]):
        members.setdefault(label, []).append(index)
    draw, chosen = random.Random(seed), []
    for label in sorted(members):
        if len(members[label]) < per_class:
            raise DataError(
                f"the training data: expected {per_class} rows or more of each class, found {len(members[label])} of "
                f"{label}; lower --few_shot"
            )
        # By `random`, whose integers below a bound are the same in every version of Python 3.
        rows = members[label]
        for place in range(per_class):
            other = place + int(draw.random() * (len(rows) - place))
            rows[place], rows[other] = rows[other], rows[place]
        chosen += rows[:per_class]
    return dataset.select(sorted(chosen))
