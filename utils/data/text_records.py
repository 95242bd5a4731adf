"""Lines of tables and of other files of texts, as records with the numbers of their lines."""

import itertools
import logging
import re
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator

from .errors import DataError, ErrorLog, show
from .json_records import begin_as_json
from .text_rows import ID_KEYS, LABEL_KEYS, PAIR_KEYS, TEXT_KEYS

logger = logging.getLogger(__name__)

SPAN = 1000  # lines that a quoted cell may have: what is held in memory while its end is looked for

# Fields of a line without a header, by their number. The marked form of five is that of the Toutiao news titles.
TAB_FIELDS = {1: ("text",), 2: ("text", "label"), 3: ("text", "text_pair", "label")}
MARKED_FIELDS = {2: TAB_FIELDS[2], 3: TAB_FIELDS[3], 5: ("id", "code", "label", "text", "keywords")}
MARK = "_!_"

_KNOWN_KEYS = {*TEXT_KEYS, *PAIR_KEYS, *LABEL_KEYS, *ID_KEYS}
_SEPARATOR_NAMES = {"\t": "a tab", ",": "a comma", MARK: MARK}
_BODY = '"((?:[^"]++|"")*+)'  # of a quoted cell: two quotes stand for one
_OPEN = re.compile(_BODY + r"\Z")
_CLOSED = re.compile(_BODY + '"')
_QUOTED = {separator: re.compile(f' *{_BODY}" *(?={separator}|\\Z)') for separator in ("\t", ",")}

Numbered = tuple[int, str | None]


def find_format(lines: Iterable[str | None], name: str, named: Collection[str]) -> str:
    """Go by the extension, then by the first line that is not blank.

    Args:
        lines: as `text_files.read_lines` gives them.
        name: of the file, in lower case, without ".gz".
        named: names of columns that the user gave.

    Returns:
        "csv", "tsv", "json", "marked" or "tab".
    """
    if name.endswith(".csv"):
        return "csv"
    if name.endswith((".json", ".jsonl", ".ndjson")) or begin_as_json(lines):
        return "json"
    first = next((line for line in lines if line and line.strip()), "")
    if MARK in first:
        return "marked"
    for file_format, separator in (("tsv", "\t"), ("csv", ",")):
        _, cells = next(read_cells([first], separator), (0, None))
        if isinstance(cells, list) and _is_header(cells, named):
            return file_format
    return "tab"


def read_cells(lines: Iterable[str | None], separator: str) -> Iterator[tuple[int, list[str] | str | None]]:
    r"""Cut the lines of a table into cells, holding no more lines than a quoted cell has.

    A comma-separated cell in quotes may have commas, line breaks (up to `SPAN`) and doubled quotes. Between tabs,
    where many files quote nothing, a cell is quoted only if it ends with a quote on its line; other quotes are text.

    Args:
        lines: without line ends; None for one that cannot be read.
        separator: "," or a tab.

    Yields:
        For each row that is not blank the number of its first line, from 1 on, and its cells; or what is wrong with
        it; or None if one of its lines cannot be read. Behind a row with an error its second line comes next.

    Example:
        >>> list(read_cells(['a,"b, ""c""', 'd"', "e"], ","))
        [(1, ['a', 'b, "c"\nd']), (3, ['e'])]
    """
    numbered = enumerate(lines, start=1)
    again: deque[Numbered] = deque()  # lines behind one with an error

    def following() -> Numbered | None:
        return again.popleft() if again else next(numbered, None)

    while item := following():
        number, line = item
        if line is None:
            yield number, None
        elif '"' not in line:
            if line.strip():
                yield number, line.split(separator)
        else:
            taken: list[Numbered] = []
            cells = _split_quoted(line, number, separator, following, taken)
            if isinstance(cells, str):
                again.extendleft(reversed(taken))
            yield number, None if any(more is None for _, more in taken) else cells


def read_table(
    lines: Iterable[str | None], separator: str, log: ErrorLog
) -> tuple[list[str], Iterator[tuple[int, dict[str, str] | str | None]]]:
    """Read a table whose first row names its columns.

    Args:
        lines, separator: as in `read_cells`.
        log: may have an error of the first line; it is raised.

    Returns:
        The names, without white space around them; and an iterator over the number of its line and the record, or
        what is wrong, of each row, as in `read_cells`. No names if there are no lines.

    Raises:
        DataError: the first row cannot be read, or names two columns alike.
    """
    rows = read_cells(lines, separator)
    number, cells = next(rows, (0, []))
    if isinstance(cells, str):
        log.add(number, cells)
    if not isinstance(cells, list):
        log.finish(skip_bad_lines=False)
    header = [cell.strip() for cell in cells or ()]
    repeated = [name for name, count in Counter(filter(None, header)).items() if count > 1]
    if repeated:
        log.add(number, f"expected a name of its own for each column, found {repeated[0]} twice; rename one")
        log.finish(skip_bad_lines=False)
    width = f"expected {len(header)} columns as in the header"
    quote = "quote texts with commas" if separator == "," else "remove tabs from texts"

    def records() -> Iterator[tuple[int, dict[str, str] | str | None]]:
        for number, cells in rows:
            if not isinstance(cells, list):
                yield number, cells
            elif len(cells) != len(header):
                yield number, f"{width}, found {len(cells)}; {quote}, and fill or remove cells"
            else:
                yield number, dict(zip(header, cells, strict=True))

    return header, records()


