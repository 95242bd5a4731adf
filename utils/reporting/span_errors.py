"""What is wrong with found spans: missed, spurious, a wrong border, a wrong type."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..encoding.joined_windows import Entity

RIGHT, MISSED, SPURIOUS = "right", "missed", "spurious"
BORDER, TYPE, BOTH = "wrong border", "wrong type", "wrong border and type"
ERRORS = (BORDER, TYPE, BOTH, MISSED, SPURIOUS)


class SpanPair(NamedTuple):
    """An entity of the gold and what was found in its place; one of them is None where it was missed, or spurious."""

    kind: str
    gold: Entity | None
    found: Entity | None


def as_entities(entities: Sequence[dict]) -> list[Entity]:
    """Rows of `start`, `end`, `label` as entities."""
    return [Entity(one["start"], one["end"], one["label"]) for one in entities]


def pair_spans(gold: Sequence[Entity], found: Sequence[Entity]) -> list[SpanPair]:
    """Each entity of gold and found exactly once, by place.

    Equal ones are paired first, then those with the same borders, then those that overlap: of the same type before
    others, the longer overlap first.

    Example:
        >>> gold = [Entity(0, 2, "name"), Entity(3, 7, "place")]
        >>> [pair.kind for pair in pair_spans(gold, [Entity(0, 2, "name"), Entity(3, 5, "place")])]
        ['right', 'wrong border']
    """
    pairs, rest = [], list(found)
    left = []
    places: dict[tuple, list[Entity]] = {}
    for one in found:
        places.setdefault(one[:3], []).append(one)
    for one in gold:
        if equal := places.get(one[:3]):
            pairs.append(SpanPair(RIGHT, one, equal.pop()))
        else:
            left.append(one)
    rest = sorted(one for equal in places.values() for one in equal)
    longest = max((one.end - one.start for one in rest), default=0)
    near = []  # (how good, number of gold, number of found): only neighbours are looked at, so long texts cost little
    for i, one in enumerate(left):
        for k in range(bisect_left(rest, (one.start - longest,)), bisect_left(rest, (one.end,))):
            other = rest[k]
            overlap = min(one.end, other.end) - max(one.start, other.start)
            if overlap > 0:
                rank = one[:2] != other[:2], one.label != other.label, -overlap
                near.append((rank, i, k))
    taken_gold, taken_found = set(), set()
    for (borders, types, _), i, k in sorted(near):
        if i not in taken_gold and k not in taken_found:
            taken_gold.add(i)
            taken_found.add(k)
            kind = BOTH if borders and types else BORDER if borders else TYPE
            pairs.append(SpanPair(kind, left[i], rest[k]))
    pairs += [SpanPair(MISSED, one, None) for i, one in enumerate(left) if i not in taken_gold]
    pairs += [SpanPair(SPURIOUS, None, one) for k, one in enumerate(rest) if k not in taken_found]
    return sorted(pairs, key=lambda pair: (pair.gold or pair.found)[:2])


class ErrorCounts:
    """How often each kind of error was made; what is added is not kept."""

    def __init__(self):
        self.kinds: dict[str, Counter] = {}
        self.types: Counter = Counter()

    def add(self, pairs: Sequence[SpanPair]) -> None:
        """Count the pairs of a text; a spurious one counts for the type found."""
        for pair in pairs:
            self.kinds.setdefault((pair.gold or pair.found).label, Counter())[pair.kind] += 1
            if pair.kind in (TYPE, BOTH):
                self.types[pair.gold.label, pair.found.label] += 1

    def by_type(self) -> dict[str, dict[str, int]]:
        """By type, sorted, how often it was right and each kind of error."""
        return {label: {kind: self.kinds[label][kind] for kind in (RIGHT, *ERRORS)} for label in sorted(self.kinds)}

    def confused(self) -> list[list]:
        """`[gold type, found type, count]` of entities in the right place with the wrong type, most frequent first."""
        return [[gold, other, count] for (gold, other), count in self.types.most_common()]
