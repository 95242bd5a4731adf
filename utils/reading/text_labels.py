"""Labels of texts as files write them: several in a cell, one-hot columns, numbers with and without decimals, none."""

import logging
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from datasets import Dataset

from ..data.errors import DataError, ErrorLog, RowReport, counted, show
from ..data.row_values import is_unicode

logger = logging.getLogger(__name__)

Records = list[tuple[int, dict | None]]

_INTEGER = re.compile("-?[0-9]{1,18}")
_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]{0,17}))(?:\.0+)?")  # a leading zero is part of a name
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
# What tables and data sets write where there is no label.
_NO_LABEL = {"nan", "-", "<na>", "null", "n/a", "#n/a"}
_ONE_HOT = {
    **dict.fromkeys((1, True, "1", "1.0", "true", "True", "TRUE"), True),
    **dict.fromkeys((0, False, "0", "0.0", "false", "False", "FALSE"), False),
}


def sort_labels(labels: Iterable[str]) -> list[str]:
    """Sort labels, by their numbers if all are integers.

    Example:
        >>> sort_labels(["10", "9"]), sort_labels(["10", "9", "a"])
        (['9', '10'], ['10', '9', 'a'])
    """
    labels = list(labels)
    if all(map(_INTEGER.fullmatch, labels)):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels)


def list_labels(dataset: Dataset) -> list[str]:
    """The labels of a data set with `label` or `labels`, sorted: by number if all are integers.

    Example:
        >>> list_labels(Dataset.from_dict({"label": ["10", "9", "10"]}))
        ['9', '10']
    """
    if "labels" in dataset.column_names:
        return sort_labels({label for labels in dataset["labels"][:] for label in labels})
    return sort_labels(dataset.unique("label")) if "label" in dataset.column_names else []


def is_missing(label: Any) -> bool:
    """Whether a value of the label column means no label: null, an empty text, or NaN."""
    return label is None or label == "" or (isinstance(label, float) and label != label)


def parse_label(value: Any, key: str, separator: str | None, report: RowReport) -> str | list[str] | None:
    """The label, or labels, of a cell; None if there is none, or a wrong one, which is reported.

    `separator` separates the labels of a cell; it is None if a cell is a single label or a list.
    """
    if separator and (value is None or isinstance(value, str)):
        return value if value is None else value.split(separator) if value.strip() else []
    if value is None or (isinstance(value, float) and value != value):
        return None
    names = [_name_of(each) for each in value] if isinstance(value, list) else [_name_of(value)]
    if None in names:
        report(f'expected "{key}": a name, a number, or a list of these, found {show(value)}; correct it')
        return None
    return names if separator or isinstance(value, list) else names[0]


def fold_numbers(labels: Collection[str], known: Collection[str] | None) -> dict[str, str]:
    """Find other spellings of the same number: `1.0`, in a table with gaps, is `1`.

    Args:
        labels: of a file.
        known: those of the training data; None for the training data itself.

    Returns:
        Label -> how it is written elsewhere, for those that change; empty if labels are numbers with decimals, which
        are not classes.

    Example:
        >>> fold_numbers({"1", "1.0", "0"}, None), fold_numbers({"1", "0"}, {"1.0", "0.0"})
        ({'1.0': '1'}, {'0': '0.0', '1': '1.0'})
    """
    labels = sorted(labels)
    if any(_NUMBER.fullmatch(label) and "." in label and not _WHOLE.fullmatch(label) for label in labels):
        return {}
    spellings = {found[1]: label for label in known or () if (found := _WHOLE.fullmatch(label))}
    folded = {}
    for label in labels:
        found = _WHOLE.fullmatch(label)
        if found is None or label in (known or ()):
            continue
        other = spellings.get(found[1])
        if known is None and found[1] in labels:
            other = found[1]
        if other and other != label:
            folded[label] = other
    return folded


def find_no_labels(labels: Collection[str], known: Collection[str] | None) -> set[str]:
    """Labels that probably mean "no label", such as `nan` and OCNLI's `-` (unless `+` is a label, too).

    Those that the training data has (`known`) are always labels.

    Example:
        >>> find_no_labels({"neutral", "-", "NaN"}, None) == {"-", "NaN"}, find_no_labels({"+", "-"}, None)
        (True, set())
    """
    found = {label for label in labels if label.lower() in _NO_LABEL and label not in (known or ())}
    return found - {"-"} if "+" in labels else found


def gather_labels(
    records: Records, names: Sequence[str], columns: Sequence[str], log: ErrorLog, *, is_training: bool
) -> tuple[Records, str | None]:
    """Turn columns that each hold 1 or 0 for one label into lists of labels.

    Args:
        log: takes an error for each cell that is neither.
        is_training: each label must be 1 somewhere.

    Returns:
        The records, and the key under which each has its labels. The key is None if the file has no such columns; the
        labels of a row are None if its cells are all empty or -1 (hidden).

    Raises:
        DataError: some columns are missing, or a label of the training data is 0 in all rows.
    """
    missing = [name for name in columns if name not in names]
    if missing and (is_training or len(missing) < len(columns)):
        raise DataError(
            f"{log.source}: expected the columns {', '.join(columns)} of --label_columns, found {', '.join(names)}; "
            f"name those that are there, without {', '.join(missing)}"
        )
    if missing:
        return records, None
    key, seen, hidden, gathered = " + ".join(columns), set(), 0, []
    for number, record in records:
        if record is not None:
            cells = {name: record.get(name) for name in columns}
            cells = {name: cell.strip() if isinstance(cell, str) else cell for name, cell in cells.items()}
            labels = None
            if all(is_missing(cell) or cell in (-1, "-1") for cell in cells.values()):
                hidden += 1
            elif wrong := [name for name, cell in cells.items() if _is_on(cell) is None]:
                log.add(number, f'expected 1 or 0 in "{wrong[0]}", found {show(cells[wrong[0]])}; correct it')
                record = None
            else:
                labels = [name for name, cell in cells.items() if _is_on(cell)]
                seen.update(labels)
            if record is not None:
                record = record | {key: labels}
        gathered.append((number, record))
    if hidden:
        logger.info("%s: the labels of %s are hidden (empty or -1)", log.source, counted(hidden, log.unit))
    if is_training and not len(log) and (never := [name for name in columns if name not in seen]):
        raise DataError(
            f"{log.source}: expected 1 in some row for each label, found none for {', '.join(never)}; leave it out of "
            "--label_columns"
        )
    return gathered, key


def _is_on(cell: Any) -> bool | None:
    """Whether a cell is 1; None if it is neither 1 nor 0."""
    return None if isinstance(cell, list | dict) else _ONE_HOT.get(cell)


def _name_of(value: Any) -> str | None:
    """A label as JSON writes it; None for what is no label."""
    if isinstance(value, str):
        return value if is_unicode(value) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and abs(value) < 2**63:
        return str(value)
    return None
