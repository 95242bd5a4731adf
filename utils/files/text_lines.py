"""Lines of text files and of standard input, one after the other; a file may be larger than memory."""

import codecs
import itertools
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from typing import AnyStr, BinaryIO

from ..data.errors import DataError, ErrorLog, counted
from .parquet_files import count_parquet
from .raw_files import BUFFER, is_gzip, open_bytes
from .text_encodings import Encoding, find_encoding, refuse_other_files, told_encoding, undecodable

logger = logging.getLogger(__name__)


def read_lines(path: str | PathLike, log: ErrorLog, *, encoding: str | None = None) -> list[str | None]:
    """Read all lines of a file, see `decode_lines`.

    Raises:
        DataError: as in `raw_files.open_bytes` and `decode_lines`; or the file is empty, or has only blank lines.
    """
    with open_bytes(path) as file:
        lines = list(decode_lines(file, log, encoding=encoding))
    if not any(line is None or line.strip() for line in lines):
        found = "only blank lines" if lines else "an empty file"
        raise DataError(f"{path}: expected data, found {found}; check how it was written")
    return lines


def decode_lines(file: BinaryIO, log: ErrorLog, *, encoding: str | None = None) -> Iterator[str | None]:
    r"""Yield the lines of a file without their ends; None for one that cannot be read.

    Lines end at "\n" alone (U+2028, U+0085 and others are text), or at "\r" where the file begins without any "\n". A
    byte-order mark and the "\r" of "\r\n" are removed and logged.

    Args:
        file: as `raw_files.open_input` gives it, at its beginning.
        log: log of the file, which knows its name; takes an error for each line that cannot be read.
        encoding: encoding of the file; None finds it, see `text_encodings.find_encoding`; standard input is then
            UTF-8, unless it has a byte-order mark.

    Raises:
        DataError: it is another kind of file, there is no such encoding, or nothing after some place can be decoded.
    """
    if file is sys.stdin.buffer or not hasattr(file, "peek"):  # it may be endless: only its first line is looked at
        lines = iter(file)
        start = next(lines, b"")
        found = told_encoding(start, encoding) or Encoding("utf-8")
        start += b"".join(lines) if found.is_wide else b""
        chunks = itertools.chain([start], lines)
    else:
        start = file.peek(BUFFER)
        found = find_encoding(start, encoding)
        chunks = iter(lambda: file.read1(BUFFER), b"")
    refuse_other_files(start, str(log.source))
    end = _find_end(start, found)
    if found.mark:
        logger.warning("%s: removed a byte-order mark", log.source)
    if found.guessed:
        logger.info("%s: read as %s, since it is not UTF-8; --encoding gives another one", log.source, found.name)
    if end == "\r":
        logger.info("%s: its lines end in carriage returns only", log.source)
    lines = _decode_wide(chunks, found, end, log) if found.is_wide else _decode(chunks, found, end, log)
    carriage_returns = 0
    for number, line in enumerate(lines, start=1):
        if line and line.endswith("\r"):
            line = line[:-1]
            carriage_returns += 1
        if line and "\0" in line:
            log.add(number, f"expected text, found a NUL at character {line.index(chr(0)) + 1} of the line; remove it")
            line = None
        yield line
    if carriage_returns:
        logger.info("%s: read %s that end in CRLF", log.source, counted(carriage_returns, "line"))


def _find_end(start: bytes, encoding: Encoding) -> str:
    text = start.decode(encoding.codec, errors="ignore") if encoding.is_wide else start.decode("latin-1")
    return "\r" if "\n" not in text and "\r" in text.rstrip("\r") else "\n"


def _decode(chunks: Iterable[bytes], encoding: Encoding, end: str, log: ErrorLog) -> Iterator[str | None]:
    for number, raw in enumerate(_cut(chunks, end.encode()), start=1):
        raw = raw if number > 1 else raw[encoding.mark :]
        try:
            yield raw.decode(encoding.codec)
        except UnicodeDecodeError as error:
            log.add(number, undecodable(raw, error, encoding))
            yield None


def _decode_wide(chunks: Iterable[bytes], encoding: Encoding, end: str, log: ErrorLog) -> Iterator[str]:
    """Lines whose ends are more than one byte: what cannot be decoded hides all that follows."""
    try:
        texts = codecs.iterdecode(chunks, encoding.codec)
        for number, line in enumerate(_cut(texts, end)):
            yield line if number else line.removeprefix("\ufeff")
    except UnicodeError as error:
        raise DataError(f"{log.source}: expected {encoding.name}, found: {error}; copy or write it again") from None


def _cut(chunks: Iterable[AnyStr], end: AnyStr) -> Iterator[AnyStr]:
    """Lines of what comes in pieces."""
    rest = end[:0]
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(end)
        yield from lines
    if rest:
        yield rest


def count_lines(path: str) -> int | None:
    """Lines or parquet rows of a file, for a progress bar; None for gzip files and those that cannot be read."""
    if path.lower().endswith(".parquet"):
        return count_parquet(path)
    count, last = 0, b"\n"
    try:
        with open(path, "rb", buffering=BUFFER) as file:
            if is_gzip(file, path):
                return None
            for block in iter(lambda: file.read(BUFFER), b""):
                count, last = count + block.count(b"\n"), block[-1:]
    except OSError:
        return None
    return count + (last != b"\n")


def peek(
    lines: Iterable[str | None], *, until: Callable[[str | None], bool] = lambda line: False, most: int | None = None
) -> tuple[list[str | None], Iterator[str | None]]:
    """The lines up to one that is looked for, at most so many; and an iterator over all lines, these included."""
    lines = iter(lines)
    head = []
    for line in itertools.islice(lines, most):
        head.append(line)
        if until(line):
            break
    return head, itertools.chain(head, lines)
