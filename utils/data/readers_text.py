"""Texts, or pairs of texts, with classes, from files, the Hub and saved data sets, always as the same columns.

| file_format | a row |
|---|---|
| csv, tsv | cells under a header; between commas, cells in quotes may have line breaks |
| json | JSON lines or one JSON array of `{"text": "...", "label": "..."}` |
| parquet | the same columns |
| tab | `text<TAB>label`, `text<TAB>second text<TAB>label`, or `text` alone, without a header |
| marked | `text_!_label`, `text_!_second text_!_label`, or `id_!_code_!_label_!_text_!_keywords` |
| faq | `answer question`: behind the first white space all is question |

Columns have the names in `text_rows`, or those of a `TextColumns`. Blank lines are skipped. Every file may be gzipped.
Any fault in a file is a `DataError`.
"""

import logging
import re
from collections.abc import Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from datasets import Dataset

from .errors import DataError, ErrorLog
from .json_records import parse_records
from .saved_datasets import load_splits, read_parquet
from .text_files import read_lines
from .text_records import MARK, MARKED_FIELDS, TAB_FIELDS, find_format, parse_faq, parse_fields, parse_table
from .text_rows import (
    ID_KEYS,
    LABEL_KEYS,
    PAIR_KEYS,
    TEXT_KEYS,
    is_missing,
    labels_of,
    name_classes,
    records_to_rows,
    rows_to_dataset,
    sort_labels,
)

logger = logging.getLogger(__name__)

FILE_FORMATS = ("csv", "tsv", "json", "parquet", "tab", "marked", "faq")

Records = list[tuple[int, dict | None]]

_CLASS_FILE = "class.txt"


class TextColumns(NamedTuple):
    """Names of columns; for None, the first of the known names in `text_rows` that is there.

    Attributes:
        text: of the texts.
        text_pair: of the second texts; "none" ignores them.
        label: of the labels.
        id: of the ids.
    """

    text: str | None = None
    text_pair: str | None = None
    label: str | None = None
    id: str | None = None


KNOWN_COLUMNS = TextColumns()


def read_classes(
    path: str | PathLike,
    *,
    file_format: str = "auto",
    columns: TextColumns = KNOWN_COLUMNS,
    label_separator: str | None = None,
    class_file: str | PathLike | None = None,
    labels: Collection[str] | None = None,
    skip_bad_lines: bool = False,
) -> Dataset:
    """Read a file of texts with classes.

    Texts are taken as they are; labels without white space around them. A label that is no string becomes what JSON
    writes for it: "1", "1.0", "true". Repeated rows and texts with several labels are kept, and counted in the log.

    Args:
        path: the file.
        file_format: one of `FILE_FORMATS`, or "auto" to go by extension and content ("faq" is never guessed).
        columns: names of columns.
        label_separator: cuts each label into several (multi-label). Lists of labels need none.
        class_file: its line n, from 0 on, names class n. Without it, a `class.txt` beside the file is used if all
            labels are integers that it has a line for.
        labels: those that are allowed, as those of the training file; None allows all.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.

    Returns:
        Columns `id` (the row number from "0" on, where the file gives none), `text`, `text_pair` where there are
        pairs, and `label`, or in multi-label data `labels`, sorted and without duplicates. Where no row has a label,
        there is no such column.

    Raises:
        DataError: the file cannot be read, or has errors; the first 20 are shown.
    """
    if file_format not in ("auto", *FILE_FORMATS):
        raise DataError(
            f"expected the file format auto, {', '.join(FILE_FORMATS)}, found {file_format}; choose one of these"
        )
    name = Path(path).name.lower().removesuffix(".gz")
    if file_format == "parquet" or (file_format == "auto" and name.endswith(".parquet")):
        dataset = read_parquet(path)
        log = ErrorLog(path, unit="row")
        records, names = _dataset_records(dataset, columns, labels, log), dataset.column_names
    else:
        log = ErrorLog(path)
        records = _parse_file(path, name, file_format, columns, log)
        names = list(dict.fromkeys(key for _, record in records if record for key in record))
    return _to_dataset(
        records,
        names,
        log,
        columns=columns,
        label_separator=label_separator,
        class_file=class_file,
        folder=Path(path).parent,
        labels=labels,
        skip_bad_lines=skip_bad_lines,
    )


