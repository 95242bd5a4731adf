"""Texts with entities, from files, the Hub and saved data sets, always as the columns `id`, `text` and `entities`.

| file_format | a row |
|---|---|
| cluener | `{"text": "...", "label": {type: {word: [[start, end inclusive], ...]}}}` |
| spans | `{"text": "...", "entities": [{"start": 0, "end": 2, "label": "PER"}]}` or `"label": [[0, 2, "PER"]]` |
| tokens | `{"tokens": [...], "ner_tags": [...]}` (or other `TOKEN_KEYS`, `TAG_KEYS`); also parquet |
| columns | lines of a token and its tag, separated by a space, a tab or (CSV) a comma, up to a blank line |
| brat | a .txt with its .ann next to it, or a folder of them: each file is a text |

The first three are JSON lines or one JSON array, with an optional `id`; ends are exclusive except in cluener. Labels
may be under any of `SPAN_KEYS`, and the keys of their parts may be any in `span_records.FORMS`. `tool_exports` reads
what doccano, Label Studio, Prodigy and spaCy write. Rows of the first two formats may have
`"candidates": [[start, end], ...]`, ends exclusive: the spans that a prompt asks about. Every file may be gzipped.
Any error in a file is a `DataError`.
"""

from collections.abc import Collection
from os import PathLike
from pathlib import Path

from datasets import Dataset

from ..data.errors import DataError, ErrorLog
from ..data.tag_schemes import READABLE
from ..files.json_records import begin_as_json, parse_records
from ..files.parquet_files import read_parquet
from ..files.saved_datasets import load_splits
from ..files.text_lines import read_lines
from .brat_files import is_brat, read_brat
from .column_files import parse_columns
from .named_values import name_values
from .ner_records import PARSERS, records_to_rows
from .ner_rows import rows_to_dataset
from .span_records import SPAN_TEXT_KEYS
from .tagged_rows import TagReading, untag_rows
from .token_records import TOKEN_KEYS
from .tool_exports import begin_as_export, is_export, parse_object

FILE_FORMATS = (*PARSERS, "columns", "brat")


def read_ner(
    path: str | PathLike,
    *,
    file_format: str = "auto",
    encoding: str | None = None,
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
    group_column: str | None = None,
    **tagging,
) -> Dataset:
    """Read a file of texts with entities.

    Texts are taken as they are, not stripped. Tokens are joined as their script is written, see
    `joined_words.WordJoiner`.

    Args:
        path: the file; `.parquet` holds `tokens` and tags, or `text` and `entities`.
        file_format: one of `FILE_FORMATS`, or "auto" to go by extension and content.
        encoding: encoding of the file; None finds it.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        entity_types: the labels that are allowed, such as those of the training file; None allows all.
        group_column: key of groups, whose values become the column `group`; of JSON and parquet only.
        **tagging: how tags are read, see `tagged_rows.TagReading`.

    Returns:
        Columns `id` (the row number from "0" on if the file has none), `text`, and `entities` in the order of the
        text, without duplicates; entities may overlap. If no row has labels at all, all have no entities.
        `candidates` if the file has them.

    Raises:
        DataError: the file cannot be read, or has errors; the first 20 are shown.
    """
    reading = TagReading(**tagging)
    _check_choice("file format", file_format, FILE_FORMATS)
    _check_choice("tag scheme", reading.scheme, READABLE)
    options = {"skip_bad_lines": skip_bad_lines, "entity_types": entity_types}
    name = Path(path).name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        return read_ner_dataset(read_parquet(path), source=path, group_column=group_column, **tagging, **options)

    log = ErrorLog(path)
    if file_format == "brat" or (file_format == "auto" and is_brat(path)):
        _refuse_column(reading, path)
        _refuse_group(group_column, path)
        return rows_to_dataset(read_brat(path, log, with_labels=reading.with_labels), log, **options)
    lines = read_lines(path, log, encoding=encoding)
    is_json = name.endswith((".json", ".jsonl", ".ndjson")) or begin_as_json(lines) or begin_as_export(lines)
    if file_format == "columns" or (file_format == "auto" and not is_json):
        _refuse_group(group_column, path)
        tagged = parse_columns(lines, log, is_csv=name.endswith(".csv"), tag_column=reading.tag_column)
        rows = untag_rows(tagged, log, reading)
    else:
        _refuse_column(reading, path)
        whole = parse_object(lines)
        records = [(1, whole)] if whole is not None else parse_records(lines, log, permits=is_export)
        rows = records_to_rows(records, log, file_format=file_format, reading=reading, group=group_column)
    return rows_to_dataset(rows, log, **options)


