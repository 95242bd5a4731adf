"""Cells: how probable it is that an entity of a type begins at one character and ends before another.

A model for spans scores cells by itself. The cells of a tagger follow from the probabilities of its characters, and
the other way round, so that each can teach the other. Cells that are less probable than `LEAST` are left out.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.special import expit, logit

from ..modeling.joined_windows import Entity
from ..scoring.joint_decisions import CharacterTags

FLOOR = -7.0  # log-odds of a cell that is left out
LEAST = 1 / (1 + math.exp(-FLOOR))  # probability
SEEN = 0.01  # least probability of a cell that counts for the tags of its characters
CELL = np.dtype([("start", "<u4"), ("end", "<u4"), ("type", "<u2"), ("score", "<f2")])  # score: log-odds


def find_cells(finder, texts: Sequence[str], types: Sequence[str]) -> list[list[Entity]]:
    """The cells of each text, `score` being the probability; of an ensemble the mean.

    Args:
        finder: for entities: a model for spans, a tagger, an ensemble, or one that only finds entities.
        texts: to be read.
        types: entity types, in the order in which a tagger is asked.
    """
    if members := getattr(finder, "members", None):
        each = zip(*(find_cells(one, texts, types) for one in members), strict=True)
        return [mean_cells(cells) for cells in each]
    if hasattr(finder, "span_cells") and not finder.tagged:
        return finder.span_cells(texts, least=FLOOR)
    if finder.tagged:
        return [cells_of_tags(tags, types) for tags in finder.character_tags(texts, types)]
    return finder.find(texts)


def mean_cells(members: Sequence[Sequence[Entity]]) -> list[Entity]:
    """The mean of what several models say about a text; a cell that one leaves out is improbable to it."""
    sums: dict[tuple[int, int, str], float] = defaultdict(float)
    for cells in members:
        for one in cells:
            sums[one[:3]] += one.score
    return sorted(
        Entity(*place, total / len(members)) for place, total in sums.items() if total / len(members) > LEAST
    )


def cells_of_tags(tags: CharacterTags, types: Sequence[str]) -> list[Entity]:
    """The cells of a text that a tagger has read: each as probable as the least probable of its characters and of its
    end, as in `joint_decisions.decode_characters`."""
    places = np.flatnonzero(tags.covered)
    chances = tags.probabilities[places].astype(np.float64)
    cells = []
    for kind, name in enumerate(types):
        first, later = chances[:, 1 + 2 * kind], chances[:, 2 + 2 * kind]
        for start in np.flatnonzero(first > LEAST).tolist():
            score, stop = float(first[start]), start
            while stop < len(places) and score > LEAST:
                stop += 1
                goes_on = float(later[stop]) if stop < len(places) else 0.0
                if (chance := min(score, 1 - goes_on)) > LEAST:
                    cells.append(Entity(int(places[start]), int(places[stop - 1]) + 1, name, chance))
                score = min(score, goes_on)
    return sorted(cells)


def tags_of_cells(cells: Sequence[Entity], text: str, types: Sequence[str]) -> CharacterTags:
    """The probabilities of a text's characters: those of the cells in which they are first or later, added up.

    Where cells overlap, so that the sum is above 1, it is made 1. White space outside of cells has no probabilities.
    """
    column = {kind: 1 + 2 * i for i, kind in enumerate(types)}
    found = np.zeros((len(text), 1 + 2 * len(types)))
    covered = np.array([not character.isspace() for character in text], dtype=bool)
    for one in cells:
        if one.score > SEEN:
            found[one.start, column[one.label]] += one.score
            found[one.start + 1 : one.end, column[one.label] + 1] += one.score
            covered[one.start : one.end] = True
    found /= found.sum(-1, keepdims=True).clip(1)
    found[:, 0] = 1 - found.sum(-1)
    return CharacterTags(found.clip(0).astype(np.float32), covered)


def pack_cells(cells: Sequence[Entity], types: Sequence[str]) -> np.ndarray:
    """(cells,) `CELL`, types by their number."""
    number = {kind: i for i, kind in enumerate(types)}
    scores = logit(np.clip([one.score for one in cells], LEAST, 1 - 1e-6)).clip(FLOOR)
    rows = [(*one[:2], number[one.label], score) for one, score in zip(cells, scores, strict=True)]
    return np.array(rows, dtype=CELL)


def unpack_cells(cells: np.ndarray, types: Sequence[str]) -> list[Entity]:
    """The cells of a text, with probabilities."""
    chances = expit(cells["score"].astype(np.float64)).tolist()
    places = zip(*(cells[name].tolist() for name in ("start", "end", "type")), chances, strict=True)
    return [Entity(start, end, types[kind], chance) for start, end, kind, chance in places]
