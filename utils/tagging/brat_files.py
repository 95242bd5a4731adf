"""brat's standoff files: a text, and its entities in a file of the same name that ends in .ann."""

import logging
import re
from os import PathLike
from pathlib import Path

from ..data.errors import DataError, ErrorLog, counted, show
from ..files.raw_files import read_bytes
from .ner_rows import EntityRow

logger = logging.getLogger(__name__)

_ENTITY = re.compile(r"T\S*\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)")


def is_brat(path: str | PathLike) -> bool:
    """Whether a path is an .ann file, a text file with an .ann file next to it, or a folder with .ann files."""
    path = Path(path)
    try:
        if path.is_dir():
            return any(path.glob("*.ann"))
        return path.suffix == ".ann" or (path.suffix == ".txt" and path.with_suffix(".ann").is_file())
    except (OSError, ValueError):  # an impossible path: reading it says why
        return False


def read_brat(path: str | PathLike, log: ErrorLog, *, with_labels: bool = True) -> list[EntityRow | None]:
    """Read a text and its entities, or those of all texts in a folder; None for a text that has an error.

    Relations, events, attributes and notes are counted and left out. The name of a text's file is its id.

    Args:
        path: the text, its .ann file, or a folder.
        log: takes an error for each line whose entity does not fit its text.
        with_labels: False reads the texts only.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    path = Path(path)
    texts = sorted(path.glob("*.txt")) if path.is_dir() else [path.with_suffix(".txt")]
    rows: list[EntityRow | None] = []
    others = 0
    for number, text_file in enumerate(texts, start=1):
        text = _read(text_file)
        if not with_labels:
            rows.append(EntityRow(number, text_file.stem, text, None))
            continue
        annotations = _read(text_file.with_suffix(".ann"), may_be_empty=True)
        errors_before = len(log)
        spans = []
        for line_number, line in enumerate(annotations.replace("\r\n", "\n").split("\n"), start=1):
            if not line.strip() or not line.startswith("T"):
                others += bool(line.strip())
                continue
            message = _add_entity(spans, line, text)
            if message:
                log.add(line_number, message, source=text_file.with_suffix(".ann"))
        rows.append(EntityRow(number, text_file.stem, text, spans) if len(log) == errors_before else None)
    if others:
        logger.info("%s: left out %s that are not entities", log.source, counted(others, "line"))
    return rows


def _read(path: Path, *, may_be_empty: bool = False) -> str:
    """A file as brat counts its characters: with its line ends as they are."""
    if may_be_empty and path.is_file() and not path.stat().st_size:
        return ""
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: expected UTF-8, found the byte 0x{error.object[error.start]:02x} at byte {error.start + 1}; "
            "convert it with iconv"
        ) from None


def _add_entity(spans: list[tuple[int, int, str]], line: str, text: str) -> str | None:
    """Append the entity of a line, or return what is wrong with it."""
    found = _ENTITY.fullmatch(line)
    if not found:
        return f"expected T1, a tab, a label and offsets, a tab and the words, found {show(line)}; correct the line"
    label, places, word = found.groups()
    if ";" in places:
        return (
            f"expected an entity in one piece, found {places}; give it one start and end in brat, or leave the whole "
            "text out: --skip_bad_lines"
        )
    start, end = map(int, places.split())
    if not start < end <= len(text):
        return (
            f"expected the {label} entity inside the text of {counted(len(text), 'character')}, found "
            f"[{start}, {end}]; correct the offsets"
        )
    if " ".join(text[start:end].split()) != " ".join(word.split()):
        return (
            f"expected {show(word)} at [{start}, {end}] for the {label} entity, found {show(text[start:end])}; "
            "correct the offsets, which count characters of the .txt file as it is"
        )
    spans.append((start, end, label))
    return None
