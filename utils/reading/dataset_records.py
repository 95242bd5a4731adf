"""Rows of a loaded data set as records: labels by name, hidden ones as None."""

import logging
from collections.abc import Collection, Sequence
from typing import Any

from datasets import Dataset

from ..data.errors import DataError, ErrorLog
from .column_names import (
    KNOWN,
    LABEL_KEYS,
    PEEKED,
    plain_name,
)
from .text_labels import Records, sort_labels

logger = logging.getLogger(__name__)


def list_labels(dataset: Dataset) -> list[str]:
    """The labels of a data set with `label` or `labels`, sorted: by number if all are integers.

    Example:
        >>> list_labels(Dataset.from_dict({"label": ["10", "9", "10"]}))
        ['9', '10']
    """
    if "labels" in dataset.column_names:
        return sort_labels({label for labels in dataset["labels"][:] for label in labels})
    return sort_labels(dataset.unique("label")) if "label" in dataset.column_names else []


def dataset_records(
    dataset: Dataset, named: Collection[str], label_column: str | None, labels: Collection[str] | None, log: ErrorLog
) -> Records:
    """Number the rows of a data set; labels become names, hidden ones None."""
    if len(dataset) == 0:
        raise DataError(f"{log.source}: expected rows, found none; check how the data set was made")
    keys = [key for key in dataset.column_names if key in named or plain_name(key) in KNOWN]
    plain = dataset.with_format(None)
    records = [dict(row) for row in plain.select_columns(keys)] if keys else [{}]
    for record, row in zip(records, plain.select(range(min(PEEKED, len(plain)))), strict=False):
        record.update(row)  # texts in other columns, too
    for key in keys:
        feature = dataset.features[key]
        names = getattr(feature, "names", None) or getattr(getattr(feature, "feature", None), "names", None)
        values = [record[key] for record in records]
        is_label = key == label_column or (label_column is None and plain_name(key) in LABEL_KEYS)
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
