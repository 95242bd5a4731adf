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

from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path

from datasets import Dataset

from ..data.errors import DataError, ErrorLog
from ..data.tag_schemes import READABLE
from ..files.json_records import begin_as_json, parse_records
from ..files.saved_datasets import load_splits, read_parquet
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
    scheme: str = "auto",
    repair_tags: bool = False,
    label_names: Sequence[str] | None = None,
    tag_column: int | None = None,
    with_labels: bool = True,
    encoding: str | None = None,
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
) -> Dataset:
    """Read a file of texts with entities.

    Texts are taken as they are, not stripped. Tokens are joined as their script is written, see
    `joined_words.WordJoiner`.

    Args:
        path: the file; `.parquet` holds `tokens` and tags, or `text` and `entities`.
        file_format: one of `FILE_FORMATS`, or "auto" to go by extension and content.
        scheme: of tags: a key of `tag_schemes.READABLE`, or "auto" for the one that fits best.
        repair_tags, label_names, tag_column, with_labels: see `tagged_rows.TagReading`.
        encoding: encoding of the file; None finds it.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        entity_types: the labels that are allowed, such as those of the training file; None allows all.

    Returns:
        Columns `id` (the row number from "0" on if the file has none), `text`, and `entities` in the order of the
        text, without duplicates; entities may overlap. If no row has labels at all, all have no entities.
        `candidates` if the file has them.

    Raises:
        DataError: the file cannot be read, or has errors; the first 20 are shown.
    """
    _check_options(file_format, scheme)
    options = {"skip_bad_lines": skip_bad_lines, "entity_types": entity_types}
    tagging = {"scheme": scheme, "repair_tags": repair_tags, "label_names": label_names, "tag_column": tag_column}
    tagging["with_labels"] = with_labels
    reading = TagReading(scheme, repair_tags, label_names, tag_column, with_labels)
    name = Path(path).name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        return read_ner_dataset(read_parquet(path), source=path, **tagging, **options)

    log = ErrorLog(path)
    if file_format == "brat" or (file_format == "auto" and is_brat(path)):
        _refuse_column(tag_column, path)
        return rows_to_dataset(read_brat(path, log, with_labels=with_labels), log, **options)
    lines = read_lines(path, log, encoding=encoding)
    is_json = name.endswith((".json", ".jsonl", ".ndjson")) or begin_as_json(lines) or begin_as_export(lines)
    if file_format == "columns" or (file_format == "auto" and not is_json):
        tagged = parse_columns(lines, log, is_csv=name.endswith(".csv"), tag_column=tag_column)
        rows = untag_rows(tagged, log, reading)
    else:
        _refuse_column(tag_column, path)
        whole = parse_object(lines)
        records = [(1, whole)] if whole is not None else parse_records(lines, log, permits=is_export)
        rows = records_to_rows(records, log, file_format=file_format, reading=reading)
    return rows_to_dataset(rows, log, **options)


def read_ner_dataset(
    dataset: Dataset,
    *,
    scheme: str = "auto",
    repair_tags: bool = False,
    label_names: Sequence[str] | None = None,
    tag_column: int | None = None,
    with_labels: bool = True,
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
    source: str | PathLike = "dataset",
) -> Dataset:
    """Turn a loaded data set into the columns `id`, `text`, `entities`.

    Args:
        dataset: rows in any form of `read_ner`'s records; labels may be numbers with `ClassLabel` names.
        scheme, repair_tags, label_names, with_labels, skip_bad_lines, entity_types: as in `read_ner`.
        tag_column: must be None: the columns of a data set have names.
        source: what errors call the data set.

    Returns:
        As `read_ner`.

    Raises:
        DataError: columns are missing, or rows have errors.
    """
    _check_options("auto", scheme)
    _refuse_column(tag_column, source)
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
    reading = TagReading(scheme, repair_tags, label_names, labels=with_labels)
    rows = records_to_rows(records, log, file_format="auto", reading=reading)
    return rows_to_dataset(rows, log, skip_bad_lines=skip_bad_lines, entity_types=entity_types)


def load_ner(name_or_path: str, config_name: str | None = None, **reading) -> dict[str, Dataset]:
    """Load a data set, and turn each of its splits into the columns `id`, `text`, `entities`.

    Args:
        name_or_path: a `save_to_disk` directory (a single data set becomes the split "train"), a folder of data files,
            or a name on the Hub.
        config_name: which of a data set's configurations.
        **reading: options of `read_ner_dataset`.

    Returns:
        What `read_ner_dataset` makes of each split, by name. If there is a split "train", only its labels are allowed.

    Raises:
        DataError: it cannot be loaded, and the message says what to do; or rows have errors.
    """
    splits = load_splits(name_or_path, config_name)
    entity_types = None
    for split in sorted(splits, key=lambda name: name != "train"):
        splits[split] = read_ner_dataset(
            splits[split], entity_types=entity_types, source=f"{name_or_path}, {split}", **reading
        )
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


def _check_options(file_format: str, scheme: str) -> None:
    for what, value, known in (("file format", file_format, FILE_FORMATS), ("tag scheme", scheme, tuple(READABLE))):
        if value not in ("auto", *known):
            raise DataError(f"expected the {what} auto, {', '.join(known)}, found {value}; choose one of these")


def _refuse_column(tag_column: int | None, source: str | PathLike) -> None:
    if tag_column is not None:
        raise DataError(f"{source}: expected a column file for --tag_column, found another format; leave it out")
