"""Lines of files of texts, as records with the numbers of their lines; read as a stream."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from ..data.errors import ErrorLog, show
from ..files.json_records import parse_records
from ..files.table_cells import name_separators, read_cells, separator_line
from .remembered_reading import TextForm
from .text_forms import FIELDS, NOTHING, REST, expected_fields

Record = dict[str, Any]
Numbered = Iterator[tuple[int, Record | str | None]]  # None for one with a line that cannot be read


def read_records(
    lines: Iterable[str | None], form: TextForm, log: ErrorLog, *, by_width: dict[int, tuple[str, ...]] = FIELDS
) -> tuple[list[str], Numbered]:
    """Read JSON, a table, or lines without a header.

    Args:
        lines: without line ends; None for one that cannot be read.
        form: what `find_form` returns.
        log: takes an error of a table's header, which is raised, and those of JSON.
        by_width: as in `find_form`.

    Returns:
        The names of the columns, none of JSON; and an iterator over the rows: the line number, and the record or what
        is wrong.

    Raises:
        DataError: the header cannot be read, or two columns have the same name.
    """
    if form.kind == "json":
        return [], parse_records(lines, log)
    if form.kind == "table":
        return _read_table(_without_separator(lines), form, log)
    if form.kind == "fields":
        return list(form.fields), _read_fields(_without_separator(lines), form, by_width)
    if form.kind == "faq":
        return ["text", "label"], _read_faq(lines)
    return ["text"], ((number, None if line is None else {"text": line}) for number, line in enumerate(lines, start=1))


def _without_separator(lines: Iterable[str | None]) -> Iterator[str | None]:
    """Blank the line that names the separator, so that later lines keep their numbers."""
    for number, line in enumerate(lines):
        yield "" if number == 0 and separator_line(line) else line


def _read_table(lines: Iterable[str | None], form: TextForm, log: ErrorLog) -> tuple[list[str], Numbered]:
    rows = read_cells(lines, form.separator, quoted=form.quoted)
    number, cells = next(rows, (0, []))
    if isinstance(cells, str):
        log.add(number, cells)
    if not isinstance(cells, list):
        log.finish(skip_bad_lines=False)
    header = [cell.strip() for cell in cells or ()]
    repeated = [name for name, count in Counter(filter(None, header)).items() if count > 1]
    if repeated:
        log.add(number, f"expected a different name for each column, found {repeated[0]} twice; rename one")
        log.finish(skip_bad_lines=False)
    width = f"expected {len(header)} columns as in the header"
    what = name_separators(form.separator)
    quote = f"quote texts with {what}" if form.quoted else f"remove {what} from texts"

    def records() -> Numbered:
        following = None if cells is None else number + 1 + _line_breaks(cells)
        for row_number, row in rows:
            if len(header) == 1 and following:  # then blank lines are rows with an empty text
                yield from ((blank, {header[0]: ""}) for blank in range(following, row_number))
            following = None if row is None else row_number + 1 + _line_breaks(row)
            if not isinstance(row, list):
                yield row_number, row
            elif len(row) != len(header):
                yield row_number, f"{width}, found {len(row)}; {quote}, and fill or remove cells"
            else:
                yield row_number, dict(zip(header, row, strict=True))

    return header, records()


def _line_breaks(cells: list[str] | str) -> int:
    return sum(cell.count("\n") for cell in cells) if isinstance(cells, list) else 0


def _read_fields(lines: Iterable[str | None], form: TextForm, by_width: dict[int, tuple[str, ...]]) -> Numbered:
    open_ended = form.fields[-1:] == (REST,)
    names = form.fields[:-1] if open_ended else form.fields
    separated = f"separated by {name_separators(form.separator)}"
    if not names:
        expected = f"{expected_fields(form.separator, by_width)} fields, {separated}"
        repair = "correct the line, or name the fields with --columns, such as id,label,text"
    else:
        of = "--columns names them" if form.told else "on most lines"
        shown = ", ".join("..." if name == NOTHING else name for name in names)
        expected = f"{len(names)} fields{' or more' if open_ended else ''} ({shown}) as {of}, {separated}"
        repair = "correct the line"
    for number, cells in read_cells(lines, form.separator, quoted=form.quoted):
        if not isinstance(cells, list):
            yield number, cells
        elif names and (len(cells) == len(names) or (open_ended and len(cells) > len(names))):
            yield number, {name: cell for name, cell in zip(names, cells, strict=False) if name != NOTHING}
        else:
            found = show(form.separator.join(cells))
            yield number, f"expected {expected}, found {len(cells)}: {found}; {repair}"


def _read_faq(lines: Iterable[str | None]) -> Numbered:
    """Lines of an answer, white space and a question; blank ones are skipped."""
    for number, line in enumerate(lines, start=1):
        if line is None:
            yield number, None
        elif parts := line.split(maxsplit=1):
            if len(parts) == 2:
                yield number, {"text": parts[1], "label": parts[0]}
            else:
                found = show(line)
                yield number, f"expected an answer, white space and a question, found {found}; add what is missing"
