"""Answers that several models give together: by the mean probabilities of their first and last characters."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from .answer_ranking import CANDIDATES, Ranking

LEAST = 1e-12  # of a probability whose logarithm is taken


class AnswerChances(NamedTuple):
    """What a model thinks of each place of a passage.

    Attributes:
        starts: character -> probability that the answer begins there.
        ends: character -> probability that it ends before it.
        nothing: probability that there is no answer, by the start and by the end.
        spans: the best answers, see `find_candidates`.
    """

    starts: dict[int, float]
    ends: dict[int, float]
    nothing: tuple[float, float]
    spans: list[tuple[int, int]]


def answer_chances(
    windows: Sequence[tuple[dict, np.ndarray, np.ndarray]], spans: Sequence[tuple[int, int]]
) -> AnswerChances:
    """Start and end scores of a question's windows as probabilities over its passage.

    A place that several windows show has the highest of its scores. That of no answer is taken from the window in
    which it is lowest, as in `answer_ranking.rank`.

    Args:
        windows: the row of each, see `AnswerEncoder`, and its scores, (length,) each.
        spans: the best answers.
    """
    least = min(range(len(windows)), key=lambda i: windows[i][1][0] + windows[i][2][0])
    sides = []
    for side, column in enumerate(("starts", "ends"), start=1):
        best = {None: float(windows[least][side][0])}
        for window in windows:
            row = window[0]
            for k, place in enumerate(row[column]):
                if row["starts"][k] < row["ends"][k]:
                    score = float(window[side][row["first"] + k])
                    best[int(place)] = max(score, best.get(int(place), score))
        chances = np.exp(log_softmax(np.array(list(best.values()))))
        sides.append(dict(zip(best, chances.tolist(), strict=True)))
    starts, ends = sides
    return AnswerChances(starts, ends, (starts.pop(None), ends.pop(None)), list(spans))


def mean_chances(members: Sequence[AnswerChances]) -> AnswerChances:
    """The mean of what several models say about a passage, and the spans that any of them considers."""

    def mean(sides: Sequence[dict[int, float]]) -> dict[int, float]:
        places = sorted(set().union(*sides))
        return {place: float(np.mean([each.get(place, 0.0) for each in sides])) for place in places}

    first, last = np.mean([each.nothing for each in members], axis=0).tolist()
    spans = sorted({span for each in members for span in each.spans})
    return AnswerChances(
        mean([each.starts for each in members]), mean([each.ends for each in members]), (first, last), spans
    )


def rank_together(members: Sequence[AnswerChances], *, count: int = CANDIDATES) -> Ranking:
    """The spans that any member considers, by the sum of the logarithms of the mean probabilities of both ends."""

    def mean(chances: Sequence[float]) -> float:
        return float(np.log(max(np.mean(chances), LEAST)))

    scores = {
        (start, end): mean([each.starts.get(start, 0.0) for each in members])
        + mean([each.ends.get(end, 0.0) for each in members])
        for each in members
        for start, end in each.spans
    }
    spans = sorted(scores, key=lambda span: (-scores[span], span))[:count]
    nothing = sum(mean([each.nothing[side] for each in members]) for side in (0, 1))
    return Ranking([scores[span] for span in spans], spans, nothing)
