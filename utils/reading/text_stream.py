"""Texts to predict, read as a stream; a file may be larger than memory."""

import functools
import itertools
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ..data.errors import DataError, ErrorLog, show
from ..files.parquet_files import stream_parquet
from ..files.raw_files import open_input
from ..files.text_lines import decode_lines, peek
from .column_names import ID_KEYS, TEXT_KEYS, choose_pair, find_name, is_text_name
from .remembered_reading import ANYTHING, Reading, TextForm
from .text_forms import PAIR_FIELDS, SAMPLE, SINGLE_FIELDS, find_form
from .text_records import read_records
from .text_rows import join_words

logger = logging.getLogger(__name__)

_SHOWN = 8  # known names in an error
Taken = tuple[str | None, list[str]]  # id, if the row has one, and texts


class _Column(NamedTuple):
    """A column to read: the one that is named, or else the first of the known names that the file has."""

    name: str | None
    known: Sequence[str]
    option: str  # the option that names it, for errors
    may_be_words: bool  # a list of keywords is joined
    in_training: str | None = None  # its name in the training files
    is_required: bool = False  # whether the user named it in training


def read_rows(
    path: str,
    *,
    columns: Sequence[str | None],
    known: Sequence[Sequence[str]],
    options: Sequence[str] = ("--text_column", "--text_pair_column"),
    reading: Reading = ANYTHING,
    skip_bad_lines: bool = False,
) -> Iterator[tuple[str, ...]]:
    """Read (id, text), or (id, first text, second text), from txt (one text per line, or two separated by a tab), json
    lines or an array, csv or tsv, also gzipped, or parquet; `-` is standard input.

    The form goes by extension and content as in training, see `text_forms.find_form`; that of standard input by its
    first line. A row without an id gets its number, from 0 on, or that of its line where a line is a row; bad rows and
    blank lines count, too. In plain text an empty line is an empty text. A list of keywords as second text is joined.

    Args:
        columns: names of the columns of the texts, in json lines and tables; None takes that of training, or else the
            first of the known names that the file has.
        known: the known names, for each column.
        options: the options that name the columns, for errors.
        reading: what the user said about the file, and what training found.
        skip_bad_lines: leave out lines that cannot be read, counted in a warning at the end, instead of stopping at
            the first.

    Raises:
        DataError: no such file, a line that cannot be read, or a column is missing.
    """
    trained = (reading.text, reading.text_pair)
    required = [name in reading.named for name in trained]
    wanted = zip(columns, known, options, (False, True), trained, required, strict=False)
    chosen = [_Column(*each) for each in wanted]
    name = Path(path.removesuffix(".gz")).name.lower() if path != "-" else ""
    is_parquet = reading.file_format == "parquet" or (reading.file_format == "auto" and name.endswith(".parquet"))
    source, unit = "standard input" if path == "-" else path, "row" if is_parquet else "line"
    log = ErrorLog(source, unit=unit, stops=not skip_bad_lines)
    with open_input(path) as file:
        by_line = False
        if is_parquet:
            records = _read_parquet(file, path, chosen, reading)
        else:
            lines = decode_lines(file, log, encoding=reading.encoding)
            # Standard input may be endless: no more than a line is read ahead.
            looking = {"most": SAMPLE} if os.path.isfile(path) else {"until": lambda line: line is not None}
            head, lines = peek(lines, **looking)
            named = [column.name for column in chosen if column.name] or reading.named
            named = (*named, reading.id) if reading.id_given else tuple(named)
            form = _find_form(head, name, reading._replace(named=named), chosen, source)
            by_line = form.has_lines
            if by_line and not form.told:
                chosen = [column._replace(is_required=False) for column in chosen]
            records = _read_lines(lines, form, chosen, reading, log)
        told = any(column.name for column in chosen) or known[0] is not TEXT_KEYS
        for row, (number, record) in enumerate(records):
            try:
                taken = _take(record, chosen, reading) if isinstance(record, dict) else record
                if not told and isinstance(record, dict):
                    told = True
                    _tell_left_out(record, chosen, source)
            except DataError as error:
                taken = str(error)
            if isinstance(taken, str):
                log.add(number, taken)
            elif taken is not None:
                row_id, texts = taken
                yield str(number - 1 if by_line else row) if row_id is None else str(row_id), *texts
    log.finish(skip_bad_lines=skip_bad_lines)


def read_texts(path: str, *, column: str | None = None, **options) -> Iterator[tuple[str, str]]:
    """Read (id, text), see `read_rows`."""
    return read_rows(path, columns=[column], known=[TEXT_KEYS], **options)


def _find_form(
    head: Sequence[str | None], name: str, reading: Reading, columns: list[_Column], source: str
) -> TextForm:
    """As in training; lines without tabs are texts."""
    pair = len(columns) > 1
    form = find_form(head, name, reading, by_width=PAIR_FIELDS if pair else SINGLE_FIELDS)
    named = [column.name for column in columns if column.name]
    if named and form.has_lines and not form.told:
        raise DataError(
            f"{source}: expected a first line with the names of columns ({', '.join(named)}), found none; name the "
            "columns there, or all of them with --columns, such as id,label,text"
        )
    if form.kind == "fields" and not form.told:
        if form.separator == "\t" and form.fields in ((), ("text",), ("text", "text_pair")):
            tabs = any(line and "\t" in line for line in head)
            return form if tabs and not form.fields and not pair else TextForm("plain")
        if "label" in form.fields and reading.form is None:
            logger.warning(
                "%s: read as %s; the label is ignored (--file_format plain reads whole lines as texts)",
                *(source, " and ".join(form.fields)),
            )
    return form


