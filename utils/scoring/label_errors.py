"""Labels that may be wrong, found by what models say about rows that they have not seen.

Confident learning (Northcutt, Jiang and Chuang, 2021, https://arxiv.org/abs/1911.00068) estimates how many are wrong:
where another class is at least as probable as it is on average where it is given. So many are suspect, the least
probable ones first, which finds more than the margin to the other class does (`benchmarks/planted_errors.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..modeling.joined_windows import Entity


class Doubts(NamedTuple):
    """How much the models doubt each of the given labels.

    Attributes:
        other: (n,) the likeliest other class.
        doubt: (n,) how improbable the given one is, 0-1.
        suspect: (n,) bool, whether it is one of the `errors` least probable ones, and the other more probable.
        errors: about how many labels are wrong.
    """

    other: np.ndarray
    doubt: np.ndarray
    suspect: np.ndarray
    errors: int


def doubt_classes(given: Sequence[int], probabilities: np.ndarray) -> Doubts:
    """How much a classifier doubts the given classes.

    Args:
        given: (n,) class of each row.
        probabilities: (n, classes), by a model that has not seen the row.

    Example:
        >>> found = doubt_classes([0, 0, 1, 1], np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8], [0.1, 0.9]]))
        >>> found.suspect.tolist(), found.doubt.round(1).tolist(), found.errors
        ([False, True, False, False], [0.1, 0.9, 0.2, 0.1], 1)
    """
    given, rows = np.asarray(given), np.arange(len(given))
    probabilities = np.asarray(probabilities, dtype=np.float64)
    own = probabilities[rows, given]
    others = probabilities.copy()
    others[rows, given] = -1
    other = others.argmax(-1)
    classes = probabilities.shape[1]
    number = np.bincount(given, minlength=classes)
    usual = np.bincount(given, weights=own, minlength=classes) / number.clip(1)
    usual[number == 0] = np.inf  # a class that is never given
    sure = np.where(probabilities >= usual, probabilities, -1)
    counted = sure.max(-1, initial=-1) >= 0
    counts = np.zeros((classes, classes))
    np.add.at(counts, (given[counted], sure.argmax(-1)[counted]), 1)
    wrong = 1 - counts.diagonal() / counts.sum(-1).clip(1)
    wrong[counts.sum(-1) == 0] = 0
    errors, doubt = round(float(wrong @ number)), 1 - own
    likely = np.flatnonzero(others[rows, other] > own)
    suspect = np.zeros(len(given), dtype=bool)
    suspect[likely[np.argsort(-doubt[likely], kind="stable")[:errors]]] = True
    return Doubts(other, doubt, suspect, errors)


def doubt_entity(gold: Entity | None, found: Entity | None) -> float | None:
    """How improbable is what is labelled at a place, 0-1; None if what is found there is not more probable.

    Args:
        gold: with the `score` that the tagger gives it; None if nothing is labelled there.
        found: None if nothing is found there.
    """
    own = 1 - found.score if gold is None else gold.score
    other = 1 - own if gold is None or found is None else found.score
    return 1 - own if other > own else None
