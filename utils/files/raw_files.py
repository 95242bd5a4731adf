"""Files as bytes, plain or gzipped; whatever is wrong with a file is a `DataError`."""

import difflib
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from ..data.errors import DataError

BUFFER = 1 << 20  # bytes that are read at a time; no fewer are ready to be looked at
GZIP = b"\x1f\x8b"  # how a gzip file begins
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
    with open_bytes(path) as file:
        raw = file.read()
    if not raw:
        raise DataError(f"{path}: expected data, found an empty file; check how it was written")
    return raw


@contextmanager
def open_bytes(path: str | PathLike) -> Iterator[io.BufferedReader]:
    """Open a file for reading, unpacked if it is a gzip file; `peek(BUFFER)` shows its first megabyte.

    Raises:
        DataError: there is no such file, it is a directory or unreadable, or what is read turns out to be a damaged
            gzip file, or one that unpacks to far too much.
    """
    with _open(Path(path)) as stored:
        if not is_gzip(stored, path):
            yield stored
            return
        try:
            with gzip.GzipFile(fileobj=stored) as file:
                with io.BufferedReader(_Watched(file, stored, path), BUFFER) as unpacked:
                    yield unpacked
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: expected a complete gzip file, found: {error}; copy or pack it again") from None


@contextmanager
def open_input(path: str) -> Iterator[BinaryIO]:
    """As `open_bytes`; `-` is standard input."""
    if path == "-":
        yield sys.stdin.buffer
    else:
        with open_bytes(path) as file:
            yield file


def is_gzip(file: io.BufferedReader, path: str | PathLike) -> bool:
    """Whether a file, of which nothing has been read, is a gzip file by its content or its name."""
    start = file.peek(len(GZIP))
    return start[: len(GZIP)] == GZIP or (Path(path).suffix == ".gz" and start != b"")


def _open(path: Path) -> io.BufferedReader:
    try:
        file = io.BufferedReader(io.FileIO(str(path)), BUFFER)
        file.peek(1)
        return file
    except FileNotFoundError:
        raise DataError(f"{path}: expected a file, found none; {_near_names(path)}") from None
    except IsADirectoryError:
        raise DataError(f"{path}: expected a file, found a directory; name the file inside it") from None
    except PermissionError:
        raise DataError(f"{path}: expected a file that can be read, found no permission; chmod u+r it") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: expected a file that can be read, found: {error}; check the path") from None


class _Watched(io.RawIOBase):
    """The bytes of a gzip file, as long as they are not too many for the packed bytes read so far."""

    def __init__(self, file: gzip.GzipFile, packed: io.BufferedReader, path: str | PathLike):
        self.file, self.packed, self.path, self.count = file, packed, path, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        found = self.file.readinto(buffer)
        self.count += found
        if self.count > max(FREE, PACKED * self.packed.tell()):
            raise DataError(f"{self.path}: {BOMB}")
        return found


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
