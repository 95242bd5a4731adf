"""Files that appear complete or not at all, whenever the program is stopped."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TextIO


@contextlib.contextmanager
def open_whole(path: str | Path) -> Iterator[TextIO]:
    """Open a text file (UTF-8) for writing that appears under its name once the block has ended without an error."""
    path = Path(path)
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".unfinished-", delete=False, newline="\n"
    ) as file:
        try:
            yield file
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            file.close()
            os.unlink(file.name)
            raise


def write_text(path: str | Path, text: str | Iterable[str]) -> None:
    """Write a text file, also from an iterator of pieces; it appears complete or not at all."""
    with open_whole(path) as file:
        file.writelines([text] if isinstance(text, str) else text)


def write_json(path: str | Path, value) -> None:
    """Write indented JSON, complete or not at all."""
    encoder = json.JSONEncoder(ensure_ascii=False, indent=2, default=str)
    write_text(path, chain(encoder.iterencode(value), "\n"))


def write_files(folder: str | Path, files: Mapping[str, object]) -> None:
    """Write files in turn, each complete or not at all: text and bytes as they are, everything else as JSON.

    Text may also be an iterator of pieces.
    """
    for name, content in files.items():
        text = isinstance(content, str | Iterator)
        write = write_text if text else write_bytes if isinstance(content, bytes) else write_json
        write(Path(folder) / name, content)


def write_bytes(path: str | Path, content: bytes) -> None:
    """Write a binary file, complete or not at all."""
    path = Path(path)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".unfinished-", delete=False) as file:
        file.write(content)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


@contextlib.contextmanager
def making_folder(path: str | Path) -> Iterator[Path]:
    """Give a new folder to write to, which appears under its name once the block has ended without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as fresh:
        inside = Path(fresh) / path.name
        inside.mkdir()
        yield inside
        os.replace(inside, path)


@contextlib.contextmanager
def replacing_files(folder: str | Path) -> Iterator[Path]:
    """Give a new folder to write to; if the block ends without an error, its files replace those of `folder`."""
    folder = Path(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as fresh:
        yield Path(fresh)
        for path in sorted(Path(fresh).iterdir(), key=lambda path: path.name == "config.json"):  # config.json last
            os.replace(path, folder / path.name)