def read_classes_dataset(
    dataset: Dataset,
    *,
    columns: TextColumns = KNOWN_COLUMNS,
    label_separator: str | None = None,
    labels: Collection[str] | None = None,
    skip_bad_lines: bool = False,
    source: str | PathLike = "dataset",
) -> Dataset:
    """Turn a loaded data set into the columns of `read_classes`.

    Args:
        dataset: texts, and labels that are names, numbers, lists of these, or ints with `ClassLabel` names. Labels
            that are -1 in all rows are hidden ones, as the Hub marks them: no labels.
        columns, label_separator, labels, skip_bad_lines: as in `read_classes`.
        source: what errors call the data set.

    Returns:
        As `read_classes`.

    Raises:
        DataError: columns are missing, or rows have errors.
    """
    log = ErrorLog(source, unit="row")
    return _to_dataset(
        _dataset_records(dataset, columns, labels, log),
        dataset.column_names,
        log,
        columns=columns,
        label_separator=label_separator,
        class_file=None,
        folder=None,
        labels=labels,
        skip_bad_lines=skip_bad_lines,
    )


def load_classes(
    name_or_path: str,
    config_name: str | None = None,
    *,
    columns: TextColumns = KNOWN_COLUMNS,
    label_separator: str | None = None,
    skip_bad_lines: bool = False,
) -> dict[str, Dataset]:
    """Load a data set, and turn each of its splits into the columns of `read_classes`.

    Args:
        name_or_path, config_name: as in `saved_datasets.load_splits`.
        columns, label_separator, skip_bad_lines: as in `read_classes`.

    Returns:
        What `read_classes_dataset` makes of each split, by name. If there is a split "train", only its labels are
        allowed.

    Raises:
        DataError: it cannot be loaded, and the message says what to do; or rows have errors.
    """
    splits = load_splits(name_or_path, config_name)
    labels = None
    for split in sorted(splits, key=lambda name: name != "train"):
        splits[split] = read_classes_dataset(
            splits[split],
            columns=columns,
            label_separator=label_separator,
            labels=labels,
            skip_bad_lines=skip_bad_lines,
            source=f"{name_or_path}, {split}",
        )
        if split == "train":
            labels = list_labels(splits[split])
    return splits


def list_labels(dataset: Dataset) -> list[str]:
    """The labels of a data set with `label` or `labels`, sorted: by number if all are integers.

    Example:
        >>> list_labels(Dataset.from_dict({"label": ["10", "9", "10"]}))
        ['9', '10']
    """
    if "labels" in dataset.column_names:
        return sort_labels({label for labels in dataset["labels"][:] for label in labels})
    return sort_labels(dataset.unique("label")) if "label" in dataset.column_names else []


def _parse_file(path: str | PathLike, name: str, file_format: str, columns: TextColumns, log: ErrorLog) -> Records:
    lines = read_lines(path, log)
    named = {key for key in columns if key and key != "none"}
    if file_format == "auto":
        if next((line for line in lines if line is None or line.strip()), None) is None:
            log.finish(skip_bad_lines=False)  # without its first line, nobody knows what the file is
        file_format = find_format(lines, name, named)
    if file_format == "json":
        return list(parse_records(lines, log))
    if file_format in ("csv", "tsv"):
        return parse_table(lines, "," if file_format == "csv" else "\t", log)
    if named:
        raise DataError(
            f"{path}: expected a first line with the names of columns ({', '.join(sorted(named))}), found none "
            f"(it is read as {file_format}); name the columns there, or leave out the options that name them"
        )
    if file_format == "faq":
        return parse_faq(lines, log)
    if file_format == "marked":
        return parse_fields(lines, MARK, log, fields=MARKED_FIELDS)
    records = parse_fields(lines, "\t", log, fields=TAB_FIELDS)
    first = records[0][1]
    if first and first["text"] in TEXT_KEYS:
        logger.warning(
            "%s: the first line is read as a row; if it names columns, name that of the labels with --label_column",
            path,
        )
    return records


def _dataset_records(dataset: Dataset, columns: TextColumns, labels: Collection[str] | None, log: ErrorLog) -> Records:
    """Number the rows of a data set; labels by name, and hidden ones null."""
    if len(dataset) == 0:
        raise DataError(f"{log.source}: expected rows, found none; check how the data set was made")
    wanted = {*TEXT_KEYS, *PAIR_KEYS, *LABEL_KEYS, *ID_KEYS, *columns}
    keys = [key for key in dataset.column_names if key in wanted]
    records = [dict(row) for row in dataset.with_format(None).select_columns(keys)] if keys else [{}]
    for key in keys:
        feature = dataset.features[key]
        names = getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)
        values = [record[key] for record in records]
        is_label = key == columns.label or (columns.label is None and key in LABEL_KEYS)
        if is_label and "-1" not in (labels or ()) and all(type(value) is int and value == -1 for value in values):
            logger.info("%s: %s is -1 in all rows: hidden labels", log.source, key)
            for record in records:
                record[key] = None
        elif names:
            for record in records:
                record[key] = _class_names(record[key], names)
    return list(enumerate(records, start=1))


