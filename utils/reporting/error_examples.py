"""Which examples an error report shows, and how much of each text; which scores it has at the top."""

from collections.abc import Sequence
from heapq import nsmallest

from ..scoring.score_names import plain_name, shown_in

WORST = 50  # examples that are kept
LONGEST = 1200  # characters kept of a text


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


def example(id: str, text: str, first: int, last: int) -> dict:
    """The part of a text from `first` to `last` (exclusive), and the length of the text."""
    return {"id": id, "text": text[first:last], "offset": first, "length": len(text)}
