"""Texts to predict, read as a stream: a file larger than memory is fine."""

import gzip
import itertools
import json
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .errors import DataError, ErrorLog, show
from .parquet_stream import count_parquet, stream_parquet
from .text_files import open_gzip, read_bytes
from .text_records import read_table
from .text_rows import ID_KEYS, PAIR_KEYS, TEXT_KEYS, join_words

Parsed = tuple[int, tuple[str | None, list[str]] | str]  # line number; id and texts, or what is wrong with the line


class Column(NamedTuple):
    """A column to read: the one that is named, or else the first of the known names that is there."""

    name: str | None
    known: Sequence[str]
    option: str  # that names it, for errors
    may_be_words: bool  # a list of keywords is joined


def read_texts(path: str, *, column: str | None = None, skip_bad_lines: bool = False) -> Iterator[tuple[str, str]]:
    """Read (id, text) pairs from txt (one text a line), json lines, csv or tsv, also gzipped, or parquet; `-` is
    standard input.

    The format goes by extension; standard input and unknown extensions are json lines if the first line is a JSON
    object, else plain text. Ids are those of a column `id` (or another of `text_rows.ID_KEYS`), else row numbers from
    0. In plain text an empty line is an empty text.

    Args:
        path: the file.
        column: name of the text column in json lines and tables; the first of `text_rows.TEXT_KEYS` that is there if
            None.
        skip_bad_lines: leave out lines that cannot be read, counted in a warning at the end, instead of stopping at
            the first.

    Raises:
        DataError: no such file, a line that cannot be read, or no text column.
    """
    columns = [Column(column, TEXT_KEYS, "--text_column", False)]
    for row_id, (text,) in _read_rows(path, columns, skip_bad_lines=skip_bad_lines):
        yield row_id, text


def read_pairs(
    path: str,
    *,
    columns: tuple[str | None, str | None] = (None, None),
    known: tuple[Sequence[str], Sequence[str]] = (TEXT_KEYS, PAIR_KEYS),
    options: tuple[str, str] = ("--text_column", "--text_pair_column"),
    skip_bad_lines: bool = False,
) -> Iterator[tuple[str, str, str]]:
    """Read (id, first text, second text) triples, from the files of `read_texts`; in plain text a tab is between both.

    Args:
        path: the file.
        columns: names of the two columns in json lines and tables; None goes by the known names.
        known: these names, for each column; the first that is there is taken. A list of keywords as second text is
            joined.
        options: the options that name the columns, for errors.
        skip_bad_lines: as in `read_texts`.

    Raises:
        DataError: no such file, a line that cannot be read, or not both columns.
    """
    wanted = [Column(*each) for each in zip(columns, known, options, (False, True), strict=True)]
    for row_id, (first, second) in _read_rows(path, wanted, skip_bad_lines=skip_bad_lines):
        yield row_id, first, second


