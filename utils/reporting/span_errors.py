"""What is wrong with found spans: missed, spurious, a wrong border, a wrong type."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ..modeling.joined_windows import Entity

RIGHT, MISSED, SPURIOUS = "right", "missed", "spurious"
BORDER, TYPE, BOTH = "wrong border", "wrong type", "wrong border and type"
ERRORS = (BORDER, TYPE, BOTH, MISSED, SPURIOUS)


class SpanPair(NamedTuple):
    """A gold entity and what was found in its place; `found` is None if it was missed, `gold` if it is spurious."""

    kind: str
    gold: Entity | None
    found: Entity | None


def as_entities(entities: Sequence[dict]) -> list[Entity]:
    """Rows of `start`, `end`, `label` as entities."""
    return [Entity(one["start"], one["end"], one["label"]) for one in entities]


def pair_spans(gold: Sequence[Entity], found: Sequence[Entity]) -> list[SpanPair]:
    """Each gold and each found entity exactly once, in order of position.

    Equal ones are paired first, then those with the same borders, then those that overlap: the same type before
    others, the longer overlap first.

    Example:
        >>> gold = [Entity(0, 2, "name"), Entity(3, 7, "place")]
        >>> [pair.kind for pair in pair_spans(gold, [Entity(0, 2, "name"), Entity(3, 5, "place")])]
        ['right', 'wrong border']
    """
    pairs, left = [], []
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
    near = []  # (rank, index of gold, index of found): only neighbours are compared, so long texts cost little
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
    """How often each kind of error was made; only counts are kept."""

    def __init__(self):
        self.kinds: dict[str, Counter] = {}
        self.types: Counter = Counter()

    def add(self, pairs: Sequence[SpanPair]) -> None:
        """Count the pairs of a text; a spurious entity counts for its own type."""
        for pair in pairs:
            self.kinds.setdefault((pair.gold or pair.found).label, Counter())[pair.kind] += 1
            if pair.kind in (TYPE, BOTH):
                self.types[pair.gold.label, pair.found.label] += 1

    def by_type(self) -> dict[str, dict[str, int]]:
        """For each type, sorted: how often it was right, and how often each kind of error was made."""
        return {label: {kind: self.kinds[label][kind] for kind in (RIGHT, *ERRORS)} for label in sorted(self.kinds)}

    def confused(self) -> list[list]:
        """`[gold type, found type, count]` of entities in the right place with the wrong type, most frequent first."""
        return [[gold, other, count] for (gold, other), count in self.types.most_common()]
