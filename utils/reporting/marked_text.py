"""Text from data, as templates show it: nothing in it is markup, nothing invisible hides, spans are marked."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from ..data.errors import printable

SHOWN = {"\n": "↵", "\t": "⇥", "\r": "␍"}
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}  # categories of Unicode without a shape of their own
LONGEST_NAME = 80  # characters of a label or id


class Mark(NamedTuple):
    """A span to mark: character offsets, end exclusive; its name; a class of the style sheet."""

    start: int
    end: int
    name: str
    look: str


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN


def runs(text: str) -> Iterator[tuple[str, str | None]]:
    """A text in runs, each with None, and a sign for each character that has no shape, with its name or with "".

    Example:
        >>> list(runs("a\\u202eb\\n"))
        [('a', None), ('U+202E', 'RIGHT-TO-LEFT OVERRIDE'), ('b', None), ('↵', '')]
    """
    for hidden, characters in groupby(text, key=_is_hidden):
        if not hidden:
            yield "".join(characters), None
            continue
        for character in characters:
            if character in SHOWN:
                yield SHOWN[character], ""
            else:
                yield f"U+{ord(character):04X}", unicodedata.name(character, "character without a name")


def plain(text: str) -> str:
    """The same without elements, for attributes, options and drawings.

    Example:
        >>> plain("a\\u202e")
        'a‹U+202E›'
    """
    return "".join(f"‹U+{ord(character):04X}›" if _is_hidden(character) else character for character in text)


def plain_markdown(text: str) -> str:
    """A label in Markdown as it is read: no markup, no HTML, no further cell or line.

    Example:
        >>> plain_markdown("<b>a|b</b>")
        '&lt;b&gt;a\\\\|b&lt;/b&gt;'
    """
    line = " ".join(printable(text).split())
    return re.sub(r"([\\|`*\[\]])", r"\\\1", html.escape(line, quote=False))


def shorten(text: str) -> str:
    """A name for a table: its beginning, with an ellipsis where that is not all."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def mark_steps(text: str, marks: Sequence[Mark], offset: int = 0) -> Iterator[tuple[str, str]]:
    """The text with its spans, which may nest and overlap, as steps of writing it.

    Args:
        text: a text, or a part of one.
        marks: offsets are those of the whole text; what lies outside of the part is left out.
        offset: where the part begins.

    Yields:
        `("open", look)`, `("text", part)` and `("close", name)`, without a name where a span goes on behind another.
    """
    shifted = [mark._replace(start=mark.start - offset, end=mark.end - offset) for mark in marks]
    inside = sorted(
        (mark for mark in shifted if mark.start < len(text) and mark.end > 0 and mark.start < mark.end),
        key=lambda mark: (mark.start, -mark.end),
    )
    borders = sorted({0, len(text)} | {min(max(at, 0), len(text)) for mark in inside for at in mark[:2]})
    opened = []
    for first, last in pairwise(borders):
        covering = [mark for mark in inside if mark.start <= first < mark.end]
        kept = 0
        while kept < min(len(opened), len(covering)) and opened[kept] is covering[kept]:
            kept += 1
        for mark in reversed(opened[kept:]):  # one that goes on behind this border is opened again
            yield "close", mark.name if mark.end <= first else ""
        for mark in covering[kept:]:
            yield "open", mark.look
        opened = covering
        yield "text", text[first:last]
    for mark in reversed(opened):  # these end here, or go on behind the part
        yield "close", mark.name
