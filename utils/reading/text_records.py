"""Lines of files of texts, read as a stream, and rows of data sets: records with their numbers."""

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from datasets import Dataset

from ..data.errors import DataError, ErrorLog, show
from ..files.json_records import parse_records
from ..files.table_cells import name_separators, read_cells, separator_line
from .column_names import KNOWN, LABEL_KEYS, PEEKED, plain_name
from .remembered_reading import TextForm
from .text_forms import FIELDS, NOTHING, REST, expected_fields
from .text_labels import Records

logger = logging.getLogger(__name__)

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


def dataset_records(
    dataset: Dataset, named: Collection[str], label_column: str | None, labels: Collection[str] | None, log: ErrorLog
) -> Records:
    """Number the rows of a data set; labels become names, hidden ones None."""
    if len(dataset) == 0:
        raise DataError(f"{log.source}: expected rows, found none; check how the data set was made")
    keys = [key for key in dataset.column_names if key in named or plain_name(key) in KNOWN]
    plain = dataset.with_format(None)
    records = [dict(row) for row in plain.select_columns(keys)] if keys else [{}]
    for record, row in zip(records, plain.select(range(min(PEEKED, len(plain)))), strict=False):
        record.update(row)  # texts in other columns, too
    for key in keys:
        feature = dataset.features[key]
        names = getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)
        values = [record[key] for record in records]
        is_label = key == label_column or (label_column is None and plain_name(key) in LABEL_KEYS)
        if is_label and "-1" not in (labels or ()) and all(type(value) is int and value == -1 for value in values):
            logger.info("%s: %s is -1 in all rows: hidden labels", log.source, key)
            for record in records:
                record[key] = None
        elif names:
            for record in records:
                record[key] = _class_names(record[key], names)
    return list(enumerate(records, start=1))


def _class_names(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_class_names(each, names) for each in value]
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None if value == -1 else value
    return value


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
