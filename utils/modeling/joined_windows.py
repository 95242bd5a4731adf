"""Joins what was found in the windows of a text: tags, spans, each from the window that owns its token; or logits."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from torch import Tensor

from .token_inputs import Window


def read_tags(tags: list[str], *, scheme: str) -> list[tuple[int, int, str]]:
    """The entities of a sequence: start, end (exclusive), label.

    With `bio`, `bios` or `bioes` only well-formed entities; otherwise an I- may begin one, and it needs no ending tag.
    """
    begins = "BS" if scheme in ("bio", "bios", "bioes") else "BSIE"
    spans, start, kind = [], None, ""
    for i, tag in enumerate([*tags, "O"]):
        prefix, label = {"M": "I", "L": "E", "U": "S"}.get(tag[0], tag[0]), tag[2:]
        if start is not None and not (prefix in "IE" and label == kind):
            if scheme != "bioes":
                spans.append((start, i, kind))
            start = None
        if start is None and prefix in begins:
            start, kind = i, label
        if start is not None and prefix in "ES":
            spans.append((start, i + 1, kind))
            start = None
    return spans


class Entity(NamedTuple):
    """An entity of a text: character offsets, end exclusive; `score` is the model's probability, 0-1."""

    start: int
    end: int
    label: str
    score: float = 1.0


class TaggedText(NamedTuple):
    """A text's tokens with the tags that its windows gave them, each from the window that owns the token."""

    tags: list[str]
    starts: list[int]  # characters
    ends: list[int]  # exclusive
    posteriors: list[Sequence[float]] | None  # (first, then, stops), see `LinearChainCRF.posteriors`

    def entities(self, *, scheme: str, read: Callable = read_tags) -> list[Entity]:
        """The entities that `read` finds, each scored with the probability of exactly this entity at its place."""
        return [
            Entity(self.starts[first], self.ends[stop - 1], label, self._score(first, stop))
            for first, stop, label in read(self.tags, scheme=scheme)
        ]

    def _score(self, first: int, stop: int) -> float:
        if self.posteriors is None:
            return 1.0
        score = self.posteriors[first][0] * self.posteriors[stop - 1][2]
        for k in range(first + 1, stop):
            score *= self.posteriors[k][1]
        return float(score)


def group_windows(rows: Sequence[dict], num_texts: int) -> list[list[int]]:
    """Indices of each text's windows, in the order of the text, whatever the order of `rows`."""
    groups: list[list[int]] = [[] for _ in range(num_texts)]
    for i, row in enumerate(rows):
        groups[row["text_index"]].append(i)
    for group in groups:
        if len(group) > 1:
            group.sort(key=lambda i: rows[i]["window"][0])
    return groups


def join_tags(windows: Sequence[dict], tags: Sequence, *, id2label: dict[int, str], posteriors=None) -> TaggedText:
    """Put the tags of a text's windows together.

    Args:
        windows: the windows of one text, in order.
        tags: for each window, tag ids by position (longer than the window where padded).
        id2label: tag id -> name.
        posteriors: for each window, (first, then, stops) by position.
    """
    names, starts, ends, along = [], [], [], []
    for i, row in enumerate(windows):
        _, _, own_start, own_stop = row["window"]
        for position in range(own_start - row["shift"], own_stop - row["shift"]):
            if row["token_mask"][position]:
                names.append(id2label[int(tags[i][position])])
                starts.append(row["starts"][position])
                ends.append(row["ends"][position])
                if posteriors is not None:
                    along.append(posteriors[i][position])
    return TaggedText(names, starts, ends, along if posteriors is not None else None)


def join_spans(windows: Sequence[dict], spans: Sequence, *, id2label: dict[int, str], scores=None) -> list[Entity]:
    """Put the spans of a text's windows together, each taken from the window where it is furthest from a border.

    Args:
        windows: the windows of one text, in order.
        spans: for each window, rows of first position, last position (inclusive), type id; negative rows are padding.
        id2label: type id -> name.
        scores: for each window, the probability of each span.
    """
    entities = []
    ranges = [Window(*row["window"]) for row in windows]
    for i, row in enumerate(windows):
        for k, (first, last, kind) in enumerate(spans[i]):
            if first < 0:
                continue
            if len(ranges) > 1:
                place = row["num_tokens"], first + row["shift"], last + row["shift"]
                margins = [window.margin(*place) for window in ranges]
                if margins.index(max(margins)) != i:
                    continue
            score = 1.0 if scores is None else float(scores[i][k])
            entities.append(Entity(row["starts"][first], row["ends"][last], id2label[int(kind)], score))
    return sorted(entities)


def pool_logits(logits: Tensor, windows: Tensor, *, pooling: str) -> Tensor:
    """The logits of texts, from those of their windows; those of a single window do not change, in any bit.

    Args:
        logits: (all windows, num_labels), text by text.
        windows: (texts, most windows) bool, which windows a text has: at least one, the first ones.
        pooling: for each label, `mean`, `max`, or `logsumexp`: the logarithm of the mean of the exponentials, which
            lies between the two. For one class per text it gives the probabilities of the sum.

    Returns:
        (texts, num_labels).

    Raises:
        ValueError: an unknown pooling.
    """
    spread = logits.new_zeros(*windows.shape, logits.shape[-1])
    spread[windows] = logits  # (texts, most windows, num_labels)
    there, counts = windows[..., None], windows.sum(1, keepdim=True)
    if pooling == "mean":
        return spread.sum(1) / counts
    spread = spread.masked_fill(~there, float("-inf"))
    if pooling == "max":
        return spread.amax(1)
    if pooling == "logsumexp":
        return spread.logsumexp(1) - counts.to(spread.dtype).log()
    raise ValueError(f"window_pooling: expected mean, max or logsumexp, found {pooling}")
