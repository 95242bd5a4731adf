"""The cells of tables: lines cut at a separator, with quotes or without."""

import itertools
import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from ..data.errors import show

SPAN = 1000  # most lines of a quoted cell, held in memory while its end is looked for
SEPARATOR_NAMES = {"\t": "a tab", " ": "a space", ",": "a comma", ";": "a semicolon"}

_BODY = '"((?:[^"]++|"")*+)'  # of a quoted cell: two quotes stand for one
_OPEN = re.compile(_BODY + r"\Z")
_CLOSED = re.compile(_BODY + '"')
_WRAPPED = re.compile(f' *{_BODY}" *')
_SEPARATOR_LINE = re.compile('"?sep=(.|\\\\t)"?', re.IGNORECASE)

Numbered = tuple[int, str | None]


def name_separator(separator: str) -> str:
    """A separator in words: "a tab"."""
    return SEPARATOR_NAMES.get(separator, separator)


def name_separators(separator: str) -> str:
    """A separator in words, in the plural: "tabs"."""
    name = SEPARATOR_NAMES.get(separator)
    return f"{name.removeprefix('a ')}s" if name else separator


def read_cells(
    lines: Iterable[str | None], separator: str, *, quoted: bool = True
) -> Iterator[tuple[int, list[str] | str | None]]:
    r"""Cut the lines of a table into cells, holding no more than the lines of a row in memory.

    Args:
        lines: without line ends; None for one that cannot be read.
        separator: between the cells.
        quoted: a cell in quotes may have separators, line breaks (up to `SPAN`) and doubled quotes; else a quote is
            a character like any other.

    Yields:
        For each row that is not blank, the number of its first line, from 1 on, with its cells, or with what is wrong,
        or with None if one of its lines cannot be read. After a row with an error, its second line comes next.

    Example:
        >>> list(read_cells(['a,"b, ""c""', 'd"', "e"], ","))
        [(1, ['a', 'b, "c"\nd']), (3, ['e'])]
    """
    numbered = enumerate(lines, start=1)
    again: deque[Numbered] = deque()  # lines after one with an error

    def following() -> Numbered | None:
        return again.popleft() if again else next(numbered, None)

    while item := following():
        number, line = item
        if line is None:
            yield number, None
        elif not quoted or '"' not in line:
            if line.strip():
                yield number, line.split(separator)
        else:
            taken: list[Numbered] = []
            cells = _split_quoted(line, number, separator, following, taken)
            if isinstance(cells, str):
                again.extendleft(reversed(taken))
            yield number, None if any(more is None for _, more in taken) else cells


def first_cells(line: str, separator: str) -> list[str]:
    """The cells of a single line; none if a quote in it is not closed."""
    _, cells = next(read_cells([line], separator), (0, None))
    return cells if isinstance(cells, list) else []


def usual_width(rows: Iterable[Sequence[str] | str | None]) -> tuple[int, int]:
    """How many cells most rows have, and how many rows those are; 0, 0 without rows."""
    widths = Counter(len(cells) for cells in rows if isinstance(cells, list))
    return widths.most_common(1)[0] if widths else (0, 0)


def shows_quoting(lines: Sequence[str | None], separator: str) -> bool:
    """Whether quotation marks in the lines of a file enclose cells; between tabs they are mostly plain characters.

    They do if more rows have the usual width then. If no width changes, they do if quotes occur only around and inside
    quoted cells, and some of these are doubled, or all cells are quoted.

    Example:
        >>> shows_quoting(['a|"b"', 'c|"d" e'], "|"), shows_quoting(['a|"b ""c"" d"'], "|")
        (False, True)
    """
    if not any(line and '"' in line for line in lines):
        return False
    plain = [cells for _, cells in read_cells(lines, separator, quoted=False)]
    read = [cells for _, cells in read_cells(lines, separator)]
    width, fitting = usual_width(plain)
    width_read, fitting_read = usual_width(read)
    wrong, wrong_read = len(plain) - fitting, len(read) - fitting_read
    if wrong != wrong_read or width != width_read:
        return wrong_read < wrong
    cells = [cell for row in plain if row for cell in row if cell.strip()]
    inside = [found[1] for cell in cells if (found := _WRAPPED.fullmatch(cell))]
    if any('"' in cell for cell in cells if not _WRAPPED.fullmatch(cell)):
        return False
    return len(inside) == len(cells) or any('""' in body for body in inside)


def separator_line(line: str | None) -> str | None:
    """The separator that the first line of a file names, as Excel writes it: `sep=;`."""
    found = _SEPARATOR_LINE.fullmatch(line.strip()) if line else None
    return found and found[1].replace("\\t", "\t")


@cache
def _quoted_cell(separator: str) -> re.Pattern:
    return re.compile(f' *{_BODY}" *(?={re.escape(separator)}|\\Z)')


def _split_quoted(line: str, number: int, separator: str, following, taken: list[Numbered]) -> list[str] | str:
    """Cut a line with quotes, or say what is wrong with it; further lines of a cell are added to `taken`."""
    quoted = _quoted_cell(separator)
    text, position, cells = line, 0, []
    while True:
        match = quoted.match(text, position)
        while match is None and _OPEN.match(text, position):
            end = len(taken)
            for item in itertools.islice(iter(following, None), SPAN - len(taken)):
                taken.append(item)
                if item[1] and '"' in item[1]:
                    break
            if end == len(taken) or '"' not in (taken[-1][1] or ""):
                last = taken[-1][0] if taken else number
                return (
                    f"expected a quote that closes the cell, found none up to line {last}; "
                    'add it, or write "" for a quote that is text'
                )
            text = "\n".join([text, *(more or "" for _, more in taken[end:])])
            match = quoted.match(text, position)
        if match:
            cells.append(match[1].replace('""', '"'))
            end = match.end()
        elif closed := _CLOSED.match(text, position):
            found = show(text[closed.end() :].split("\n")[0][:20])
            return (
                f"expected {name_separator(separator)} after the quote that closes a cell, found {found} in line "
                f'{number + text.count(chr(10), 0, closed.end())}; write "" for a quote that is text'
            )
        else:
            end = text.find(separator, position)
            end = len(text) if end < 0 else end
            cells.append(text[position:end])
        if end == len(text):
            return cells
        position = end + len(separator)
