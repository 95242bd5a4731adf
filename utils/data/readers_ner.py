"""Texts with entities, from files, the Hub and saved data sets, always as the columns `id`, `text` and `entities`.

| file_format | a row |
|---|---|
| cluener | `{"text": "...", "label": {type: {word: [[start, end inclusive], ...]}}}` |
| spans | `{"text": "...", "entities": [{"start": 0, "end": 2, "label": "PER"}]}` or `"label": [[0, 2, "PER"]]` |
| tokens | `{"tokens": [...], "ner_tags": [...]}` (or `tags`, `labels`); also parquet |
| columns | lines of a token and its tag, apart by a space, a tab or (CSV) a comma, up to a blank line |

The first three are JSON lines or one JSON array, with an optional `id`; ends are exclusive except in cluener. Of more
than two columns the first and the last count. Rows of the first two may bring `"candidates": [[start, end], ...]`
along, ends exclusive: the spans that a prompt asks about. Every file may be gzipped. Any fault in a file is a
`DataError`.
"""

from collections.abc import Collection
from os import PathLike
from pathlib import Path
from typing import Any

from datasets import Dataset

from .column_files import parse_columns
from .errors import DataError, ErrorLog
from .json_records import begin_as_json, parse_records
from .ner_records import PARSERS, TAG_KEYS, records_to_rows
from .ner_rows import rows_to_dataset, untag_rows
from .saved_datasets import load_splits, read_parquet
from .tag_schemes import READABLE
from .text_files import read_lines

FILE_FORMATS = (*PARSERS, "columns")
TEXT_KEYS = ("text", "sentence", "content")


def read_ner(
    path: str | PathLike,
    *,
    file_format: str = "auto",
    scheme: str = "auto",
    encoding: str | None = None,
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
) -> Dataset:
    """Read a file of texts with entities.

    Texts are taken as they are, not stripped. Tokens are joined without a space if more than half of them are single
    characters or more than half of their characters are CJK, over the whole file; else with one space.

    Args:
        path: the file; `.parquet` holds `tokens` and tags, or `text` and `entities`.
        file_format: one of `FILE_FORMATS`, or "auto" to go by extension and content.
        scheme: of tags: a key of `tag_schemes.READABLE`, or "auto" for the one that fits best.
        encoding: of the file; None for UTF-8, or what its bytes tell.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        entity_types: the labels that are allowed, as those of the training file; None allows all.

    Returns:
        Columns `id` (the row number from "0" on, where the file gives none), `text`, and `entities` sorted by place,
        without duplicates; entities may overlap. Where no row has labels at all, each has no entities. `candidates`
        where the file has them.

    Raises:
        DataError: the file cannot be read, or has errors; the first 20 are shown.
    """
    _check_options(file_format, scheme)
    options = {"skip_bad_lines": skip_bad_lines, "entity_types": entity_types}
    name = Path(path).name.lower().removesuffix(".gz")
    if name.endswith(".parquet"):
        return read_ner_dataset(read_parquet(path), source=path, scheme=scheme, **options)

    log = ErrorLog(path)
    lines = read_lines(path, log, encoding=encoding)
    is_json = name.endswith((".json", ".jsonl", ".ndjson")) or begin_as_json(lines)
    if file_format == "columns" or (file_format == "auto" and not is_json):
        tagged = parse_columns(lines, log, is_csv=name.endswith(".csv"))
        rows = untag_rows(tagged, scheme, log, one_line_a_tag=True)
    else:
        rows = records_to_rows(parse_records(lines, log), log, file_format=file_format, scheme=scheme)
    return rows_to_dataset(rows, log, **options)


