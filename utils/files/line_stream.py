"""Lines of files and of standard input, one after the other; a file may be larger than memory."""

import gzip
import io
import itertools
import logging
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ..data.errors import DataError, ErrorLog
from .parquet_stream import count_parquet
from .text_encodings import SAMPLE, Encoding, find_encoding, refuse_other_files, told_encoding, undecodable
from .text_files import open_gzip, read_bytes

logger = logging.getLogger(__name__)


def count_lines(path: str) -> int | None:
    """Lines or parquet rows of a file, for a progress bar; None for gzip files and those that cannot be read."""
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
    """Open a file, a gzip file or standard input for reading by line; one that cannot be opened raises a DataError."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with open_gzip(path) if path.endswith(".gz") else open(path, "rb", buffering=SAMPLE) as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: expected a complete gzip file, found: {error}; copy or pack it again") from error
    except OSError:
        read_bytes(path)  # raises an error that says what is wrong
        raise


def decode_lines(
    file: Iterable[bytes], note: Callable[[int, str], None], name: str | None, log: ErrorLog
) -> Iterator[str | None]:
    """Yield the lines of a file without their ends; None for one that cannot be read.

    Args:
        file: as `open_bytes` gives it. Standard input is UTF-8, unless it has a byte-order mark or `name` is given.
        note: called with the number of a line that cannot be read, and why.
        name: name of the encoding that the user gave, if any.
        log: log of the file, which knows its name.

    Raises:
        DataError: there is no such encoding, or the rest of the file cannot be decoded.
    """
    start = file.peek(SAMPLE) if hasattr(file, "peek") and file is not sys.stdin.buffer else b""
    refuse_other_files(start, str(log.source))
    encoding = find_encoding(start, name)
    if encoding.guessed:
        logger.info("%s: read as %s, since it is not UTF-8; --encoding gives another one", log.source, encoding.name)
    returns_only = b"\r" in start and b"\n" not in start
    if encoding.is_wide or returns_only:
        yield from _decode_text(file, encoding, "\r" if returns_only else "\n", log)
        return
    for number, raw in enumerate(file, start=1):
        if number == 1:
            encoding = encoding if start else told_encoding(raw, name) or encoding
            raw = raw[encoding.mark :]
            if encoding.is_wide:
                rest = io.BytesIO(raw + b"".join(file))
                yield from _decode_text(rest, encoding._replace(mark=0), "\n", log)
                return
        line = None
        try:
            line = raw.removesuffix(b"\n").removesuffix(b"\r").decode(encoding.codec)
        except UnicodeDecodeError as error:
            note(number, undecodable(raw, error, encoding))
        yield line


def _decode_text(file: io.BufferedIOBase, encoding: Encoding, end: str, log: ErrorLog) -> Iterator[str]:
    """Yield lines that do not end with the single byte of a line feed."""
    file.read(encoding.mark)
    text = io.TextIOWrapper(file, encoding.codec, newline=end)
    try:
        for line in text:
            yield line.removesuffix(end).removesuffix("\r")
    except UnicodeDecodeError as error:
        raise DataError(f"{log.source}: expected {encoding.name}, found: {error}; give another --encoding") from None
    finally:
        text.detach()  # the file is closed by whoever opened it


def up_to_text(lines: Iterator[str | None]) -> tuple[list[str | None], Iterator[str | None]]:
    """The lines up to the first that can be read, and an iterator over all lines, these included."""
    head = []
    for line in lines:
        head.append(line)
        if line is not None:
            break
    return head, itertools.chain(head, lines)
