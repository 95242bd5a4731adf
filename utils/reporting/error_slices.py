"""Scores of parts of the examples: short and long, rare and frequent ones."""

from collections.abc import Callable, Sequence

import numpy as np

FREQUENCIES = (0, 1, 5, 20, 100)  # the last of each bin; higher ones have their own


def length_bins(values: np.ndarray, *, most: int = 5) -> list[tuple[int, int]]:
    """Bins with about the same number of values each, as (first, last) inclusive; fewer if many values are equal.

    Example:
        >>> length_bins(np.array([2, 2, 2, 3, 3, 4, 9, 30]), most=3)
        [(2, 2), (3, 4), (5, 30)]
    """
    if not len(values):
        return []
    ordered = np.sort(values)
    shares = np.arange(1, most) / most
    lasts = sorted({int(ordered[int(share * len(ordered))]) for share in shares} | {int(ordered[-1])})
    firsts = [int(ordered[0]), *(last + 1 for last in lasts)]
    return list(zip(firsts, lasts, strict=False))


def frequency_bins(values: np.ndarray) -> list[tuple[int, int]]:
    """Bins of how often something was seen: never, once, 2-5, 6-20, 21-100, more."""
    lasts = [*FREQUENCIES, max(int(values.max(initial=0)), FREQUENCIES[-1] + 1)]
    return list(zip([0, *(last + 1 for last in lasts)], lasts, strict=False))


def slice_scores(
    title: str,
    values: Sequence[int],
    counts: Sequence,
    score: Callable[[np.ndarray], float],
    *,
    name: str,
    bins: Callable[[np.ndarray], list[tuple[int, int]]] = length_bins,
) -> dict:
    """The score of the examples in each bin; bins without any are left out.

    Args:
        title: what is binned.
        values: (n,) the value of each example.
        counts: (n, c) what each example adds to the score.
        score: (c,) sums over the bin -> the score: 0-1, or a mean error in the unit of the labels.
        name: name of the score.
        bins: function that groups values into bins.

    Returns:
        `{"title", "score", "rows": [{"from", "to", "count", "score"}]}`.
    """
    values, counts = np.asarray(values, dtype=np.int64), np.asarray(counts, dtype=np.float64)
    rows = []
    for first, last in bins(values):
        inside = (values >= first) & (values <= last)
        if count := int(inside.sum()):
            row = {"from": first, "to": last, "count": count, "score": float(score(counts[inside].sum(0)))}
            rows.append(row)
    return {"title": title, "score": name, "rows": rows}


def mean_of(sums: np.ndarray) -> float:
    """The mean of values, from the sums of (value, 1); of hits, which are 1 or 0, that is the share of right ones."""
    return float(sums[0] / sums[1])


def with_ones(values: Sequence) -> np.ndarray:
    """(n,) -> (n, 2): a column of ones is added, for `mean_of`."""
    values = np.asarray(values, dtype=np.float64)
    return np.stack([values, np.ones(len(values))], axis=1)
