"""Candidate spans: the stretches of a text that are asked about, each "is this an entity?".

| kind | spans |
|---|---|
| ngrams | all runs of units inside punctuation and white space |
| segments | those of them that jieba's words make up: words, and runs of neighbouring words |

A unit is one CJK character or one run of other letters and digits: a Latin word or a number is never cut. Data may
bring its own spans instead, see `check_spans`. Titles are also asked about with their marks, 《红楼梦》, however long:
some data sets (CLUENER) include the marks.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from itertools import accumulate
from typing import Any

from ..encoding.word_borders import load_segmenter
from .errors import PromptError

Spans = list[tuple[int, int]]  # start and end of each, in characters, end exclusive

KINDS = ("ngrams", "segments")

_TITLE = re.compile("《[^《》]+》")
# Scripts that are written without spaces, letters only: iteration marks and zero, kana, bopomofo, Han, half-width
# kana, Han beyond the basic plane.
_CJK = re.compile(
    "[\u3005-\u3007\u3040-\u30ff\u3100-\u312f\u31a0-\u31bf\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff]"
)
_JOINERS = frozenset("'’-_.&")  # inside words and numbers: Jean-Paul, AT&T, U.S, 3.5
_DOTS = frozenset("·•‧・")  # between the parts of a name: 约翰·史密斯


class CandidateError(PromptError):
    """Candidate spans that are not possible; the message says how to repair them."""


def choose_spans(kind: str, *, max_length: int) -> Callable[[str], Spans]:
    """The function that lists a text's candidate spans.

    Args:
        kind: one of `KINDS`.
        max_length: the most units of a span.

    Raises:
        CandidateError: no such kind, or a length below 1.
    """
    if kind not in KINDS:
        raise CandidateError(f"expected candidate spans of the kind {' or '.join(KINDS)}, found {kind!r}")
    if max_length < 1:
        raise CandidateError(f"expected candidate spans of up to 1 unit or more, found {max_length}")
    return partial({"ngrams": list_ngrams, "segments": list_segments}[kind], max_length=max_length)


def list_ngrams(text: str, *, max_length: int) -> Spans:
    """All runs of up to `max_length` units inside punctuation and white space, and titles with their marks, sorted.

    Example:
        >>> [text[start:end] for text in ["去NBA，好"] for start, end in list_ngrams(text, max_length=2)]
        ['去', '去NBA', 'NBA', '好']
    """
    spans = [title.span() for title in _TITLE.finditer(text)]
    for stretch in _find_stretches(text):
        for first, (start, _) in enumerate(stretch):
            spans += [(start, end) for _, end in stretch[first : first + max_length]]
    return sorted(spans)


def list_segments(text: str, *, max_length: int) -> Spans:
    """Of `list_ngrams`, those that begin and end where jieba's words do, and the titles.

    Example:
        >>> [text[start:end] for text in ["我在北京大学"] for start, end in list_segments(text, max_length=6)]
        ['我', '我在', '我在北京大学', '在', '在北京大学', '北京大学']
    """
    borders = {0, *accumulate(map(len, load_segmenter().cut(text)))}
    for title in _TITLE.finditer(text):
        borders |= set(title.span())
    for stretch in _find_stretches(text):
        borders |= {stretch[0][0], stretch[-1][1]}
    return [span for span in list_ngrams(text, max_length=max_length) if borders.issuperset(span)]


def check_spans(text: str, spans: Iterable[Any]) -> Spans:
    """Check the spans that come with the data; they are returned sorted, each once.

    Args:
        text: the text that they are in.
        spans: `[start, end]` of each, in characters, end exclusive.

    Raises:
        CandidateError: a span is malformed, is empty, or lies outside the text.
    """
    checked = set()
    for span in spans:
        pair = tuple(span) if isinstance(span, list | tuple) else ()
        if len(pair) != 2 or any(type(place) is not int for place in pair) or not 0 <= pair[0] < pair[1] <= len(text):
            raise CandidateError(
                f"expected candidates as [start, end] inside the text of {len(text)} characters, end exclusive, "
                f"found {span!r}; correct the offsets"
            )
        checked.add(pair)
    return sorted(checked)


def _find_stretches(text: str) -> list[Spans]:
    """Units of each stretch between punctuation or white space."""
    stretches: list[Spans] = [[]]
    glued = False  # whether the next character goes on with the unit before it
    for place, character in enumerate(text):
        unit = stretches[-1][-1] if stretches[-1] else None
        kind = unicodedata.category(character)[0]
        if kind == "M" and unit and unit[1] == place:  # an accent or a vowel sign belongs to its letter
            stretches[-1][-1] = (unit[0], place + 1)
        elif kind in "LN":
            cjk = _CJK.match(character) is not None
            if glued and not cjk and unit:
                stretches[-1][-1] = (unit[0], place + 1)
            else:
                stretches[-1].append((place, place + 1))
            glued = not cjk
        elif glued and _joins(text, place):
            pass
        elif unit and unit[1] == place and character in _DOTS:
            glued = False
        elif unit:
            stretches.append([])
            glued = False
    return [stretch for stretch in stretches if stretch]


def _joins(text: str, place: int) -> bool:
    """Whether a sign is inside a word or a number; the character before it is a letter or a digit."""
    before, sign, after = text[place - 1], text[place], text[place + 1 : place + 2]
    if not after or not after.isalnum() or not before.isalnum() or _CJK.match(after):
        return False
    return sign in _JOINERS or (sign == "," and before.isdecimal() and after.isdecimal())
