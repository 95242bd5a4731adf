"""The rows of a file to be predicted, from any file that training can read.

Texts and pairs in lines, tables, JSON and parquet are read as a stream, see `text_stream`. Lines of tokens and tags,
rows of tokens, exports of labelling tools and nested files of questions are read as a whole, by the reader that
training uses; their labels and answers are ignored.
"""

import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..data.errors import ArgumentError, DataError, ErrorLog
from ..files.parquet_files import read_parquet
from ..files.raw_files import open_bytes
from ..files.text_lines import decode_lines
from ..tagging.brat_files import is_brat
from ..tagging.column_files import are_columns
from ..tagging.readers_ner import FILE_FORMATS as ENTITY_FORMATS
from ..tagging.readers_ner import read_ner
from ..tagging.token_records import find_tokens
from ..tagging.tool_exports import begin_as_export
from .column_names import find_name
from .readers_qa import read_qa
from .remembered_reading import Reading
from .text_forms import FILE_FORMATS as TEXT_FORMATS
from .text_forms import JSON_SUFFIXES
from .text_stream import read_rows

_HEAD = 200  # lines that show the form of a file
_LONGEST = 1000  # characters of a token and its tags

Columns = tuple[Sequence[str], ...]


def number_typed(
    texts: Sequence[str],
    *,
    questions: Sequence[str] | None,
    pairs: Sequence[str] | None,
    passages: bool,
    pair: bool,
) -> Iterator[tuple]:
    """The texts of a command line, numbered, with their second texts or their questions.

    Args:
        texts: single ones, first ones of pairs, or passages.
        questions: about the passages, of which there may be one for all.
        pairs: second texts.
        passages, pair: whether the model takes passages, or pairs of texts.

    Raises:
        ArgumentError: there are not as many as belong together.
    """
    if passages:
        questions = questions or []
        if not questions or len(texts) not in (1, len(questions)):
            raise ArgumentError("expected --question, with one --text as passage for all questions, or one for each")
        return zip(range(len(questions)), questions, list(texts) * (len(questions) // len(texts)), strict=True)
    if not pair:
        if pairs:
            raise ArgumentError("--text_pair: this model takes single texts; leave it out")
        return enumerate(texts)
    if len(pairs or ()) != len(texts):
        raise ArgumentError("this model takes pairs of texts: expected a --text_pair for each --text")
    return zip(range(len(texts)), texts, pairs, strict=True)


def read_inputs(
    path: str,
    *,
    kind: str,
    columns: Sequence[str | None],
    known: Columns,
    reading: Reading,
    skip_bad_lines: bool = False,
    spans: bool = False,
) -> Iterator[tuple]:
    """Read (id, text), or (id, text, second text) of a model of pairs, of "entities", "classes" or "answers" (`kind`).

    With `spans`, rows that list their `candidates` give (id, text, candidates), and their file is read as a whole. The
    other arguments, and the errors, are those of `text_stream.read_rows`.
    """
    formats = ("auto", "plain", *TEXT_FORMATS, *(ENTITY_FORMATS if kind == "entities" else ()))
    if reading.file_format not in formats:
        raise DataError(f"--file_format {reading.file_format}: expected one of {', '.join(dict.fromkeys(formats))}")
    whole = {"encoding": reading.encoding, "skip_bad_lines": skip_bad_lines}
    is_file = path != "-" and (os.path.isfile(path) or (kind == "entities" and is_brat(path)))
    file_format = _entity_format(path, columns, known, reading) if is_file and kind == "entities" else None
    if is_file and spans and not file_format and _has_candidates(path, reading):
        file_format = "auto"
    if file_format:
        rows = read_ner(path, file_format=file_format, with_labels=False, **whole)
        names = ["id", "text", *(["candidates"] if spans and "candidates" in rows.features else [])]
        return (tuple(row[name] for name in names) for row in rows)
    if is_file and kind == "answers" and _is_nested(path, columns, known, reading):
        rows = read_qa(path, with_answers=False, **whole)
        return ((row["id"], row["question"], row["context"]) for row in rows)
    return read_rows(path, columns=columns, known=known, reading=reading, skip_bad_lines=skip_bad_lines)


def _entity_format(path: str, columns: Sequence[str | None], known: Columns, reading: Reading) -> str | None:
    """The format of a file that `read_ner` reads and a stream does not."""
    told = reading.file_format
    if told in ENTITY_FORMATS and told not in TEXT_FORMATS:
        return told
    if told != "auto":
        return None
    if is_brat(path):
        return "brat"
    name = Path(path).name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        names = read_parquet(path).column_names
        return None if _has_columns(names, columns, known, reading) else "auto"
    lines = _head_of(path, reading)
    head = [line for line in lines if line and line.strip()]
    if begin_as_export([" ".join(line.strip() for line in head[:6])]):  # an array may be spread over lines
        return "auto"
    record = _first_record(head, name)
    if record is not None:
        return None if _has_columns(list(record), columns, known, reading) and not find_tokens(record) else "auto"
    short = [line for line in lines if line is None or len(line) <= _LONGEST]
    return "columns" if len(short) == len(lines) and are_columns(lines, is_csv=name.endswith(".csv")) else None


def _has_candidates(path: str, reading: Reading) -> bool:
    """Whether the rows of a file list the spans that may be entities."""
    name = Path(path).name.lower().removesuffix(".gz")
    if reading.file_format not in ("auto", "json", "parquet"):
        return False
    if name.endswith(".parquet"):
        return "candidates" in read_parquet(path).column_names
    record = _first_object([line for line in _head_of(path, reading) if line and line.strip()], name)
    return bool(record) and "candidates" in record


def _is_nested(path: str, columns: Sequence[str | None], known: Columns, reading: Reading) -> bool:
    """Whether a file of questions is nested, not a list of rows with question and passage."""
    name = Path(path).name.lower().removesuffix(".gz")
    if reading.file_format not in ("auto", "json") or name.endswith(".parquet"):
        return False
    record = _first_record([line for line in _head_of(path, reading) if line and line.strip()], name)
    return record is not None and not _has_columns(list(record), columns, known, reading)


def _head_of(path: str, reading: Reading) -> list[str | None]:
    with open_bytes(path) as file:
        return list(itertools.islice(decode_lines(file, ErrorLog(path), encoding=reading.encoding), _HEAD))


def _first_record(head: Sequence[str], name: str) -> dict | None:
    """The strings of `_first_object`."""
    record = _first_object(head, name)
    return record and {key: value for key, value in record.items() if isinstance(value, str)}


def _first_object(head: Sequence[str], name: str) -> dict | None:
    """The first object of JSON lines or of an array; {} if it is longer than the head, or not an object; None for
    other files."""
    text = "\n".join(head).lstrip()
    if not text.startswith(("{", "[")):
        return None
    text = text.removeprefix("[").lstrip() if not name.endswith(".jsonl") else text
    try:
        record, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {} if name.endswith(JSON_SUFFIXES) and len(head) >= _HEAD else None
    if not isinstance(record, dict):
        return {} if text.startswith("[") or name.endswith(JSON_SUFFIXES) else None
    return record


def _has_columns(names: Sequence[str], columns: Sequence[str | None], known: Columns, reading: Reading) -> bool:
    """Whether each text is in a column of its own."""
    left = list(names)
    for column, trained, keys in zip(columns, (reading.text, reading.text_pair), known, strict=False):
        found = column or (trained if trained in left else None)
        found = found or next(filter(None, (find_name(key, left) for key in keys)), None)
        if found not in left:
            return bool(column)  # if the file lacks the column that the user names, the stream reports it
        left.remove(found)
    return True