def count_lines(path: str) -> int | None:
    """Lines or parquet rows of a file, for a progress bar; None if only reading it all would tell (gzip)."""
    if path.endswith(".gz"):
        return None
    if path.lower().endswith(".parquet"):
        return count_parquet(path)
    count, last = 0, b"\n"
    try:
        with open(path, "rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                count, last = count + block.count(b"\n"), block[-1:]
    except OSError:
        return None
    return count + (last != b"\n")


@contextmanager
def open_bytes(path: str) -> Iterator:
    """Open a file, a gzip file or standard input for reading line by line; what cannot be opened is a DataError."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with open_gzip(path) if path.endswith(".gz") else open(path, "rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file, found: {error}; copy or pack it again") from error
    except OSError:
        read_bytes(path)  # says what is wrong with it
        raise


def _read_rows(path: str, columns: list[Column], *, skip_bad_lines: bool) -> Iterator[tuple[str, list[str]]]:
    suffix = Path(path.removesuffix(".gz")).suffix.lower()
    log = ErrorLog("standard input" if path == "-" else path, unit="row" if suffix == ".parquet" else "line")

    def note(number: int, message: str) -> None:
        log.add(number, message)
        if not skip_bad_lines:
            log.finish(skip_bad_lines=False)

    row = 0
    with open_bytes(path) as file:
        lines = _decode_lines(file, note)
        kinds = {".txt": "txt", ".csv": ",", ".tsv": "\t", ".parquet": "parquet"}
        kind = (kinds | dict.fromkeys((".json", ".jsonl", ".ndjson"), "json")).get(suffix)
        if kind is None:
            head = list(_up_to_text(lines))
            kind = "json" if head and _is_object(head[-1]) else "txt"
            lines = itertools.chain(head, lines)
        if kind == "txt":
            parsed_lines = _parse_plain(lines, len(columns))
        elif kind == "json":
            parsed_lines = _parse_json(lines, columns)
        elif kind == "parquet":
            parsed_lines = _parse_parquet(file, path, columns)
        else:
            parsed_lines = _parse_table(lines, kind, columns, log)
        for number, parsed in parsed_lines:
            if isinstance(parsed, str):
                note(number, parsed)
                continue
            given, texts = parsed
            yield str(row) if given is None else str(given), texts
            row += 1
    log.finish(skip_bad_lines=skip_bad_lines)


def _decode_lines(file: Iterable[bytes], note) -> Iterator[str | None]:
    """Yield the lines without their ends; None for one that is no UTF-8, which is noted."""
    for number, raw in enumerate(file, start=1):
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        line = None
        try:
            line = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"the byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the line"
            note(number, f"expected UTF-8, found {found}; if the file is GBK: iconv -f gb18030 -t utf-8")
        yield line


def _up_to_text(lines: Iterator[str | None]) -> Iterator[str | None]:
    for line in lines:
        yield line
        if line is not None:
            return


def _is_object(line: str | None) -> bool:
    try:
        return line is not None and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parse_plain(lines: Iterable[str | None], width: int) -> Iterator[Parsed]:
    for number, line in enumerate(lines, start=1):
        if line is None:
            continue
        texts = line.split("\t") if width > 1 else [line]
        if len(texts) == width:
            yield number, (None, texts)
        else:
            yield number, f"expected {width} texts apart by a tab, found {len(texts)}; write one tab between them"


def _parse_json(lines: Iterable[str | None], columns: list[Column]) -> Iterator[Parsed]:
    for number, line in enumerate(lines, start=1):
        if line is None or not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"expected a JSON object, found: {error}; mend the line"
            continue
        if not isinstance(fields, dict):
            yield number, f"expected a JSON object, found a {type(fields).__name__}; write one object a line"
            continue
        try:
            names = _choose_columns(list(fields), columns)
            texts = [_check_text(fields[name], column) for name, column in zip(names, columns, strict=True)]
        except DataError as error:
            yield number, str(error)
            continue
        yield number, (_id_of(fields), texts)


def _parse_parquet(file, path: str, columns: list[Column]) -> Iterator[Parsed]:
    names: list[str] = []

    def choose(found: list[str]) -> list[str]:
        try:
            names.extend(_choose_columns(found, columns))
        except DataError as error:  # no row of it can be read
            raise DataError(f"{path}: {error}") from None
        return [*names, *(key for key in ID_KEYS if key in found and key not in names)]

    for number, fields in enumerate(stream_parquet(file, path, choose=choose), start=1):
        try:
            texts = [_check_text(fields[name], column) for name, column in zip(names, columns, strict=True)]
        except DataError as error:
            yield number, str(error)
            continue
        yield number, (_id_of(fields), texts)


def _parse_table(
    lines: Iterable[str | None], separator: str, columns: list[Column], log: ErrorLog
) -> Iterator[Parsed]:
    header, records = read_table(lines, separator, log)
    if not header:
        return
    try:
        names = _choose_columns(header, columns)
    except DataError as error:  # no line of it can be read
        raise DataError(f"{log.source}: {error}") from None
    for number, record in records:
        if isinstance(record, str):
            yield number, record
        elif record is not None:
            yield number, (_id_of(record), [record[name] for name in names])


def _choose_columns(names: list[str], columns: list[Column]) -> list[str]:
    chosen: list[str] = []
    for column in columns:
        choices = [name for name in ([column.name] if column.name else column.known) if name not in chosen]
        name = next((name for name in choices if name in names), None)
        if name is None:
            wanted = " or ".join(choices) or f"other than {column.name}"
            found = ", ".join(names) or "none"
            raise DataError(f"expected a column {wanted}, found {found}; name it with {column.option}")
        chosen.append(name)
    return chosen


def _check_text(text: Any, column: Column) -> str:
    if column.may_be_words and isinstance(text, list) and all(isinstance(word, str) for word in text):
        text = join_words(text)
    if not isinstance(text, str):
        raise DataError(f"expected a text, found {show(text)}; write it in quotes")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(f"expected Unicode, found half a surrogate pair at character {error.start}; mend it") from None
    return text


def _id_of(fields: dict) -> Any:
    return next((fields[key] for key in ID_KEYS if fields.get(key) not in (None, "")), None)


def cut_chunks(rows: Iterable, size: int) -> Iterator[list]:
    """Split a stream into lists of this size; the last may be shorter.

    Example:
        >>> list(cut_chunks("abcde", 2))
        [['a', 'b'], ['c', 'd'], ['e']]
    """
    rows = iter(rows)
    while part := list(itertools.islice(rows, size)):
        yield part
