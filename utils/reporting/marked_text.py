"""Text from data as HTML: nothing in it is markup, nothing invisible hides, spans are marked."""

import html
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

SHOWN = {"\n": "↵", "\t": "⇥", "\r": "␍"}
HIDDEN = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}  # categories of Unicode without a shape of their own
LONGEST_NAME = 80  # characters of a label or id


class Mark(NamedTuple):
    """A span to mark: character offsets, end exclusive; its name; a class of the style sheet."""

    start: int
    end: int
    name: str
    look: str


def visible(text: str) -> str:
    """Escaped, with a sign for each character that has no shape: direction marks, controls, zero widths.

    Example:
        >>> visible("<b>")
        '&lt;b&gt;'
        >>> visible("a\\u202eb")
        'a<span class="sign" title="RIGHT-TO-LEFT OVERRIDE">U+202E</span>b'
    """
    parts = []
    for character in text:
        if character in SHOWN:
            parts.append(f'<span class="sign">{SHOWN[character]}</span>' + "\n" * (character == "\n"))
        elif unicodedata.category(character) in HIDDEN:
            name = unicodedata.name(character, "character without a name")
            parts.append(f'<span class="sign" title="{name}">U+{ord(character):04X}</span>')
        else:
            parts.append(html.escape(character))
    return "".join(parts)


def plain(text: str) -> str:
    """The same without elements, for attributes, options and drawings.

    Example:
        >>> plain('a"\\u202e')
        'a&quot;‹U+202E›'
    """
    text = "".join(
        f"‹U+{ord(character):04X}›" if unicodedata.category(character) in HIDDEN else character for character in text
    )
    return html.escape(text)


def shorten(text: str) -> str:
    """A name for a table: its beginning, with an ellipsis where that is not all."""
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def isolated(text: str) -> str:
    """A label or id in a line of ours: whatever its direction, it does not move what stands around it."""
    whole = f' title="{plain(text[:300])}"' if len(text) > 20 else ""  # where the page has no room for it
    return f"<bdi{whole}>{visible(shorten(text))}</bdi>"


def mark_spans(text: str, marks: Sequence[Mark], *, offset: int = 0) -> str:
    """The text with its spans in `<mark>`, each with its name at the end; they may nest and overlap.

    Args:
        text: a text, or a part of one.
        marks: offsets are those of the whole text; what lies outside of the part is left out.
        offset: where the part begins.
    """
    shifted = [mark._replace(start=mark.start - offset, end=mark.end - offset) for mark in marks]
    inside = sorted(
        (mark for mark in shifted if mark.start < len(text) and mark.end > 0 and mark.start < mark.end),
        key=lambda mark: (mark.start, -mark.end),
    )
    borders = {0, len(text)} | {min(max(at, 0), len(text)) for mark in inside for at in mark[:2]}
    parts, opened = [], []
    for first, last in zip(sorted(borders), [*sorted(borders)[1:], None], strict=True):
        covering = [mark for mark in inside if mark.start <= first < mark.end]
        kept = 0
        while kept < min(len(opened), len(covering)) and opened[kept] is covering[kept]:
            kept += 1
        for mark in reversed(opened[kept:]):  # one that goes on behind this border is opened again
            parts.append(_close(mark, named=mark.end <= first))
        parts += [f'<mark class="{mark.look}">' for mark in covering[kept:]]
        opened = covering
        if last is not None:
            parts.append(visible(text[first:last]))
    parts += [_close(mark, named=True) for mark in reversed(opened)]  # these go on behind the part
    return "".join(parts)


def _close(mark: Mark, *, named: bool) -> str:
    name = f'<span class="tag">{isolated(mark.name)}</span>' if named and mark.name else ""
    return f"{name}</mark>"
