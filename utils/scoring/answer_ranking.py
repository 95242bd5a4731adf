"""Start and end scores of windows -> the best spans of a question, with their probabilities."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

CANDIDATES = 20  # best spans of a question that are kept; probabilities are normalised over them


class Answer(NamedTuple):
    """A part of a passage: `text` is exactly the characters `start` to `end` (exclusive), empty for no answer.

    `score` is its probability (0-1) among the `CANDIDATES` best spans and, where it is allowed, no answer.
    """

    text: str
    start: int
    end: int
    score: float


class Ranking(NamedTuple):
    """The best spans of one window, or of a question over all its windows, the best first.

    Attributes:
        scores: start score + end score; a span that several windows contain has the highest of its scores.
        spans: (character start, end) in the passage, all different.
        null_score: start score + end score of position 0, which stands for no answer in the window; of several
            windows the lowest, because the answer is missing only if it is in none of them.
    """

    scores: list[float]
    spans: list[tuple[int, int]]
    null_score: float

    @property
    def null_odds(self) -> float:
        """Score of no answer minus score of the best span; infinite if there is no span."""
        return self.null_score - self.scores[0] if self.scores else float("inf")

    def answers(self, context: str, *, null_threshold: float | None, n_best: int) -> list[Answer]:
        """The best answers, the chosen one first.

        Args:
            context: the passage.
            null_threshold: `null_odds` above which "no answer" is chosen; None: only where there is no span at all.
            n_best: number of answers.
        """
        scores, spans = list(self.scores), list(self.spans)
        if null_threshold is not None or not spans:
            scores.append(self.null_score)
            spans.append((0, 0))
        shares = np.exp(np.asarray(scores) - max(scores))
        shares /= shares.sum()
        order = sorted(range(len(scores)), key=lambda i: -scores[i])
        if null_threshold is not None and self.spans:
            chosen = len(self.spans) if self.null_odds > null_threshold else 0
            order = [chosen, *(i for i in order if i != chosen)]
        return [Answer(context[slice(*spans[i])], *spans[i], float(shares[i])) for i in order[:n_best]]


def find_candidates(
    row: dict, start_scores: np.ndarray, end_scores: np.ndarray, *, max_answer_length: int, count: int = CANDIDATES
) -> Ranking:
    """Find the best spans of a window.

    Args:
        row: columns `first`, `starts`, `ends` of the window, see `AnswerEncoder`.
        start_scores, end_scores: (length,) of the window's positions; those after the passage are ignored.
        max_answer_length: longest answer in sub-tokens.
        count: how many spans at most.
    """
    null_score = float(start_scores[0]) + float(end_scores[0])
    starts, ends = np.asarray(row["starts"]), np.asarray(row["ends"])
    inside = slice(row["first"], row["first"] + len(starts))
    is_border = starts < ends  # white space neither begins nor ends an answer
    if not is_border.any():
        return Ranking([], [], null_score)
    width = min(max_answer_length, len(starts))
    first = np.where(is_border, start_scores[inside], -np.inf).astype(np.float64)  # (tokens,)
    last = np.where(is_border, end_scores[inside], -np.inf).astype(np.float64)
    last = np.concatenate([last, np.full(width - 1, -np.inf)])
    band = np.lib.stride_tricks.sliding_window_view(last, width)  # (tokens, width): end scores of each start's spans
    sums = (first[:, None] + band).ravel()
    possible = int((sums > -np.inf).sum())
    taken = count
    while True:  # tokens that share a character give the same span, so more may be needed
        taken = min(taken, possible)
        best = np.argpartition(-sums, taken - 1)[:taken]
        best = best[np.lexsort((best, -sums[best]))]
        found: dict[tuple[int, int], float] = {}
        for i in best.tolist():
            token, more = divmod(i, width)
            found.setdefault((int(starts[token]), int(ends[token + more])), float(sums[i]))
        if len(found) >= count or taken == possible:
            spans = list(found)[:count]
            return Ranking([found[span] for span in spans], spans, null_score)
        taken *= 2


def rank(windows: Iterable[Ranking], *, count: int = CANDIDATES) -> Ranking:
    """Merge the rankings of a question's windows.

    Example:
        >>> one, other = Ranking([3.0], [(0, 2)], -1.0), Ranking([4.0, 1.0], [(0, 2), (5, 9)], 2.0)
        >>> rank([one, other])
        Ranking(scores=[4.0, 1.0], spans=[(0, 2), (5, 9)], null_score=-1.0)
    """
    windows = list(windows)
    best: dict[tuple[int, int], float] = {}
    for window in windows:
        for span, score in zip(window.spans, window.scores, strict=True):
            best[span] = max(score, best.get(span, score))
    spans = sorted(best, key=lambda span: (-best[span], span))[:count]
    return Ranking([best[span] for span in spans], spans, min(window.null_score for window in windows))
