"""Parts of an error report: which examples it shows, how much of each text, the scores at its top, and its slices.

A slice is a part of the examples, such as short and long, rare and frequent ones.
"""

from collections.abc import Callable, Sequence
from heapq import nsmallest

import numpy as np

from ..scoring.example_counts import with_count
from ..scoring.score_names import plain_name, shown_in
from ..scoring.significance import mean

WORST = 50  # examples that are kept
LONGEST = 1200  # characters kept of a text
FREQUENCIES = (0, 1, 5, 20, 100)  # the last of each bin; higher ones have their own


def headlines(scores: dict[str, float]) -> dict[str, float]:
    """The most important scores, without the prefix of the split."""
    plain = {plain_name(name): value for name, value in scores.items()}
    return {name: float(plain[name]) for name in shown_in("page") if name in plain}


def worst_first(sure: Sequence[float | None], extents: Sequence[float]) -> list[int]:
    """Indices of the wrong examples, the surest first; of equally sure ones, those with more errors first."""
    wrong = (i for i, each in enumerate(sure) if each is not None)
    return nsmallest(WORST, wrong, key=lambda i: (-sure[i], -extents[i], i))


def excerpt(length: int, middle: int) -> tuple[int, int]:
    """Start and end (exclusive) of the part of a text that is kept, with the position `middle` well inside."""
    first = max(0, min(middle - LONGEST // 3, length - LONGEST))
    return first, min(length, first + LONGEST)


def example(id: str, text: str, first: int = 0, last: int = LONGEST, *, text_pair: str | None = None) -> dict:
    """The part of a text from `first` to `last` (exclusive), its length, and the beginning of a second text."""
    pair = {} if text_pair is None else {"text_pair": text_pair[:LONGEST]}
    return {"id": id, "text": text[first:last], "offset": first, "length": len(text)} | pair


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
    score: Callable[[np.ndarray], float] | None = None,
    *,
    name: str,
    bins: Callable[[np.ndarray], list[tuple[int, int]]] = length_bins,
) -> dict:
    """The score of the examples in each bin; bins without any are left out.

    Args:
        title: what is binned.
        values: (n,) the value of each example.
        counts: (n, c) what each example adds to the score; (n,) numbers where the score is their mean.
        score: (c,) sums over the bin -> the score, 0-1; None for the mean, such as a mean error in the unit of labels.
        name: name of the score.
        bins: function that groups values into bins.

    Returns:
        `{"title", "score", "rows": [{"from", "to", "count", "score"}]}`.
    """
    values, counts = np.asarray(values, dtype=np.int64), np.asarray(counts, dtype=np.float64)
    if score is None:
        counts, score = with_count(counts), mean
    rows = []
    for first, last in bins(values):
        inside = (values >= first) & (values <= last)
        if count := int(inside.sum()):
            row = {"from": first, "to": last, "count": count, "score": float(score(counts[inside].sum(0)))}
            rows.append(row)
    return {"title": title, "score": name, "rows": rows}
