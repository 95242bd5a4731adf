"""Column files: lines of a token and its tag up to a blank line, as rows of tokens and tags."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ..data.errors import DataError, ErrorLog, counted, show
from ..files.table_cells import name_separator, name_separators
from .column_roles import IN_FEATURES, NO_TOKEN, TAG, Sentence, find_columns, take_names
from .tagged_rows import TaggedRow

logger = logging.getLogger(__name__)

_DOCUMENT = re.compile(r"[\d\s,;]*-DOCSTART-")


def parse_columns(
    lines: list[str | None], log: ErrorLog, *, is_csv: bool, tag_column: int | None = None
) -> list[TaggedRow | None]:
    """Gather the lines of each sentence, with the number of its first line; None for one that has an error.

    The first column holds the tokens, or the second if the first counts tokens or sentences. Tags are read from the
    first other column that holds tags of entities, not only of phrases and words (B-NP); if none does, from the last.
    If each character is followed by its place in the word (Weibo's second release), the place is removed.

    Args:
        lines: as `text_lines.read_lines` gives them; -DOCSTART-, comments after # and a line of names are left out.
        log: takes an error for each line with an empty column, or with more or fewer columns than most lines.
        is_csv: prefer commas and semicolons as separator; else tabs and spaces.
        tag_column: which column holds the tags, from 1 on; None goes by content.

    Raises:
        DataError: there are no sentences, or no such column.
    """
    separator = _find_separator(lines, is_csv=is_csv)
    sentences, width, comments = _split_sentences(lines, separator, log)
    if comments:
        logger.info("%s: left out %s after #", log.source, counted(comments, "comment"))
    names = take_names(sentences)
    if not any(sentences):
        raise DataError(f"{log.source}: expected sentences, found only -DOCSTART- lines; check how it was written")
    sentences, columns = find_columns(sentences, width, names, tag_column, log)
    rows = []
    for sentence in sentences:
        errors_before = len(log)
        for number, cells in sentence:
            if cells and (len(cells) < width or any(cells[width:])):
                log.add(
                    number,
                    f"expected {width} columns separated by {name_separators(separator)}, found {len(cells)}: "
                    f"{show(separator.join(cells))}; write a token and its tag",
                )
            elif cells and not (cells[columns.token] and cells[columns.tag].strip()):
                log.add(
                    number,
                    f"expected a token and its tag, found {show(separator.join(cells))}; fill the empty column",
                )
        if len(log) > errors_before or any(cells is None for _, cells in sentence):
            rows.append(None)
            continue
        numbers = [number for number, _ in sentence]
        tokens, tags = ([cells[column] for _, cells in sentence] for column in columns)
        rows.append(TaggedRow(numbers[0], None, tokens, tags, numbers))
    return _unglue(rows, log)


def are_columns(lines: Sequence[str | None], *, is_csv: bool) -> bool:
    """Whether the first lines of a file are tokens with tags, as `parse_columns` reads them; else they are texts."""
    quiet = ErrorLog("")
    separator = _find_separator(lines, is_csv=is_csv)
    try:
        sentences, width, _ = _split_sentences(lines, separator, quiet)
    except DataError:  # columns of another kind; reading them raises this again
        return True
    names = take_names(sentences)
    rows = [cells for sentence in sentences for _, cells in sentence]
    rows = [cells for cells in rows if not (cells and NO_TOKEN.fullmatch(cells[0]))]
    count = len(rows)
    rows = [cells for cells in rows if cells and len(cells) == width]
    if count < 2 - bool(names) or len(rows) < 0.9 * count:
        return False
    for column in range(width):
        found = Counter(cells[column].strip() for cells in rows)
        tags = sum(times for cell, times in found.items() if TAG.fullmatch(cell) or IN_FEATURES.fullmatch(cell))
        if tags > 0.9 * len(rows) or found["O"] > 0.5 * len(rows):
            return True
    numbers = {cells[-1].strip() for cells in rows}  # of tags
    return len(sentences) > 1 and all(map(str.isdecimal, numbers)) and "0" in numbers


def _find_separator(lines: Iterable[str | None], *, is_csv: bool) -> str:
    """The separator of most lines; that of a line is the first of the usual ones that it has."""
    marks = ",;\t" if is_csv else "\t ,"
    counts = Counter(
        next((mark for mark in marks if mark in line), None)
        for line in lines
        if line and line.strip(" \t") and not line.startswith("#")
    )
    return max(marks, key=lambda mark: counts[mark])


def _split_sentences(lines: list[str | None], separator: str, log: ErrorLog) -> tuple[list[Sentence], int, int]:
    """The sentences, how many columns most lines have, and how many comments were left out."""
    sentences: list[Sentence] = [[]]
    hashes = {}  # lines that begin with #: comments, or tokens like any other
    for number, line in enumerate(lines, start=1):
        if line is not None and (not line.strip(" \t") or _DOCUMENT.match(line)):
            sentences.append([])
            continue
        if line is not None and line.startswith("#FORMAT=WebAnno"):
            raise DataError(
                f"{log.source}:{number}: expected columns of a token and its tag, found WebAnno TSV; "
                "export it as CoNLL 2002"
            )
        cells = None
        if line is not None and line.startswith("#"):
            hashes[number] = line
        elif line is not None:
            cells = _split_line(line, number, separator, log)
        sentences[-1].append((number, cells))
    split = [cells for sentence in sentences for _, cells in sentence if cells]
    quiet = ErrorLog(log.source)
    others = {number: _split_line(line, number, separator, quiet) for number, line in hashes.items()}
    widths = Counter(len(cells) for cells in split or others.values() if cells and len(cells) > 1)
    width = widths.most_common(1)[0][0] if widths else 2
    known = {cell for cells in split for cell in cells[1:]}
    tokens = {
        number: cells
        for number, cells in others.items()
        if cells and len(cells) == width and any(cell in known or TAG.fullmatch(cell) for cell in cells[1:])
    }
    kept = [
        [(number, tokens.get(number, cells)) for number, cells in sentence if number in tokens or number not in hashes]
        for sentence in sentences
    ]
    return [sentence for sentence in kept if sentence], width, len(others) - len(tokens)


def _unglue(rows: list[TaggedRow | None], log: ErrorLog) -> list[TaggedRow | None]:
    """Remove the place in its word (0, 1, ...) from each character, if all characters of the file have one."""
    unglued, places = [], Counter()
    for row in rows:
        tokens, place = [], -1
        for token in row.tokens if row else ():
            place += 1
            if not token.endswith(str(place)) or len(token) == len(str(place)):
                place = 0  # of the next word
            if not token.endswith(str(place)) or len(token) == len(str(place)):
                return rows
            places[place] += 1
            tokens.append(token.removesuffix(str(place)))
        unglued.append(row and row._replace(tokens=tokens))
    if not places[1]:
        return rows
    first = next(row.number for row in rows if row)
    log.note(
        first,
        "token",
        count=places.total(),
        done="read without the number of its place in the word, as in Weibo's files",
    )
    return unglued


def _split_line(line: str, number: int, separator: str, log: ErrorLog) -> list[str] | None:
    """Split at the separator alone: other white space is text. If a line starts with two, the first is the token."""
    other = {"\t": " ", " ": "\t"}.get(separator)
    if other and other in line and (separator == " " or separator not in line):
        expected, found = name_separator(separator), name_separator(other)
        log.add(
            number,
            f"expected {expected} between the columns as on most lines, found {found}; use one of them throughout",
        )
        return None
    if separator in ",;" and '"' in line:
        try:
            return next(csv.reader([line], delimiter=separator))
        except (csv.Error, StopIteration) as error:
            log.add(
                number,
                f"expected columns separated by {name_separators(separator)}, found: {error}; repair the quotes",
            )
            return None
    if line.startswith(separator * 2):
        token, found, rest = separator, separator, line[2:]
    else:
        token, found, rest = line.partition(separator)
    cells = rest.split(separator) if found else []
    if separator == " ":
        cells = [cell for cell in cells if cell]  # columns may be padded
    return [token, *cells]
