"""What several models of one task decide together: the members of an ensemble, whose encoders may differ.

Taggers are averaged, and spans are voted on. For classes see `Rule.combine`, for answers `joint_answers`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..modeling.joined_windows import Entity, TaggedText
from .metrics import spans_of

LEAST = 1e-12  # of a probability whose logarithm is taken


class CharacterTags(NamedTuple):
    """What a tagger thinks of each character of a text, whatever its tokens and its scheme.

    Attributes:
        probabilities: (characters, 1 + 2 * types) float32, of O and, for each type, of being the first character of
            an entity of the type and of being a later one.
        covered: (characters,) bool, those that are in a token; the rest, white space mostly, has no probabilities.
        chained: whether they are sums over sequences in which each entity has a beginning, as a CRF's are; otherwise
            those of each token are its own.
    """

    probabilities: np.ndarray
    covered: np.ndarray
    chained: bool = False


def spread_tags(
    tagged: TaggedText,
    length: int,
    *,
    id2label: dict[int, str],
    types: Sequence[str],
    loose: bool = False,
    chained: bool = False,
) -> CharacterTags:
    """The probabilities of a text's characters.

    Args:
        tagged: tokens whose `posteriors` are the probabilities of all tags, see `LinearChainCRF.marginals`.
        length: characters of the text.
        id2label: tag id -> name, in any scheme of `tag_schemes.SCHEMES`.
        types: of entities, in the order of the result.
        loose: an I- may begin an entity: as likely as the token before it is not in one of the type.
        chained: see `CharacterTags`.
    """
    first, later = character_columns(id2label, types)
    found, covered = np.zeros((length, first.shape[1])), np.zeros(length, dtype=bool)
    before = np.zeros(len(types))  # probability that the last token is in an entity of each type
    for start, end, tags in zip(tagged.starts, tagged.ends, tagged.posteriors, strict=True):
        begins = start + int(covered[start:end].argmin()) if not covered[start:end].all() else end
        for place in range(begins, end):  # a character that two tokens share is the first one's
            found[place] = np.asarray(tags, dtype=np.float64) @ (first if place == start else later)
        if loose and begins == start < end:
            new = found[start, 2::2] * (1 - before)
            found[start, 1::2], found[start, 2::2] = found[start, 1::2] + new, found[start, 2::2] - new
        before = np.asarray(tags, dtype=np.float64) @ later[:, 2::2]
        covered[start:end] = True
    return CharacterTags(found.astype(np.float32), covered, chained)


def character_columns(id2label: Mapping[int, str], types: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """What a token's tag says about its characters: for the first and for the later ones (tags, 1 + 2 * types), with a
    1 in the column of `CharacterTags.probabilities` that the tag makes likely."""
    column = {kind: 1 + 2 * i for i, kind in enumerate(types)}
    first, later = np.zeros((2, len(id2label), 1 + 2 * len(types)))
    for i, name in id2label.items():
        if name == "O":
            first[i, 0] = later[i, 0] = 1
        else:
            begins = name[0] in "BS"
            first[i, column[name[2:]] + (not begins)] = later[i, column[name[2:]] + 1] = 1
    return first, later


def mean_tags(members: Sequence[CharacterTags]) -> CharacterTags:
    """The mean of what several models say about a text; of each character, of those in whose tokens it is."""
    votes = np.sum([each.covered for each in members], axis=0)
    total = np.sum([each.probabilities for each in members], axis=0, dtype=np.float64)
    mean = (total / votes.clip(1)[:, None]).astype(np.float32)
    return CharacterTags(mean, votes > 0, any(each.chained for each in members))


def decode_characters(members: Sequence[CharacterTags], types: Sequence[str]) -> list[Entity]:
    """The entities under the mean of the members' probabilities.

    Of the sequences in which each entity has a beginning, the most probable is chosen: by the probabilities of single
    characters, or, where members are chained, by those of going on, given that the character before is in the entity.
    An entity's `score` is the least probability of its characters, each at its place in the entity, and of its end.

    Args:
        members: of one text.
        types: in the order of the columns.
    """
    joined = mean_tags(members)
    places = np.flatnonzero(joined.covered)
    if not len(places):
        return []
    mean = joined.probabilities[places].astype(np.float64)
    tags = _best_chain(mean) if joined.chained else _best_sequence(np.log(mean.clip(LEAST)))
    entities, start = [], None
    for i, tag in enumerate([*tags.tolist(), 0]):
        if start is not None and (tag == 0 or tag % 2):  # another begins, or none goes on
            entities.append(_entity(mean, tags, places, start, i, types))
            start = None
        if tag % 2:
            start = i
    return entities


def _entity(mean, tags, places, start: int, stop: int, types: Sequence[str]) -> Entity:
    kind = (tags[start] - 1) // 2
    return Entity(int(places[start]), int(places[stop - 1]) + 1, types[kind], _chance(mean, start, stop, kind))


def _chance(mean: np.ndarray, start: int, stop: int, kind: int) -> float:
    first, later = 1 + 2 * kind, 2 + 2 * kind
    least = min(mean[start, first], mean[start + 1 : stop, later].min(initial=1.0))
    return float(min(least, 1 - mean[stop, later]) if stop < len(mean) else least)


def span_chance(member: CharacterTags, start: int, end: int, kind: int) -> float:
    """How probable an entity is, found or not: the `score` that `decode_characters` would give it.

    Args:
        member: of the text.
        start, end: characters, `end` exclusive.
        kind: index of its type.
    """
    places = np.flatnonzero(member.covered)
    first, last = np.searchsorted(places, [start, end])
    return _chance(member.probabilities[places], first, last, kind) if first < last else 0.0


def _best_sequence(scores: np.ndarray) -> np.ndarray:
    """(length, tags) -> (length,): a later character only follows a character of the same entity's type."""
    length, tags = scores.shape
    later = np.arange(2, tags, 2)
    best, back = scores[0].copy(), np.zeros((length, tags), dtype=np.int64)
    best[later] = -np.inf
    for i in range(1, length):
        top = int(best.argmax())
        back[i] = top
        total = np.full(tags, best[top])
        inside = np.where(best[later] >= best[later - 1], later, later - 1)  # what a later character may follow
        back[i, later], total[later] = inside, best[inside]
        best = total + scores[i]
    path = [int(best.argmax())]
    for i in range(length - 1, 0, -1):
        path.append(int(back[i, path[-1]]))
    return np.array(path[::-1])


