"""A few examples of each class, or of each entity type, drawn the same way on every machine."""

import random
from collections import Counter

from datasets import Dataset

from .errors import DataError


def draw_few(dataset: Dataset, per_class: int, *, seed: int) -> Dataset:
    """Draw examples of each class, and give them in the order of the data set.

    Args:
        dataset: rows with `label`.
        per_class: number of examples of each class.
        seed: the same seed draws the same rows, whatever the version of any library.

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
        chosen += draw_some(members[label], per_class, draw)
    return dataset.select(sorted(chosen))


def draw_few_texts(dataset: Dataset, per_type: int, *, seed: int) -> Dataset:
    """Draw texts, in random order, until they hold enough entities of each type; those that add nothing are skipped.

    Args:
        dataset: rows with `entities`; those drawn keep its order.
        per_type: least number of entities of each type; texts are drawn whole, so there may be more.
        seed: the same seed draws the same rows, whatever the version of any library.

    Raises:
        DataError: a type has fewer entities, or there are none at all.
    """
    types = [Counter(one["label"] for one in entities) for entities in dataset["entities"][:]]
    available = sum(types, Counter())
    if not available or min(available.values()) < per_type:
        rarest = min(available, key=lambda label: (available[label], label), default="any type")
        raise DataError(
            f"the training data: expected {per_type} entities or more of each type, found {available[rarest]} of "
            f"{rarest}; lower --few_shot"
        )
    chosen, held = [], Counter()
    for row in draw_some(list(range(len(types))), len(types), random.Random(seed)):
        if any(held[label] < per_type for label in types[row]):
            chosen.append(row)
            held += types[row]
    return dataset.select(sorted(chosen))


def draw_some(pool: list, count: int, draw: random.Random) -> list:
    """Members of a list, which is shuffled; by `random`, whose numbers are the same in every version of Python 3."""
    for place in range(count):
        other = place + int(draw.random() * (len(pool) - place))
        pool[place], pool[other] = pool[other], pool[place]
    return pool[:count]
