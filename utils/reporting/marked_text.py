"""Text from data, as templates show it: nothing in it is markup, nothing is invisible, spans are marked."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from ..data.errors import printable

SHOWN = {"\n": "↵", "\t": "⇥", "\r": "␍"}
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}  # Unicode categories of invisible characters
LONGEST_NAME = 80  # characters of a label or id


class Mark(NamedTuple):
    """A span to mark: character offsets, end exclusive; its name; its class in the style sheet."""

    start: int
    end: int
    name: str
    look: str


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in HIDDEN


def runs(text: str) -> Iterator[tuple[str, str | None]]:
    """A text in runs, each with None; and for each invisible character a sign, with its name or with "".

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
    """A text with its invisible characters spelled out, for attributes, options and drawings.

    Example:
        >>> plain("a\\u202e")
        'a‹U+202E›'
    """
    return "".join(f"‹U+{ord(character):04X}›" if _is_hidden(character) else character for character in text)


def plain_markdown(text: str) -> str:
    """A label escaped for Markdown: no markup, no HTML, no further cell or line.

    Example:
        >>> plain_markdown("<b>a|b</b>")
        '&lt;b&gt;a\\\\|b&lt;/b&gt;'
    """
    line = " ".join(printable(text).split())
    return re.sub(r"([\\|`*\[\]])", r"\\\1", html.escape(line, quote=False))


def shorten(text: str) -> str:
    """A name for a table: its first 80 characters, with an ellipsis if there are more."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def mark_steps(text: str, marks: Sequence[Mark], offset: int = 0) -> Iterator[tuple[str, str]]:
    """The text with its spans, which may nest and overlap, as steps of writing it.

    Args:
        text: a text, or a part of one.
        marks: with offsets in the whole text; what is outside of the part is left out.
        offset: where the part begins.
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
        for mark in reversed(opened[kept:]):  # one that continues after this border is opened again
            yield "close", mark.name if mark.end <= first else ""
        for mark in covering[kept:]:
            yield "open", mark.look
        opened = covering
        yield "text", text[first:last]
    for mark in reversed(opened):  # these end here, or after the part
        yield "close", mark.name
