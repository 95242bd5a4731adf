"""Cloze templates: plain strings with places for texts, for the word that is asked for, and for trainable vectors.

{text}。它真是太{mask}了。
{text}？{mask}，{text_pair}
{soft:8}{text}{soft:这句话}{mask}{mask}
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .errors import PromptError

FIELDS = ("text", "text_pair", "span")
_NAMES = (*FIELDS, "mask", "soft")
_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


class TemplateError(PromptError):
    """A template that asks for nothing, or cannot be read; the message says how to repair it."""


class Masks(NamedTuple):
    """The place of the word that is asked for."""

    spaced: bool  # white space comes before it, so that a word there begins as after a space


class Soft(NamedTuple):
    """A run of trainable vectors."""

    count: int | None  # None for as many as `words` have tokens
    words: str  # whose embeddings they start from; empty for a random start


class Segment(NamedTuple):
    """Text between masks and trainable vectors."""

    text: str  # with the places filled in
    fields: tuple[tuple[str, int, int], ...]  # name, start and end (exclusive) of each place in `text`

    def find_field(self, start: int, end: int) -> str:
        """Name of the place that contains all of these characters; empty if none does."""
        return next((name for name, first, last in self.fields if first <= start and end <= last), "")


Piece = Segment | Masks | Soft


@dataclass(frozen=True)
class Template:
    """A parsed template.

    Args:
        pattern: `{text}`, `{text_pair}` and `{span}` are filled in; `{mask}` is asked for (repeated, it shows how
            long a word is meant to be; words of other lengths get as many masks as they need); `{soft:8}` are eight
            trainable vectors, `{soft:这句话}` as many as these words have tokens, starting from their embeddings; `{{`
            and `}}` are braces.

    Raises:
        TemplateError: no mask, masks apart from each other, a place that is unknown or occurs twice, a lone brace.

    Example:
        >>> Template("{text}。真是太{mask}").fill({"text": "很好看"})
        [Segment(text='很好看。真是太', fields=(('text', 0, 3),)), Masks(spaced=False)]
    """

    pattern: str

    def __post_init__(self):
        object.__setattr__(self, "_pieces", _parse(self.pattern))

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the places that are filled in, in order."""
        return tuple(piece[1] for piece in self._pieces if piece[0] == "field")

    @property
    def spaced(self) -> bool:
        """Whether white space comes before the masks."""
        return any(piece == Masks(spaced=True) for piece in self.fill(dict.fromkeys(self.fields, "")))

    @property
    def soft(self) -> list[Soft]:
        """The runs of trainable vectors, in order."""
        return [piece for piece in self.fill(dict.fromkeys(self.fields, "")) if isinstance(piece, Soft)]

    def fill(self, values: Mapping[str, str]) -> list[Piece]:
        """The template with its places filled in; braces and masks in a value are plain text.

        Args:
            values: text for each of `fields`.
        """
        filled: list[Piece] = []
        text, fields = "", []
        for kind, value in [*self._pieces, ("end", "")]:
            if kind == "literal":
                text += value
            elif kind == "field":
                fields.append((value, len(text), len(text) + len(values[value])))
                text += values[value]
            else:
                if text:
                    filled.append(Segment(text, tuple(fields)))
                if kind == "mask":
                    filled.append(Masks(spaced=text[-1:].isspace()))
                elif kind == "soft":
                    filled.append(Soft(int(value), "") if value.isdecimal() else Soft(None, value))
                text, fields = "", []
        return filled


def read_templates(patterns: Sequence[str]) -> list[Template]:
    """Parse templates that are asked together.

    Raises:
        TemplateError: one cannot be read, or they have places for different things.

    Example:
        >>> [each.fields for each in read_templates(["{text}真{mask}", "{mask}：{text}"])]
        [('text',), ('text',)]
    """
    templates = [Template(pattern) for pattern in patterns]
    second = sorted(set(templates[0].fields) - {"text"})
    for template in templates:
        if sorted(set(template.fields) - {"text"}) != second or "text" not in template.fields or len(second) > 1:
            raise TemplateError(
                f"template {template.pattern!r}: expected {{text}}, and {{text_pair}} or {{span}} in all or in none"
            )
    return templates


def _parse(pattern: str) -> list[tuple[str, str]]:
    """Kind (literal, field, mask, soft) and value of each piece; a run of masks is one."""
    pieces: list[tuple[str, str]] = []
    end = 0
    for match in _PLACE.finditer(pattern):
        if match.start() > end:
            pieces.append(("literal", pattern[end : match.start()]))
        end = match.end()
        if match[1] is not None:
            piece = _read_place(match[1], pattern)
        elif len(match[0]) == 2:
            piece = "literal", match[0][0]
        else:
            raise TemplateError(f"template {pattern!r}: expected {{name}}, found a lone {match[0]}; write it twice")
        if piece[0] != "mask" or pieces[-1:] != [piece]:
            pieces.append(piece)
    if end < len(pattern):
        pieces.append(("literal", pattern[end:]))

    masks = sum(kind == "mask" for kind, _ in pieces)
    if masks != 1:
        found = "none" if not masks else f"masks in {masks} places"
        raise TemplateError(f"template {pattern!r}: expected {{mask}}, or several in a row, found {found}")
    names = [value for kind, value in pieces if kind == "field"]
    for name in names:
        if names.count(name) > 1:
            raise TemplateError(f"template {pattern!r}: expected {{{name}}} once, found it {names.count(name)} times")
    return pieces


def _read_place(place: str, pattern: str) -> tuple[str, str]:
    name, colon, value = place.partition(":")
    if name in FIELDS and not colon:
        return "field", name
    if name == "mask" and not colon:
        return "mask", ""
    if name == "soft" and value and value != "0":
        return "soft", value
    if name == "soft":
        raise TemplateError(f"template {pattern!r}: expected {{soft:8}} or {{soft:words}}, found {{{place}}}")
    near = difflib.get_close_matches(name, _NAMES, 1)
    hint = f"; did you mean {{{near[0]}}}?" if near else f"; there are {', '.join(f'{{{each}}}' for each in _NAMES)}"
    raise TemplateError(f"template {pattern!r}: expected a known place, found {{{place}}}{hint}")