def _class_names(value: Any, names: Sequence[str]) -> Any:
    if isinstance(value, list):
        return [_class_names(each, names) for each in value]
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else None if value == -1 else value
    return value


def _to_dataset(
    records: Records,
    names: Sequence[str],
    log: ErrorLog,
    *,
    columns: TextColumns,
    label_separator: str | None,
    class_file: str | PathLike | None,
    folder: Path | None,
    labels: Collection[str] | None,
    skip_bad_lines: bool,
) -> Dataset:
    if all(record is None for _, record in records):  # nothing is there that could tell the columns
        return rows_to_dataset([None] * len(records), log, skip_bad_lines=skip_bad_lines, labels=labels)
    keys = _choose_columns(columns, records, names, log.source, is_training=labels is None)
    rows = records_to_rows(records, log, **keys._asdict(), label_separator=label_separator)
    if class_file is not None:
        rows = name_classes(rows, _read_class_names(class_file), log, origin=Path(class_file).name)
    elif folder is not None:
        found = {label for row in rows for label in labels_of(row)}
        if names_found := _find_class_names(folder / _CLASS_FILE, found):
            rows = name_classes(rows, names_found, log, origin=_CLASS_FILE)
    return rows_to_dataset(rows, log, skip_bad_lines=skip_bad_lines, labels=labels)


def _choose_columns(
    columns: TextColumns,
    records: Records,
    names: Sequence[str],
    source: str | PathLike,
    *,
    is_training: bool,
) -> TextColumns:
    """Say which columns to read; in the result None stands for one that there is not."""
    whole = [record for _, record in records if record is not None]
    found = ", ".join(names) or "none"
    taken: dict[str, str] = {}
    for field, known in (("text", TEXT_KEYS), ("text_pair", PAIR_KEYS), ("label", LABEL_KEYS), ("id", ID_KEYS)):
        name = getattr(columns, field)
        if field == "text_pair" and name == "none":
            continue
        if name in taken.values():
            raise DataError(f"expected another column for --{field}_column, found {name} a second time; choose one")
        if name is not None and name not in names and (field != "label" or is_training):
            raise DataError(
                f"{source}: expected the column {name}, found {found}; name one of these with --{field}_column"
            )
        choices = [key for key in ([name] if name else known) if key in names and key not in taken.values()]
        if field == "label":
            choices = [key for key in choices if not all(is_missing(record.get(key)) for record in whole)]
        elif name is None:
            choices = [key for key in choices if any(record.get(key) is not None for record in whole)]
        if choices:
            taken[field] = choices[0]
    if "text" not in taken:
        raise DataError(
            f"{source}: expected a column of texts ({', '.join(TEXT_KEYS)}), found {found}; "
            "name the columns with --text_column, --text_pair_column, --label_column"
        )
    if any(field != name for field, name in taken.items()):
        logger.info("%s: columns %s", source, ", ".join(f"{name} as {field}" for field, name in taken.items()))
    return TextColumns(**taken)


def _read_class_names(path: str | PathLike) -> list[str]:
    log = ErrorLog(path)
    names: list[str] = []
    lines = read_lines(path, log)
    while lines and lines[-1] is not None and not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, start=1):
        name = (line or "").strip()
        if line is not None and not name:
            log.add(number, "expected the name of a class, found a blank line; name it, or delete the line")
        elif name in names:
            log.add(number, f"expected a name of its own, found {name} as in line {names.index(name) + 1}; change one")
        names.append(name)
    log.finish(skip_bad_lines=False)
    return names


def _find_class_names(path: Path, labels: Collection[str]) -> list[str] | None:
    """The names in a `class.txt` that nobody named, if it fits all labels."""
    if not path.is_file() or not labels or not all(re.fullmatch("[0-9]+", label) for label in labels):
        return None
    try:
        names = _read_class_names(path)
    except DataError as error:
        logger.warning("%s is not used for the names of classes: %s", path, error)
        return None
    unknown = sort_labels(labels - {str(number) for number in range(len(names))})
    if unknown:
        logger.warning("%s is not used: it has no line for class %s", path, unknown[-1])
        return None
    logger.info("%s: names the classes", path)
    return names
