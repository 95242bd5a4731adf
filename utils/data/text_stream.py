"""Texts to predict, read as a stream: a file larger than memory is fine."""

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import DataError, ErrorLog
from .text_files import read_bytes

TEXT_COLUMNS = ("text", "sentence", "content")


def read_texts(path: str, *, column: str | None = None, skip_bad_lines: bool = False) -> Iterator[tuple[str, str]]:
    """Read (id, text) pairs from txt (one text a line), json lines or csv, also gzipped; `-` is standard input.

    The format goes by extension; standard input and unknown extensions are json lines if the first line is a JSON
    object, else plain text. Ids are those of an `id` column, else row numbers from 0. In plain text an empty line is
    an empty text.

    Args:
        path: the file.
        column: name of the text column in json lines and csv; the first of `TEXT_COLUMNS` that is there if None.
        skip_bad_lines: leave out lines that cannot be read, counted in a warning at the end, instead of stopping at
            the first.

    Raises:
        DataError: no such file, a line that cannot be read, or no text column.
    """
    log = ErrorLog("standard input" if path == "-" else path)
    row = 0
    with open_bytes(path) as lines:
        for number, parsed in parse_lines(lines, path, column):
            if isinstance(parsed, DataError):
                log.add(number, str(parsed))
                if not skip_bad_lines:
                    log.finish(skip_bad_lines=False)
                continue
            id, text = parsed
            yield str(row) if id is None else str(id), text
            row += 1
    log.finish(skip_bad_lines=skip_bad_lines)


def count_lines(path: str) -> int | None:
    """Number of lines of a file, for a progress bar; None if only reading it all would tell (gzip)."""
    if path.endswith(".gz"):
        return None
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
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a whole gzip file, found: {error}; copy or pack it again") from error
    except OSError:
        read_bytes(path)  # says what is wrong with it
        raise


def parse_lines(lines, path: str, column: str | None) -> Iterator[tuple[int, tuple[str | None, str] | DataError]]:
    """Yield the line number and (id or None, text), or what is wrong with the line."""
    suffix = Path(path.removesuffix(".gz")).suffix.lower()
    kind = {".txt": "txt", ".csv": "csv", ".json": "json", ".jsonl": "json"}.get(suffix)
    header: list[str] | None = None
    for number, raw in enumerate(lines, start=1):
        if number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        try:
            line = raw.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8")
        except UnicodeDecodeError as error:
            found = f"the byte 0x{raw[error.start]:02x} at byte {error.start + 1} of the line"
            yield number, DataError(f"expected UTF-8, found {found}; if the file is GBK: iconv -f gb18030 -t utf-8")
            continue
        kind = kind or ("json" if _is_object(line) else "txt")
        try:
            if kind == "txt":
                yield number, (None, line)
            elif kind == "json":
                if line.strip():
                    yield number, _from_json(line, column)
            elif header is None:
                header = _split_csv(line)
                try:
                    _choose_column(header, column)
                except DataError as error:  # no line of it can be read
                    raise DataError(f"{path}: {error}") from None
            elif line.strip():
                yield number, _from_csv(line, header, column)
        except _BadLine as error:
            yield number, DataError(str(error))


class _BadLine(ValueError):
    """A line that cannot be read."""


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _split_csv(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise _BadLine(f"expected comma-separated columns, found: {error}; keep each text on one line") from None


def _from_csv(line: str, header: list[str], column: str | None) -> tuple[str | None, str]:
    cells = _split_csv(line)
    if len(cells) != len(header):
        raise _BadLine(
            f"expected {len(header)} columns, found {len(cells)}; quote texts with commas, and keep each on one line"
        )
    fields = dict(zip(header, cells, strict=True))
    return fields.get("id"), fields[_choose_column(header, column)]


def _from_json(line: str, column: str | None) -> tuple[str | None, str]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _BadLine(f"expected a JSON object, found: {error}; mend the line") from None
    if not isinstance(fields, dict):
        raise _BadLine(f"expected a JSON object, found a {type(fields).__name__}; write one object a line")
    try:
        text = fields[_choose_column(list(fields), column)]
    except DataError as error:
        raise _BadLine(str(error)) from None
    if not isinstance(text, str):
        raise _BadLine(f"expected a text, found {text!r}; write it in quotes")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _BadLine(f"expected Unicode, found half a surrogate pair at character {error.start}; mend it") from None
    return fields.get("id"), text


def _choose_column(names: list[str], column: str | None) -> str:
    for name in [column] if column else TEXT_COLUMNS:
        if name in names:
            return name
    wanted = column or " or ".join(TEXT_COLUMNS)
    raise DataError(f"expected a column {wanted}, found {', '.join(names) or 'none'}; name it with --text_column")
