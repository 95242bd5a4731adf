"""Selects spans without overlaps, out of overlapping ones, whose scores add up to the most.

Weighted interval scheduling by dynamic programming (Kleinberg and Tardos, Algorithm Design, section 6.1).
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np


def select_spans(spans: Sequence[tuple[int, int]], scores: Sequence[float]) -> list[int]:
    """Choose spans, in O(n log n).

    Args:
        spans: start and end of each, end exclusive, none of them empty.
        scores: score of each; spans with 0 or less are not chosen.

    Returns:
        Indices of the chosen spans, in the order of the text. Among equal totals, the choice whose last span ends
        first, or comes first in `spans`, is taken; the same holds for the spans before it.

    Example:
        >>> select_spans([(0, 2), (1, 4), (3, 6)], [2.0, 3.5, 1.0])
        [1]
    """
    order = sorted((i for i in range(len(spans)) if scores[i] > 0), key=lambda i: spans[i][1])
    ends = [spans[i][1] for i in order]
    # How many spans end before this one starts, or just there: it can be chosen together with these.
    before = [bisect_right(ends, spans[i][0]) for i in order]
    totals = [0.0]
    for k, i in enumerate(order):
        totals.append(max(totals[k], totals[before[k]] + float(scores[i])))
    chosen, k = [], len(order)
    while k:
        if totals[k] > totals[k - 1]:
            chosen.append(order[k - 1])
            k = before[k - 1]
        else:
            k -= 1
    return chosen[::-1]


def count_selected(
    spans: Sequence[tuple[int, int]], scores: Sequence[float], correct: Sequence[bool], thresholds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many spans `select_spans` would choose above each threshold, and how many of these are correct.

    Args:
        spans, scores: as there.
        correct: whether each span is correct.
        thresholds: (thresholds,), subtracted from the scores.

    Returns:
        Two arrays (thresholds,) int64.
    """
    lowest = thresholds.min(initial=np.inf)
    order = sorted((i for i in range(len(spans)) if scores[i] > lowest), key=lambda i: spans[i][1])
    ends = [spans[i][1] for i in order]
    nothing = np.zeros(len(thresholds), dtype=np.int64)
    states = [(np.zeros(len(thresholds)), nothing, nothing)]  # total, chosen, correct: (thresholds,) each
    for k, i in enumerate(order):
        total, chosen, hits = states[bisect_right(ends, spans[i][0])]
        total = total + (scores[i] - thresholds)
        better = (scores[i] > thresholds) & (total > states[k][0])
        new = total, chosen + 1, hits + bool(correct[i])
        states.append(tuple(np.where(better, one, other) for one, other in zip(new, states[k], strict=True)))
    return states[-1][1], states[-1][2]