def parse_table(lines: Iterable[str | None], separator: str, log: ErrorLog) -> list[tuple[int, dict | None]]:
    """Read a whole table.

    Returns:
        The number of its line and the record of each row; None for one that has its error in `log`.

    Raises:
        DataError: as `read_table`, or there are no rows below the header.
    """
    parsed: list[tuple[int, dict | None]] = []
    for number, record in read_table(lines, separator, log)[1]:
        if isinstance(record, str):
            log.add(number, record)
            record = None
        parsed.append((number, record))
    if not parsed:
        raise DataError(f"{log.source}: expected rows below the header, found none; check how it was written")
    return parsed


def parse_fields(
    lines: Iterable[str | None], separator: str, log: ErrorLog, *, fields: dict[int, tuple[str, ...]]
) -> list[tuple[int, dict | None]]:
    """Cut lines without a header; there are no quotes, and blank lines are skipped.

    Args:
        lines: as `text_files.read_lines` gives them.
        separator: of the fields.
        log: takes an error for each line that has not as many fields as most.
        fields: the names of the fields, by their number.

    Returns:
        The number of the line and the record of each; None for one that has an error.
    """
    split = [
        (number, None if line is None else line.split(separator))
        for number, line in enumerate(lines, start=1)
        if line is None or line.strip()
    ]
    widths = Counter(len(cells) for _, cells in split if cells and len(cells) in fields)
    width = widths.most_common(1)[0][0] if widths else None
    counts = [str(count) for count in fields]
    expected, known = str(width), fields.get(width)
    if known is None:
        expected = f"{', '.join(counts[:-1])} or {counts[-1]}"
    records: list[tuple[int, dict | None]] = []
    for number, cells in split:
        record = None
        if cells and len(cells) == width:
            record = dict(zip(known, cells, strict=True))
        elif cells:
            of = f" ({', '.join(known)}) as on most lines" if known else ""
            log.add(
                number,
                f"expected {expected} fields{of}, apart by {_SEPARATOR_NAMES[separator]}, found {len(cells)}: "
                f"{show(separator.join(cells))}; correct the line",
            )
        records.append((number, record))
    return records


def parse_faq(lines: Iterable[str | None], log: ErrorLog) -> list[tuple[int, dict | None]]:
    """Cut lines of an answer, white space and a question; blank lines are skipped.

    Returns:
        The number of the line and the record (`text`: the question, `label`: the answer) of each; None for one that
        has an error.
    """
    records: list[tuple[int, dict | None]] = []
    for number, line in enumerate(lines, start=1):
        record = None
        if line is not None:
            parts = line.split(maxsplit=1)
            if not parts:
                continue
            if len(parts) == 2:
                record = {"text": parts[1], "label": parts[0]}
            else:
                log.add(
                    number,
                    f"expected an answer, white space and a question, found {show(line)}; add what is missing",
                )
        records.append((number, record))
    return records


def _is_header(cells: list[str], named: Collection[str]) -> bool:
    """Whether the names of a text column and of another one are there, or of a text column alone."""
    cells = [cell.strip() for cell in cells]
    known = [cell for cell in cells if cell in _KNOWN_KEYS or cell in named]
    has_text = any(cell in TEXT_KEYS or cell in named for cell in known)
    return has_text and len(known) >= min(len(cells), 2)


def _split_quoted(line: str, number: int, separator: str, following, taken: list[Numbered]) -> list[str] | str:
    """Cut a line with quotes, or say what is wrong with it; lines that a cell goes on in are added to `taken`."""
    text, position, cells = line, 0, []
    while True:
        match = _QUOTED[separator].match(text, position)
        while match is None and separator == "," and _OPEN.match(text, position):
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
            match = _QUOTED[separator].match(text, position)
        if match:
            cells.append(match[1].replace('""', '"'))
            end = match.end()
        elif separator == "," and (closed := _CLOSED.match(text, position)):
            found = show(text[closed.end() :].split("\n")[0][:20])
            return (
                f"expected a comma behind the quote that closes a cell, found {found} in line "
                f'{number + text.count(chr(10), 0, closed.end())}; write "" for a quote that is text'
            )
        else:
            end = text.find(separator, position)
            end = len(text) if end < 0 else end
            cells.append(text[position:end])
        if end == len(text):
            return cells
        position = end + 1
