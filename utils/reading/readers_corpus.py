"""Raw text for language models: the documents of files and folders, read as a stream or kept on disk as Arrow."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from os import PathLike
from pathlib import Path

from datasets import Dataset, Features, Value
from datasets.exceptions import DatasetGenerationError

from ..data.errors import DataError
from ..files.saved_datasets import load_splits
from ..files.text_lines import peek
from .column_names import TEXT_KEYS
from .remembered_reading import Reading
from .text_stream import read_texts

SUFFIXES = (".txt", ".json", ".jsonl", ".ndjson", ".csv", ".tsv")  # in folders; also as .gz
LONGEST = 20_000  # characters of a document; longer ones become several, so that a batch of them fits in memory
PEEKED = 1_000  # lines that show how the documents of a file end


def list_files(paths: Sequence[str | PathLike]) -> list[str]:
    """Files as they are given, and the text files of folders and their subfolders, sorted.

    Raises:
        DataError: a folder has no text files.
    """
    found = []
    for path in map(Path, paths):
        if not path.is_dir():
            found.append(str(path))
            continue
        inside = sorted(each for each in path.rglob("*") if each.is_file() and _suffix(each) in SUFFIXES)
        if not inside:
            raise DataError(
                f"{path}: expected files of text in the folder, found none that ends in {', '.join(SUFFIXES)}"
            )
        found += map(str, inside)
    return found


def read_documents(
    files: Sequence[str],
    *,
    text_column: str | None = None,
    document_end: str = "auto",
    encoding: str | None = None,
    skip_bad_lines: bool = False,
) -> Iterator[str]:
    r"""Read documents one after the other, whatever the size of the files.

    A row of json lines, csv or tsv is a document. In .txt files a document is a line, or all lines up to a blank one,
    joined by "\n". Blank documents are skipped; those of more than 20,000 characters become several.

    Args:
        files: see `list_files`; they may be gzipped.
        text_column, skip_bad_lines: see `text_stream.read_rows`.
        document_end: what ends a document in .txt files: `blank_line`, `line`, or `auto`: `blank_line` if there is one
            between two of the first 1,000 lines.
        encoding: encoding of the files; None finds it.

    Raises:
        DataError: no such file, a line that cannot be read, no text column, or no text at all.
    """
    empty = True
    for path in files:
        is_plain = _suffix(Path(path)) == ".txt"
        reading = Reading(file_format="plain" if is_plain else "auto", encoding=encoding)
        column = None if is_plain else text_column
        texts = read_texts(path, column=column, reading=reading, skip_bad_lines=skip_bad_lines)
        documents = (text for _, text in texts)
        if is_plain:
            head, documents = peek(documents, most=PEEKED)
            if document_end == "blank_line" or (document_end == "auto" and _has_gap(head)):
                documents = _join_lines(documents)
        for document in documents:
            for part in _cut(document):
                empty = False
                yield part
    if empty:
        raise DataError(f"{', '.join(files)}: expected text, found none; check how it was written")


def load_documents(files: Sequence[str], *, cache_dir: str | None = None, **reading) -> Dataset:
    """Documents as a column `text`, memory-mapped; a second run with the same files finds them in the cache.

    The cache is the folder of `datasets` if none is given. The other arguments, and the errors, are those of
    `read_documents`.
    """
    key = [[hash_file(path) for path in files], reading, Path(__file__).read_text(encoding="utf-8")]
    try:
        return Dataset.from_generator(
            partial(_rows, files, reading),
            features=Features({"text": Value("string")}),
            cache_dir=cache_dir,
            fingerprint=hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16],
        )
    except DatasetGenerationError as error:
        if isinstance(error.__cause__, DataError):
            raise error.__cause__ from None
        raise


def load_column(name_or_path: str, config_name: str | None = None, *, text_column: str | None) -> dict[str, Dataset]:
    """The splits of a data set on the Hub or on disk, each with the column `text` only.

    Raises:
        DataError: it cannot be loaded, or has no such column of texts.
    """
    splits = load_splits(name_or_path, config_name)
    for split, rows in splits.items():
        names = [text_column] if text_column else TEXT_KEYS
        column = next((name for name in names if name in rows.column_names), None)
        if column is None or getattr(rows.features[column], "dtype", "") not in ("string", "large_string"):
            raise DataError(
                f"{name_or_path}, {split}: expected a column of texts {' or '.join(names)}, found "
                f"{', '.join(rows.column_names)}; name it with --text_column"
            )
        rows = rows.select_columns([column])
        splits[split] = rows if column == "text" else rows.rename_column(column, "text")
    return splits


def list_texts(documents: Dataset) -> Iterator[str]:
    """The texts of a data set that are not blank, from memory-mapped pages, one after the other."""
    for batch in documents.iter(PEEKED):
        yield from (text for text in batch["text"] if text and text.strip())


def hash_file(path: str | PathLike) -> str:
    """Digest of a file's bytes; its name if it cannot be read, since reading it will say why."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return str(path)


def _rows(files: Sequence[str], reading: dict) -> Iterator[dict]:
    for text in read_documents(files, **reading):
        yield {"text": text}


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _has_gap(lines: Sequence[str]) -> bool:
    """Whether there is a blank line between two others."""
    marks = "".join("x" if line.strip() else " " for line in lines).strip()
    return " " in marks


def _join_lines(lines: Iterator[str]) -> Iterator[str]:
    block: list[str] = []
    size = 0
    for line in lines:
        if line.strip():
            block.append(line)
            size += len(line)
        if block and (size >= LONGEST or not line.strip()):
            yield "\n".join(block)
            block, size = [], 0
    if block:
        yield "\n".join(block)


def _cut(text: str) -> Iterator[str]:
    """Parts of at most `LONGEST` characters, which end after a space or a full stop if possible."""
    start = 0
    while len(text) - start > LONGEST:
        end = 1 + max(text.rfind(mark, start + LONGEST // 2, start + LONGEST) for mark in "\n 。")
        end = end or start + LONGEST
        yield text[start:end]
        start = end
    if text[start:].strip():
        yield text[start:]
