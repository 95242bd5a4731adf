"""Column files: lines of a token and its tag up to a blank line, as rows of tokens and tags."""

import csv
from collections import Counter
from collections.abc import Iterable

from .errors import DataError, ErrorLog, show
from .ner_rows import TaggedRow

_SEPARATOR_NAMES = {"\t": "a tab", " ": "a space", ",": "a comma"}


def parse_columns(lines: list[str | None], log: ErrorLog, *, is_csv: bool) -> list[TaggedRow | None]:
    """Gather the lines of each sentence; of more than two columns the first and the last count.

    Args:
        lines: as `text_files.read_lines` gives them; -DOCSTART- lines are left out.
        log: takes an error for each line that has not as many columns as most, or an empty one.
        is_csv: the separator is a comma; else it is that of most lines.

    Returns:
        A row for each sentence, with the number of its first line; None for one that has an error.

    Raises:
        DataError: there are no sentences.
    """
    separator = "," if is_csv else _find_separator(lines)
    widths = Counter()
    sentences: list[list[tuple[int, list[str] | None]]] = [[]]
    for number, line in enumerate(lines, start=1):
        if line is not None and (not line.strip(" \t") or line.startswith("-DOCSTART-")):
            if sentences[-1]:
                sentences.append([])
            continue
        cells = _split_line(line, number, separator, log) if line is not None else None
        sentences[-1].append((number, cells))
        if cells and len(cells) > 1:
            widths[len(cells)] += 1
    width = widths.most_common(1)[0][0] if widths else 2

    rows = []
    for sentence in filter(None, sentences):
        is_whole = True
        for number, cells in sentence:
            if cells is None:
                is_whole = False
            elif len(cells) != width:
                is_whole = False
                log.add(
                    number,
                    f"expected {width} columns apart by {_SEPARATOR_NAMES[separator]}, found {len(cells)}: "
                    f"{show(separator.join(cells))}; write a token and its tag",
                )
            elif not cells[0] or not cells[-1]:
                is_whole = False
                log.add(
                    number,
                    f"expected a token and its tag, found {show(separator.join(cells))}; fill the empty column",
                )
        if is_whole:
            tokens, tags = [cells[0] for _, cells in sentence], [cells[-1] for _, cells in sentence]
            rows.append(TaggedRow(sentence[0][0], None, tokens, tags))
        else:
            rows.append(None)
    if not rows:
        raise DataError(f"{log.source}: expected sentences, found only -DOCSTART- lines; check how it was written")
    return rows


def _find_separator(lines: Iterable[str | None]) -> str:
    """The separator of most lines; of a line, a tab if it has one, else a space, else a comma."""
    counts = Counter(
        next((mark for mark in "\t ," if mark in line), None) for line in lines if line and line.strip(" \t")
    )
    return max("\t ,", key=lambda mark: counts[mark])


def _split_line(line: str, number: int, separator: str, log: ErrorLog) -> list[str] | None:
    """Split at the separator alone: other white space is text. A separator doubled at the start is the token."""
    other = {"\t": " ", " ": "\t"}.get(separator)
    if other and other in line and (separator == " " or separator not in line):
        expected, found = _SEPARATOR_NAMES[separator], _SEPARATOR_NAMES[other]
        log.add(
            number,
            f"expected {expected} between the columns as on most lines, found {found}; use one of them throughout",
        )
        return None
    if separator == "," and '"' in line:
        try:
            return next(csv.reader([line]))
        except (csv.Error, StopIteration) as error:
            log.add(number, f"expected columns apart by a comma, found: {error}; repair the quotes")
            return None
    if line.startswith(separator * 2):
        token, found, rest = separator, separator, line[2:]
    else:
        token, found, rest = line.partition(separator)
    cells = rest.split(separator) if found else []
    if separator == " ":
        cells = [cell for cell in cells if cell]  # columns may be padded
    return [token, *cells]
