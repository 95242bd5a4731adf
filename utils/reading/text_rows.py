"""Rows of a data set with classes: a text or a pair of texts with its labels, and how they become columns."""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from datasets import Dataset, Features, List, Value

from ..data.errors import DataError, ErrorLog, RowReport, counted, show
from ..data.row_values import RowIds, read_group, read_id, read_text
from .column_names import TextColumns
from .text_labels import parse_label, sort_labels

logger = logging.getLogger(__name__)

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_SHOWN_LABELS = 10  # of the allowed ones, in an error
_REPAIR = "write the text in quotes"


class TextRow(NamedTuple):
    """A row that was read: `label` is a list if a row may have several, None for a row without labels."""

    number: int  # of the line in the file, or of the row in the data set
    id: str | None
    text: str
    text_pair: str | None
    label: str | list[str] | None
    group: str | None = None  # rows of one group belong together


def join_words(words: Sequence[str]) -> str:
    """Join a list of keywords to one text: with "、" if there is Chinese in it, else with a comma.

    Example:
        >>> join_words(["层次", "边界"]), join_words(["layer", "border"])
        ('层次、边界', 'layer, border')
    """
    return ("、" if any(map(_HAN.search, words)) else ", ").join(words)


def records_to_rows(
    records: Sequence[tuple[int, dict | None]],
    log: ErrorLog,
    columns: TextColumns,
    *,
    label_separator: str | None,
    allow_empty: bool,
    group: str | None = None,
) -> list[TextRow | None]:
    """Check the records of a file or data set, and turn each into a row; None for one that has an error.

    Args:
        records: the number of the line or row, and the record; None for one whose error is already in `log`.
        columns: keys of the records; None for those that they lack. A list of strings under `text_pair` is joined.
            Numbers and booleans under `label` become what JSON writes for them: "1", "1.0", "true"; white space
            around a label is removed, and the rows are counted in the log.
        label_separator: separates the labels of a cell; None if a cell is a single label or a list.
        allow_empty: texts may be empty, as in data to be predicted.
        group: key of the row's group; None if rows have none.
    """
    text, text_pair, label, id = columns
    rows: list[TextRow | None] = []
    padded = 0
    for number, record in records:
        if record is None:
            rows.append(None)
            continue
        errors_before = len(log)
        report = RowReport(log, number)
        first = read_text(record, text, report, repair=_REPAIR, allow_empty=allow_empty)
        second = None
        if text_pair:
            second = _second_text_of(record, text_pair, log.unit, report, allow_empty=allow_empty)
        given = parse_label(record.get(label), label, label_separator, report) if label else None
        parts = given if isinstance(given, list) else [given or ""]
        stripped = [part.strip() for part in parts]
        if stripped != parts and not label_separator:  # white space around a separator is usual
            padded += 1
        if isinstance(given, str):
            given = stripped[0]
        elif given is not None:
            given = stripped
        if given is not None and "" in stripped:
            found = show(record[label])
            report(f'expected "{label}" that is not empty, found {found}; write the label, or delete the row')
        row_id = read_id(record.get(id), report, key=id) if id else None
        together = read_group(record, group, report) if group else None
        row = TextRow(number, row_id or None, first, second, given, together)
        rows.append(row if len(log) == errors_before else None)
    if padded:
        logger.info("%s: removed white space around the labels of %s", log.source, counted(padded, log.unit))
    return _one_kind_of_labels(rows, log)


def labels_of(row: TextRow | None) -> list[str]:
    """The labels of a row as a list."""
    if row is None or row.label is None:
        return []
    return row.label if isinstance(row.label, list) else [row.label]