def _read_lines(
    lines: Iterable[str | None], form: TextForm, columns: list[_Column], reading: Reading, log: ErrorLog
) -> Iterator[tuple[int, dict | Taken | str | None]]:
    """The number of each line; and its record, its texts, what is wrong with it, or None if it cannot be read."""
    pair = len(columns) > 1
    if form.kind == "plain" and pair:
        return _read_pairs(lines)
    header, records = read_records(lines, form, log, by_width=PAIR_FIELDS if pair else SINGLE_FIELDS)
    if header:
        try:  # if a column is missing, no line can be read
            _take(dict.fromkeys(header, ""), columns, reading)
        except DataError as error:
            raise DataError(f"{log.source}: {error}") from None
    return records


def _read_pairs(lines: Iterable[str | None]) -> Iterator[tuple[int, Taken | str | None]]:
    for number, line in enumerate(lines, start=1):
        texts = [] if line is None else line.split("\t")
        if line is None or len(texts) == 2:
            yield number, None if line is None else (None, texts)
        else:
            yield number, f"expected 2 texts separated by a tab, found {len(texts)}; write one tab between them"


def _read_parquet(file: BinaryIO, path: str, columns: list[_Column], reading: Reading) -> Iterator[tuple[int, dict]]:
    def choose(found: list[str]) -> list[str]:
        try:
            names = _choose_columns(tuple(found), tuple(columns))
        except DataError as error:  # no row of it can be read
            raise DataError(f"{path}: {error}") from None
        ids = [reading.id] if reading.id else ID_KEYS
        return [*names, *(key for key in ids if key in found and key not in names)]

    return enumerate(stream_parquet(file, path, choose=choose), start=1)


def _take(record: dict, columns: list[_Column], reading: Reading) -> Taken:
    """Id and texts of a row; a `DataError` says what is wrong with it."""
    names = _choose_columns(tuple(record), tuple(columns))
    texts = [_check_text(record[name], column) for name, column in zip(names, columns, strict=True)]
    return _id_of(record, reading), texts


@functools.lru_cache(maxsize=64)  # most rows have the columns of the one before
def _choose_columns(names: tuple[str, ...], columns: tuple[_Column, ...]) -> tuple[str, ...]:
    """The names of the columns that are read, in their order.

    Raises:
        DataError: one of them is missing.
    """
    settled = [column.name or (column.in_training if column.in_training in names else None) for column in columns]
    if len(columns) == 2 and not any(settled) and columns[0].known is TEXT_KEYS:
        settled = list(choose_pair(names) or settled)
    chosen: list[str] = []
    for column, name in zip(columns, settled, strict=True):
        free = [each for each in names if each not in chosen]
        if name is None and column.is_required:
            name = column.in_training
        found = [name] if name in free else [] if name else [find_name(key, free) for key in column.known]
        found = next(filter(None, found), None)
        if found is None:
            left = [key for key in ([name] if name else column.known) if key not in chosen]
            wanted = " or ".join(left[:_SHOWN]) + (" or ..." if len(left) > _SHOWN else "") or f"other than {name}"
            wanted += " as in training" if column.is_required and not column.name else ""
            raise DataError(
                f"expected a column {wanted}, found {', '.join(names) or 'none'}; name it with {column.option}"
            )
        chosen.append(found)
    return tuple(chosen)


def _tell_left_out(record: dict, columns: list[_Column], source: str) -> None:
    """Warn of texts that are not read, where training has not settled which are."""
    names = _choose_columns(tuple(record), tuple(columns))
    if names == tuple(column.in_training for column in columns):
        return
    texts = [name for name, value in record.items() if isinstance(value, str) and is_text_name(name)]
    left = [name for name in texts if name not in names]
    if left:
        logger.warning(
            "%s: read from the %s %s; %s may hold texts, too, and %s left out; %s names the column that is read",
            *(source, "column" if len(names) == 1 else "columns", " and ".join(names), " and ".join(left)),
            *("is" if len(left) == 1 else "are", columns[0].option),
        )


def _check_text(text: Any, column: _Column) -> str:
    """The text that a column holds; words are joined, where they are allowed.

    Raises:
        DataError: it holds something else, or what is not Unicode.
    """
    if column.may_be_words and isinstance(text, list) and all(isinstance(word, str) for word in text):
        text = join_words(text)
    if not isinstance(text, str):
        raise DataError(f"expected a text, found {show(text)}; write it in quotes")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"expected Unicode, found half a surrogate pair at character {error.start}; correct it"
        ) from None
    return text


def _id_of(fields: dict, reading: Reading) -> Any:
    if reading.id_given and reading.id not in fields:
        raise DataError(f"expected a column {reading.id}, found {', '.join(fields)}; name it with --id_column")
    keys = [reading.id] if reading.id in fields else ID_KEYS
    return next((fields[key] for key in keys if fields.get(key) not in (None, "")), None)


def cut_chunks(rows: Iterable, size: int) -> Iterator[list]:
    """Split a stream into lists of this size; the last may be shorter.

    Example:
        >>> list(cut_chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    rows = iter(rows)
    while part := list(itertools.islice(rows, size)):
        yield part
