"""Which examples of an error report are shown, and how much of them; which scores stand above."""

from collections.abc import Sequence
from heapq import nsmallest

from ..scoring.score_names import plain_name, shown_in

WORST = 50  # examples that are kept
LONGEST = 1200  # characters kept of a text


def headlines(scores: dict[str, float]) -> dict[str, float]:
    """The scores that people look at, without the split's name."""
    plain = {plain_name(name): value for name, value in scores.items()}
    return {name: float(plain[name]) for name in shown_in("page") if name in plain}


def worst_first(sure: Sequence[float | None], extents: Sequence[float]) -> list[int]:
    """The examples where the model was most sure and wrong; of equally sure ones those with more errors."""
    wrong = (i for i, each in enumerate(sure) if each is not None)
    return nsmallest(WORST, wrong, key=lambda i: (-sure[i], -extents[i], i))


def excerpt(length: int, middle: int) -> tuple[int, int]:
    """First and last character of what is kept of a text, with a place of interest well inside."""
    first = max(0, min(middle - LONGEST // 3, length - LONGEST))
    return first, min(length, first + LONGEST)


def example(id: str, text: str, first: int, last: int) -> dict:
    """What is kept of a text, from one character to another, and how long it is."""
    return {"id": id, "text": text[first:last], "offset": first, "length": len(text)}
