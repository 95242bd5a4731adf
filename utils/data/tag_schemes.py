"""Entities as tags and back: BIO, IOB1, BIOS, BIOES, BMES, BILOU and IO.

A span is a tuple `(start, end, label)`, end exclusive; it counts the tagged units: characters, words or tokens.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

Span = tuple[int, int, str]

SCHEMES = ("bio", "bios", "bioes")  # what models are trained with

# The prefixes of each scheme that can be read, with their meaning as letters of BIOES; "" is a type without a prefix.
# If two schemes fit equally well, the first is taken.
READABLE = {
    "bio": {"B": "B", "I": "I"},
    "iob1": {"B": "B", "I": "I"},
    "bios": {"B": "B", "I": "I", "S": "S"},
    "bioes": {"B": "B", "I": "I", "E": "E", "S": "S"},
    "bmes": {"B": "B", "M": "I", "E": "E", "S": "S"},
    "bilou": {"B": "B", "I": "I", "L": "E", "U": "S"},
    "io": {"I": "I", "": "I"},
}
CONLLEVAL = "conlleval"  # not a scheme: tags are read as the usual scorer reads any of them
ANY_PREFIX = {letter: meaning for prefixes in READABLE.values() for letter, meaning in prefixes.items() if letter}


def tag_names(entity_types: Iterable[str], *, scheme: str) -> list[str]:
    """List the tags of a model: "O", then those of each type in one of `SCHEMES`.

    Raises:
        ValueError: models are not trained with this scheme.

    Example:
        >>> tag_names(["PER", "LOC"], scheme="bio")
        ['O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC']
    """
    return ["O", *(f"{prefix}-{label}" for label in entity_types for prefix in _prefixes(scheme, SCHEMES))]


def spans_to_tags(spans: Iterable[Span], length: int, *, scheme: str) -> list[str]:
    """Write spans that do not overlap, in any order, as tags of so many units, in one of `SCHEMES`.

    An entity of one unit is S- in `bios` and `bioes`; a longer one ends in E- in `bioes` only.

    Raises:
        ValueError: a span is empty, lies outside `0` to `length` or overlaps another, or the scheme is unknown.

    Example:
        >>> spans_to_tags([(0, 1, "PER"), (2, 4, "LOC")], 4, scheme="bios")
        ['S-PER', 'O', 'B-LOC', 'I-LOC']
    """
    prefixes = _prefixes(scheme, SCHEMES)
    tags = ["O"] * length
    previous_end = 0
    for start, end, label in sorted(spans):
        if not 0 <= start < end <= length:
            raise ValueError(f"expected 0 <= start < end <= {length}, found the span {(start, end, label)}")
        if start < previous_end:
            raise ValueError(f"expected spans that do not overlap, found {(start, end, label)} inside another one")
        tags[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
        if "E" in prefixes:
            tags[end - 1] = f"E-{label}"
        if "S" in prefixes and end - start == 1:
            tags[start] = f"S-{label}"
        previous_end = end
    return tags


def tags_to_spans(tags: Sequence[str], *, scheme: str, strict: bool = True) -> list[Span]:
    """Read entities from tags, in the order of the text.

    Args:
        tags: tags of a sequence. What is not a tag of the scheme (a lone "PER", "X-PER", "B-") reads as "O".
        scheme: a key of `READABLE`, or `conlleval`, which reads the tags of any scheme as with `strict=False`.
        strict: count well-formed entities only, as seqeval does with `mode="strict"` (in `bios` an entity is S-, or B-
            and any number of I-). False: repair as conlleval and seqeval's default mode do: I- or E- may begin an
            entity, which may end without E-; the prefixes of all schemes are understood.

    Raises:
        ValueError: the scheme is unknown.

    Example:
        >>> tags_to_spans(["I-PER", "O", "B-LOC", "I-LOC"], scheme="bio")
        [(2, 4, 'LOC')]
        >>> tags_to_spans(["I-PER", "O", "B-LOC", "I-LOC"], scheme="bio", strict=False)
        [(0, 1, 'PER'), (2, 4, 'LOC')]
    """
    strict = strict and scheme != CONLLEVAL
    prefixes = _prefixes(scheme, READABLE) if strict else ANY_PREFIX
    needs_end = strict and "E" in prefixes.values()
    inside_begins = not strict or scheme in ("iob1", "io")
    parsed = {tag: _parse(tag, prefixes) or ("O", "") for tag in set(tags)}

    spans = []
    start, open_label = None, ""
    for index, tag in enumerate(tags):
        prefix, label = parsed[tag]
        if start is not None and not (prefix in "IE" and label == open_label):
            if not needs_end:
                spans.append((start, index, open_label))
            start = None
        if start is None and (prefix in "BS" or (inside_begins and prefix in "IE")):
            start, open_label = index, label
        if start is not None and prefix in "ES":
            spans.append((start, index + 1, label))
            start = None
    if start is not None and not needs_end:
        spans.append((start, len(tags), open_label))
    return spans


def detect_scheme(tag_sequences: Iterable[Sequence[str]]) -> str:
    """Find the scheme that forbids the fewest of the tags found.

    `iob1` is taken only if it forbids nothing: a file that has both B- and I- after O is `bio` with broken sequences.
    `io` is taken where no tag has a prefix and "O" occurs, too.

    Example:
        >>> detect_scheme([["B-PER", "M-PER", "E-PER"], ["O", "S-LOC"]])
        'bmes'
    """
    neighbours = Counter()
    for tags in tag_sequences:
        neighbours.update(pairwise((None, *tags, None)))
    found = {tag for pair in neighbours for tag in pair}
    if "O" in found and found != {"O", None} and not any(is_tag(tag) for tag in found - {"O", None}):
        return "io"
    broken = {
        scheme: sum(count for pair, count in neighbours.items() if _complaint(*pair, scheme))
        for scheme in READABLE
        if scheme != "io"
    }
    if broken["iob1"]:
        del broken["iob1"]
    return min(broken, key=broken.get)


def is_tag(tag: str) -> bool:
    """Whether some scheme with prefixes has such a tag: "O", or a type after a prefix and a hyphen."""
    return _parse(tag, ANY_PREFIX) is not None


def find_broken_tags(tags: Sequence[str], *, scheme: str) -> list[tuple[int, str]]:
    """Find the tags of a sequence that a scheme of `READABLE` forbids at their places.

    Returns:
        Index and message for each broken tag; the last index when an entity is still open at the end.

    Raises:
        ValueError: the scheme is unknown.

    Example:
        >>> find_broken_tags(["O", "I-PER"], scheme="bio")
        [(1, 'expected B-PER to begin the entity, found I-PER after O')]
    """
    _prefixes(scheme, READABLE)
    broken = []
    for index, (previous, tag) in enumerate(pairwise((None, *tags, None))):
        message = _complaint(previous, tag, scheme)
        if message:
            broken.append((min(index, len(tags) - 1), message))
    return broken


def _prefixes(scheme: str, known: Iterable[str]) -> dict[str, str]:
    if scheme not in known:
        raise ValueError(f"expected one of the tag schemes {', '.join(known)}, found {scheme!r}")
    return READABLE[scheme]


def _parse(tag: str, prefixes: dict[str, str]) -> tuple[str, str] | None:
    """Split a tag into its prefix, in the letters of BIOES, and its label; None if it is no tag."""
    if tag == "O":
        return "O", ""
    prefix, _, label = tag.partition("-")
    if prefix in prefixes and prefix and label:
        return prefixes[prefix], label
    return (prefixes[""], tag) if tag and "" in prefixes else None


@lru_cache(maxsize=4096)
def _complaint(previous: str | None, tag: str | None, scheme: str) -> str | None:
    """Say why `tag` may not follow `previous`; None if it may. None for a tag is the border of the sequence."""
    prefixes = READABLE[scheme]
    now, before = (_parse("O" if each is None else each, prefixes) for each in (tag, previous))
    if now is None:
        return f"expected O or a label after one of {', '.join(f'{letter}-' for letter in prefixes)}, found {tag!r}"
    if before is None:  # that tag has its own complaint
        return None
    (prefix, label), (previous_prefix, previous_label) = now, before
    is_open = previous_prefix in "BI"
    continues = is_open and label == previous_label
    place = f"after {previous}" if previous else "at the start of the sequence"
    if is_open and "E" in prefixes.values() and not (continues and prefix in "IE"):
        wanted = " or ".join(f"{letter}-{previous_label}" for letter, meaning in prefixes.items() if meaning in "IE")
        return f"expected {wanted} {place}, found {tag or 'the end of the sequence'}"
    if scheme == "io":
        return None
    if scheme == "iob1":
        if prefix == "B" and not continues:
            return f"expected I-{label} to begin the entity, found {tag} {place}"
    elif prefix in "IE" and not continues:
        return f"expected B-{label} to begin the entity, found {tag} {place}"
    return None