def read_ner_dataset(
    dataset: Dataset,
    *,
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
    group_column: str | None = None,
    source: str | PathLike = "dataset",
    **tagging,
) -> Dataset:
    """Turn a loaded data set into the columns of `read_ner`.

    Args:
        dataset: rows in any form of `read_ner`'s records; labels may be numbers with `ClassLabel` names.
        skip_bad_lines, entity_types, group_column: as in `read_ner`.
        source: what errors call the data set.
        **tagging: as in `read_ner`, without `tag_column`: the columns of a data set have names.

    Raises:
        DataError: columns are missing, or rows have errors.
    """
    reading = TagReading(**tagging)
    _check_choice("tag scheme", reading.scheme, READABLE)
    _refuse_column(reading, source)
    columns = dataset.column_names
    if not {*SPAN_TEXT_KEYS, *TOKEN_KEYS} & set(columns):
        raise DataError(
            f"{source}: expected the columns text and entities, or tokens and ner_tags, "
            f"found {', '.join(columns) or 'none'}; rename them"
        )
    if len(dataset) == 0:
        raise DataError(f"{source}: expected rows, found none; check how the data set was made")
    log = ErrorLog(source, unit="row")
    records = enumerate((name_values(row, dataset.features) for row in dataset.with_format(None)), start=1)
    rows = records_to_rows(records, log, file_format="auto", reading=reading, group=group_column)
    return rows_to_dataset(rows, log, skip_bad_lines=skip_bad_lines, entity_types=entity_types)


def load_ner(
    name_or_path: str, config_name: str | None = None, *, group_column: str | None = None, **reading
) -> dict[str, Dataset]:
    """Load a data set, see `load_splits`, and turn each of its splits into the columns of `read_ner`.

    If there is a split "train", only its labels are allowed. The options are those of `read_ner_dataset`.

    Raises:
        DataError: it cannot be loaded, and the message says what to do; or rows have errors.
    """
    splits = load_splits(name_or_path, config_name)
    entity_types = None
    for split in sorted(splits, key=lambda name: name != "train"):
        own = {"source": f"{name_or_path}, {split}", "group_column": group_column if split == "train" else None}
        splits[split] = read_ner_dataset(splits[split], entity_types=entity_types, **own, **reading)
        if split == "train":
            entity_types = list_types(splits[split])
    return splits


def list_types(dataset: Dataset) -> list[str]:
    """The entity types of a data set, sorted."""
    return sorted({entity["label"] for entities in dataset["entities"][:] for entity in entities})


def require_types(dataset: Dataset) -> list[str]:
    """The entity types of training data, sorted.

    Raises:
        DataError: it has no entities.
    """
    if not (types := list_types(dataset)):
        raise DataError("the training data: expected entities to learn from, found none")
    return types


def _check_choice(what: str, value: str, known: Collection[str]) -> None:
    if value not in ("auto", *known):
        raise DataError(f"expected the {what} auto, {', '.join(known)}, found {value}; choose one of these")


def _refuse_column(reading: TagReading, source: str | PathLike) -> None:
    if reading.tag_column is not None:
        raise DataError(f"{source}: expected a column file for --tag_column, found another format; leave it out")


def _refuse_group(group: str | None, path: str | PathLike) -> None:
    if group:
        raise DataError(
            f"{path}: expected JSON or parquet for --group_column {group}, found a file without such columns"
        )