def rows_to_dataset(
    rows: Sequence[TextRow | None],
    log: ErrorLog,
    *,
    skip_bad_lines: bool,
    labels: Collection[str] | None,
    by_line: bool = False,
) -> Dataset:
    """Check what concerns all rows together, and build the data set.

    Args:
        rows: None stands for a row whose error is already in `log`.
        log: takes an error for a repeated id, a missing label, and labels that are not allowed; then it is finished.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        labels: those that are allowed; None allows all.
        by_line: a row without an id gets the number of its line, from "0" on; otherwise that of the row.

    Returns:
        Columns `id` (where a row has none, its number), `text`, `text_pair` if there are pairs, `label`, or `labels`
        (sorted, without duplicates), if rows have labels, and `group` if they have groups.

    Raises:
        DataError: there are no rows, or rows have errors and are not skipped, or all rows have errors.
    """
    if not rows:
        raise DataError(f"{log.source}: expected rows, found none; check how it was written")
    whole = [row for row in rows if row]
    is_labelled = any(row.label is not None for row in whole)
    is_multi_label = any(isinstance(row.label, list) for row in whole)
    is_paired = any(row.text_pair is not None for row in whole)
    allowed = None if labels is None else set(labels)
    kept: list[TextRow] = []
    ids = RowIds(log)
    duplicates = 0
    for index, row in enumerate(rows):
        if row is None:
            continue
        errors_before = len(log)
        row_id = ids.take(row.id, index=row.number - 1 if by_line else index, number=row.number)
        if is_labelled and row.label is None:
            none = ", or [] for none" if is_multi_label else ""
            log.add(row.number, f"expected a label as in other {log.unit}s, found none; add it{none}")
        unique = sort_labels(set(row.label)) if isinstance(row.label, list) else labels_of(row)
        for label in unique:
            if allowed is not None and label not in allowed:
                log.add(
                    row.number,
                    f"expected a label of the training data ({_list_some(allowed)}), found {label}; "
                    "rename it, or train on it too",
                )
        if len(log) > errors_before:
            continue
        duplicates += len(labels_of(row)) - len(unique)
        kept.append(row._replace(id=row_id, label=unique if is_multi_label else row.label))

    rows_left_out = len(rows) - len(kept)
    log.finish(skip_bad_lines=skip_bad_lines and rows_left_out < len(rows), rows_left_out=rows_left_out)
    if duplicates:
        logger.warning("%s: removed %s of labels within a row", log.source, counted(duplicates, "duplicate"))
    if is_multi_label:
        logger.info("%s: each row may have several labels (multi-label)", log.source)
    if not is_labelled:
        logger.info("%s: no row has a label, so all are read as texts without labels", log.source)
    _count_repeated(kept, log)

    columns: dict[str, list] = {"id": [row.id for row in kept], "text": [row.text for row in kept]}
    if is_paired:
        columns["text_pair"] = [row.text_pair for row in kept]
    if is_labelled:
        columns["labels" if is_multi_label else "label"] = [row.label for row in kept]
    if any(row.group is not None for row in kept):
        columns["group"] = [row.group for row in kept]
    features = {name: List(Value("string")) if name == "labels" else Value("string") for name in columns}
    return Dataset.from_dict(columns, features=Features(features))


def _second_text_of(record: dict, key: str, unit: str, report: RowReport, *, allow_empty: bool) -> str:
    text = record.get(key)
    if isinstance(text, list) and all(isinstance(word, str) for word in text):
        text = join_words(text)
    if text is None:
        report(f'expected "{key}": a second text as in other {unit}s, found none; add it, or delete the row')
    elif isinstance(text, str) and not text.strip() and not allow_empty:
        report(
            f'expected "{key}" that is not empty, found {show(record[key])}; delete the row, '
            "or read the first text alone: --text_pair_column none"
        )
    else:
        return read_text({key: text}, key, report, repair=_REPAIR, allow_empty=allow_empty)
    return ""


def _one_kind_of_labels(rows: list[TextRow | None], log: ErrorLog) -> list[TextRow | None]:
    """If some labels are lists and some are not, the rows of the rarer kind are errors."""
    kinds = Counter(type(row.label) for row in rows if row and row.label is not None)
    if len(kinds) < 2:
        return rows
    common = list if kinds[list] >= kinds[str] else str
    example = next(row.number for row in rows if row and isinstance(row.label, common))
    expected, repair = (
        ("a list of labels", 'write ["..."]') if common is list else ("one label", "write all as lists, or none")
    )
    checked: list[TextRow | None] = []
    for row in rows:
        if row and row.label is not None and not isinstance(row.label, common):
            log.add(row.number, f"expected {expected} as in {log.unit} {example}, found {show(row.label)}; {repair}")
            row = None
        checked.append(row)
    return checked


def _list_some(labels: Collection[str]) -> str:
    known = sort_labels(labels)
    more = f", ... {len(known)} in all" if len(known) > _SHOWN_LABELS else ""
    return ", ".join(known[:_SHOWN_LABELS]) + more


def _count_repeated(rows: Iterable[TextRow], log: ErrorLog) -> None:
    """Log how many rows repeat an earlier one, and how many texts have more than one label or set of labels."""
    firsts: dict[tuple, object] = {}  # a set for each text would take more memory than the texts
    others: dict[tuple, set] = {}
    repeated = 0
    for row in rows:
        text, label = (row.text, row.text_pair), tuple(row.label) if isinstance(row.label, list) else row.label
        if text not in firsts:
            firsts[text] = label
        elif label == firsts[text] or label in others.get(text, ()):
            repeated += 1
        else:
            others.setdefault(text, set()).add(label)
    if repeated:
        logger.info("%s: kept %s", log.source, counted(repeated, "duplicate row"))
    if others:
        logger.warning(
            "%s: kept %s with different labels in different rows; a model can learn only one of these",
            log.source,
            counted(len(others), "text"),
        )