def read_ner_dataset(
    dataset: Dataset,
    *,
    scheme: str = "auto",
    skip_bad_lines: bool = False,
    entity_types: Collection[str] | None = None,
    source: str | PathLike = "dataset",
) -> Dataset:
    """Turn a loaded data set into the columns `id`, `text`, `entities`.

    Args:
        dataset: `text` (or `sentence`, `content`) with `entities`, or `tokens` with `ner_tags` (or `tags`, `labels`),
            which are strings or ints with `ClassLabel` names.
        scheme, skip_bad_lines, entity_types: as in `read_ner`.
        source: what errors call the data set.

    Returns:
        As `read_ner`.

    Raises:
        DataError: columns are missing, or rows have errors.
    """
    _check_options("auto", scheme)
    columns = dataset.column_names
    text_key = next((key for key in TEXT_KEYS if key in columns), None)
    tag_key = next((key for key in TAG_KEYS if key in columns), None)
    use_tokens = "tokens" in columns and "entities" not in columns
    if not use_tokens and text_key is None:
        raise DataError(
            f"{source}: expected the columns text and entities, or tokens and ner_tags, "
            f"found {', '.join(columns) or 'none'}; rename them"
        )
    if len(dataset) == 0:
        raise DataError(f"{source}: expected rows, found none; check how the data set was made")

    if use_tokens:
        renamed = {"tokens": "tokens", tag_key: "tags", "id": "id"}
    else:
        renamed = {text_key: "text", "entities": "entities", "candidates": "candidates", "id": "id"}
    keys = [key for key in renamed if key in columns]
    names = getattr(getattr(dataset.features.get(tag_key), "feature", None), "names", None) if use_tokens else None
    log = ErrorLog(source, unit="row")
    records = []
    for number, row in enumerate(dataset.with_format(None).select_columns(keys), start=1):
        record = {renamed[key]: row[key] for key in keys if row[key] is not None}
        if names and set(record.get("tags", ())) == {-1}:  # how the Hub marks hidden labels
            del record["tags"]
        elif names and "tags" in record:
            record["tags"] = [_name_of(tag, names) for tag in record["tags"]]
        if isinstance(record.get("entities"), dict):  # a Sequence of dicts comes back as a dict of lists
            parts = record["entities"]
            record["entities"] = [
                dict(zip(parts, values, strict=False)) for values in zip(*parts.values(), strict=False)
            ]
        records.append((number, record))
    rows = records_to_rows(records, log, file_format="tokens" if use_tokens else "spans", scheme=scheme)
    return rows_to_dataset(rows, log, skip_bad_lines=skip_bad_lines, entity_types=entity_types)


def load_ner(
    name_or_path: str, config_name: str | None = None, *, scheme: str = "auto", skip_bad_lines: bool = False
) -> dict[str, Dataset]:
    """Load a data set, and turn each of its splits into the columns `id`, `text`, `entities`.

    Args:
        name_or_path: a `save_to_disk` directory (a single data set becomes the split "train"), a folder of data files,
            or a name on the Hub.
        config_name: which of a data set's configurations.
        scheme, skip_bad_lines: as in `read_ner`.

    Returns:
        What `read_ner_dataset` makes of each split, by name. If there is a split "train", only its labels are allowed.

    Raises:
        DataError: it cannot be loaded, and the message says what to do; or rows have errors.
    """
    splits = load_splits(name_or_path, config_name)
    entity_types = None
    for split in sorted(splits, key=lambda name: name != "train"):
        splits[split] = read_ner_dataset(
            splits[split],
            scheme=scheme,
            skip_bad_lines=skip_bad_lines,
            entity_types=entity_types,
            source=f"{name_or_path}, {split}",
        )
        if split == "train":
            entity_types = list_types(splits[split])
    return splits


def list_types(dataset: Dataset) -> list[str]:
    """The entity types of a data set, sorted."""
    return sorted({entity["label"] for entities in dataset["entities"][:] for entity in entities})


def _check_options(file_format: str, scheme: str) -> None:
    for what, value, known in (("file format", file_format, FILE_FORMATS), ("tag scheme", scheme, tuple(READABLE))):
        if value not in ("auto", *known):
            raise DataError(f"expected the {what} auto, {', '.join(known)}, found {value}; choose one of these")


def _name_of(tag: Any, names: list[str]) -> Any:
    return names[tag] if isinstance(tag, int) and 0 <= tag < len(names) else tag
