"""Files that appear complete or not at all, whenever the program is stopped."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import IO, Any

import yaml


def share(path: str | Path) -> None:
    """Give a file, or each file of a folder, the permissions that the user's umask leaves to new ones.

    Temporary files, and those that safetensors writes, are for their owner alone.
    """
    umask = os.umask(0o077)
    os.umask(umask)
    for file in [each for each in (Path(path), *Path(path).rglob("*")) if each.is_file()]:
        os.chmod(file, 0o666 & ~umask)


@contextlib.contextmanager
def open_whole(path: str | Path, *, binary: bool = False) -> Iterator[IO]:
    """Open a file, of text (UTF-8) or bytes, that appears under its name once the block has ended without an error."""
    path = Path(path)
    options = {"mode": "wb"} if binary else {"mode": "w", "encoding": "utf-8", "newline": "\n"}
    with tempfile.NamedTemporaryFile(**options, dir=path.parent, prefix=".unfinished-", delete=False) as file:
        try:
            yield file
            file.close()
            share(file.name)
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


def write_config(path: str | Path, flags: Mapping[str, Any], *, comment: str = "") -> None:
    """Write flags as YAML for `python run_x.py found.yaml --flag value ...`, complete or not at all.

    Texts are read back unchanged, also `no`, `1` and `{mask}: "?"`.

    Args:
        path: the file.
        flags: name -> text, number, list of them, or mapping, for a flag that takes the text of one, such as
            `verbalizer`. A file of label words alone is what `--verbalizer` takes.
        comment: written above them; may have several lines.
    """
    remarks = "".join(f"# {line}\n" for line in comment.splitlines())
    write_text(path, remarks + yaml.safe_dump(dict(flags), allow_unicode=True, sort_keys=False, width=119))


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
    with open_whole(path, binary=True) as file:
        file.write(content)


@contextlib.contextmanager
def making_folder(path: str | Path) -> Iterator[Path]:
    """Give a new folder to write to, which appears under its name once the block has ended without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as fresh:
        inside = Path(fresh) / path.name
        inside.mkdir()
        yield inside
        share(inside)
        os.replace(inside, path)


@contextlib.contextmanager
def replacing_files(folder: str | Path) -> Iterator[Path]:
    """Give a new folder to write to; if the block ends without an error, its files replace those of `folder`."""
    folder = Path(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as fresh:
        yield Path(fresh)
        share(fresh)
        for path in sorted(Path(fresh).iterdir(), key=lambda path: path.name == "config.json"):  # config.json last
            os.replace(path, folder / path.name)
