"""Reads files as bytes or lines, plain or gzipped; whatever is wrong with a file is a `DataError`."""

import difflib
import gzip
import io
import logging
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from ..data.errors import DataError, ErrorLog, counted
from .text_encodings import Encoding, find_encoding, refuse_other_files, undecodable

logger = logging.getLogger(__name__)

# How much a gzip file may unpack to: text is packed to a tenth of its size, often repeated lines to a fiftieth.
PACKED = 200  # bytes for each byte stored
FREE = 64 << 20  # bytes that are always allowed
BOMB = (
    f"expected text of at most {PACKED} times the size of its gzip file, found more; if that is intended, unpack it "
    "with gunzip"
)


def read_bytes(path: str | PathLike) -> bytes:
    """Read a file, unpacked if it is a gzip file.

    Raises:
        DataError: there is no such file, it is a directory, unreadable, empty, or a damaged gzip file.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: expected a file, found none; {_near_names(path)}") from None
    except IsADirectoryError:
        raise DataError(f"{path}: expected a file, found a directory; name the file inside it") from None
    except PermissionError:
        raise DataError(f"{path}: expected a file that can be read, found no permission; chmod u+r it") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected a file that can be read, found: {error}; check the path") from None
    if raw[:2] == b"\x1f\x8b" or (path.suffix == ".gz" and raw):
        try:
            with gzip.open(io.BytesIO(raw)) as file:
                raw = file.read(_most(len(raw)) + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: expected a complete gzip file, found: {error}; copy or pack it again") from None
        if len(raw) > _most(Path(path).stat().st_size):
            raise DataError(f"{path}: {BOMB}")
    if not raw:
        raise DataError(f"{path}: expected data, found an empty file; check how it was written")
    return raw


def _most(stored: int) -> int:
    """The most bytes that a gzip file of this size may unpack to."""
    return max(FREE, PACKED * stored)


@contextmanager
def open_gzip(path: str) -> Iterator[io.BufferedReader]:
    """Open a gzip file for reading in parts; one that unpacks to far too much is a DataError."""
    with open(path, "rb") as packed, gzip.GzipFile(fileobj=packed) as file:
        with io.BufferedReader(_Watched(file, packed, path), 1 << 20) as reader:
            yield reader


class _Watched(io.RawIOBase):
    """The bytes of a gzip file, as long as they are not too many for the packed bytes read so far."""

    def __init__(self, file: gzip.GzipFile, packed: io.BufferedReader, path: str):
        self.file, self.packed, self.path, self.count = file, packed, path, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        found = self.file.readinto1(buffer) if hasattr(self.file, "readinto1") else self.file.readinto(buffer)
        self.count += found
        if self.count > _most(self.packed.tell()):
            raise DataError(f"{self.path}: {BOMB}")
        return found


def read_lines(path: str | PathLike, log: ErrorLog, *, encoding: str | None = None) -> list[str | None]:
    r"""Read the lines of a file of text, gzipped or not.

    Lines end at "\n" alone (U+2028, U+0085 and others are text), or at "\r" where the file has no "\n". A byte-order
    mark and the "\r" of "\r\n" are removed and logged.

    Args:
        path: the file.
        log: takes an error for each line that cannot be read.
        encoding: encoding of the file; None finds it, see `text_encodings.find_encoding`.

    Returns:
        One entry per line; None for a line that cannot be read.

    Raises:
        DataError: as in `read_bytes`; there are only blank lines, or there is no such encoding.
    """
    raw = read_bytes(path)
    refuse_other_files(raw, str(path))
    found = find_encoding(raw, encoding)
    raw = raw[found.mark :]
    if found.mark:
        logger.warning("%s: removed a byte-order mark", path)
    if found.guessed:
        logger.info("%s: read as %s, since it is not UTF-8; --encoding gives another one", path, found.name)
    if found.is_wide:
        raw = _to_utf8(raw, found, path)
        found = found._replace(codec="utf-8")
    if not raw.strip():
        raise DataError(f"{path}: expected data, found only blank lines; check how it was written")

    end = b"\r" if b"\n" not in raw and b"\r" in raw.rstrip(b"\r") else b"\n"
    if end == b"\r":
        logger.info("%s: its lines end in carriage returns only", path)
    lines: list[str | None] = []
    carriage_returns = 0
    for number, raw_line in enumerate(_cut_lines(raw.removesuffix(end), end), start=1):
        if raw_line.endswith(b"\r"):
            raw_line = raw_line[:-1]
            carriage_returns += 1
        try:
            line = raw_line.decode(found.codec)
        except UnicodeDecodeError as error:
            log.add(number, undecodable(raw_line, error, found))
            line = None
        if line and "\0" in line:
            log.add(number, f"expected text, found a NUL at character {line.index(chr(0)) + 1} of the line; remove it")
            line = None
        lines.append(line)
    if carriage_returns:
        logger.info("%s: read %s that end in CRLF", path, counted(carriage_returns, "line"))
    return lines


def _to_utf8(raw: bytes, encoding: Encoding, path: str | PathLike) -> bytes:
    try:
        return raw.decode(encoding.codec).encode("utf-8")
    except UnicodeError as error:
        raise DataError(f"{path}: expected {encoding.name}, found: {error}; copy or write it again") from None


def _cut_lines(raw: bytes, end: bytes) -> Iterator[bytes]:
    r"""Like `raw.split(end)`, but one by one."""
    start = 0
    while (stop := raw.find(end, start)) >= 0:
        yield raw[start:stop]
        start = stop + 1
    yield raw[start:]


def require_file(path: str | PathLike) -> None:
    """Check that a file or folder exists, before any work begins.

    Raises:
        DataError: it does not; the message names files with similar names.
    """
    if not Path(path).exists():
        raise DataError(f"{path}: expected a file, found none; {_near_names(Path(path))}")


def _near_names(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return f"there is no folder {path.parent} either"
    near = difflib.get_close_matches(path.name, names, n=3)
    return f"did you mean {' or '.join(near)}?" if near else f"no file in {path.parent} has a similar name"