def _best_chain(mean: np.ndarray) -> np.ndarray:
    """(length, tags) probabilities -> (length,): the most probable sequence of the chain that they are of.

    Its states are O and each type. A later character only follows one of its entity, so the probability of the two is
    that of the later one. What follows an entity, or O, is taken not to depend on which it was: a CRF is decoded
    nearly as by itself (2 of 600 sentences of CLUENER differ, where 38 do by single characters).
    """
    later = mean[:, 2::2]
    fresh = np.concatenate([mean[:, :1], mean[:, 1::2]], -1)  # (length, states): O, or the first character of a type
    inside = fresh[:, 1:] + later
    goes_on = (later[1:] / inside[:-1].clip(LEAST)).clip(LEAST, 1)  # (length - 1, types)
    begins = np.log((fresh / fresh.sum(-1, keepdims=True).clip(LEAST)).clip(LEAST))
    stays, ends = np.log(goes_on), np.log((1 - goes_on).clip(LEAST))
    best = begins[0]
    back, kept = np.zeros(fresh.shape, dtype=np.int64), np.zeros(fresh.shape, dtype=bool)
    for i in range(1, len(mean)):
        left = np.concatenate([best[:1], best[1:] + ends[i - 1]])
        back[i] = left.argmax()
        on, best = best[1:] + stays[i - 1], left.max() + begins[i]
        kept[i, 1:] = on > best[1:]
        best[1:] = np.maximum(best[1:], on)
    state, tags = int(best.argmax()), []
    for i in range(len(mean) - 1, -1, -1):
        tags.append(0 if state == 0 else 2 * state - (not kept[i, state]))
        state = state if kept[i, state] else int(back[i, state])
    return np.array(tags[::-1])


def vote(members: Sequence[Sequence[Entity]], *, minimum: float, nested: bool) -> list[Entity]:
    """The entities of a text that enough members find.

    Args:
        members: the entities that each finds.
        minimum: of an entity's score, the mean of what the members give it, 0 from those that do not find it.
        nested: whether entities may overlap; otherwise the one with the higher score is kept.

    Example:
        >>> one = Entity(0, 2, "name", 0.9)
        >>> vote([[one], [one], []], minimum=0.5, nested=False)
        [Entity(start=0, end=2, label='name', score=0.6)]
    """
    sums: dict[tuple[int, int, str], float] = defaultdict(float)
    for found in members:
        for one in found:
            sums[one.start, one.end, one.label] += one.score
    scored = [Entity(*span, total / len(members)) for span, total in sums.items() if total / len(members) >= minimum]
    if not nested:
        kept: list[Entity] = []
        for one in sorted(scored, key=lambda one: (-one.score, one)):
            if all(one.end <= other.start or other.end <= one.start for other in kept):
                kept.append(one)
        scored = kept
    return sorted(scored)


def tune_minimum(found: Sequence[Sequence[Entity]], gold: Sequence[Sequence[dict]]) -> float:
    """The least score of an entity with which strict F1 is highest; 0 where all are worth keeping.

    Args:
        found: the entities of each text, each with its score.
        gold: those of the same texts.
    """
    right = [set(spans_of(entities)) for entities in gold]
    scored = sorted(
        (
            (one.score, (one.start, one.end, one.label) in expected)
            for each, expected in zip(found, right, strict=True)
            for one in each
        ),
        reverse=True,
    )
    if not scored:
        return 0.0
    scores, hits = np.array([score for score, _ in scored]), np.cumsum([hit for _, hit in scored])
    f1 = 2 * hits / (np.arange(1, len(scores) + 1) + sum(map(len, right)))
    whole = np.append(scores[1:] < scores[:-1], True)  # entities of one score are kept or left out together
    best = int(np.where(whole, f1, -1).argmax())
    return 0.0 if best == len(scores) - 1 else float((scores[best] + scores[best + 1]) / 2)


def join_entities(
    outputs: Sequence[Sequence], *, types: Sequence[str], minimum: float, nested: bool
) -> list[list[Entity]]:
    """The entities of each text, from what each member says about it: `CharacterTags`, or entities as votes."""
    each = zip(*outputs, strict=True)
    if outputs[0] and isinstance(outputs[0][0], CharacterTags):
        return [decode_characters(tags, types) for tags in each]
    return [vote(found, minimum=minimum, nested=nested) for found in each]
