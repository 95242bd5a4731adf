"""Rows of a data set with entities, and how they become columns."""

import logging
from collections.abc import Collection, Sequence
from sys import intern
from typing import NamedTuple

from datasets import Dataset, Features, Value

from ..data.errors import DataError, ErrorLog, counted
from ..data.row_values import RowIds
from ..data.tag_schemes import Span
from ..files.growing_dataset import GrowingDataset

logger = logging.getLogger(__name__)

FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),
        "entities": [{"start": Value("int64"), "end": Value("int64"), "label": Value("string")}],
    }
)


class EntityRow(NamedTuple):
    """A row that was read: `spans` are character offsets into `text`, None for a row without labels."""

    number: int  # of the line in the file, or of the row in the data set
    id: str | None
    text: str
    spans: list[Span] | None
    candidates: list[list[int]] | None = None  # start and end of each span that may be an entity, if listed
    group: str | None = None  # rows of one group belong together


def rows_to_dataset(
    rows: Sequence[EntityRow | None],
    log: ErrorLog,
    *,
    skip_bad_lines: bool,
    entity_types: Collection[str] | None,
) -> Dataset:
    """Check what concerns all rows together, and build the data set.

    Args:
        rows: None stands for a row whose error is already in `log`.
        log: takes an error for a repeated id, missing labels, and labels that are not allowed; then it is finished.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        entity_types: the labels that are allowed; None allows all.

    Returns:
        Columns as `FEATURES`; entities sorted, without duplicates. A row without an id gets its number, from "0" on.
        `candidates` ([[start, end], ...]) and `group` if rows have any.

    Raises:
        DataError: there are no rows, or rows have errors and are not skipped, or all rows have errors.
    """
    is_labelled = any(row is not None and row.spans is not None for row in rows)
    features = Features(FEATURES)
    if any(row is not None and row.candidates is not None for row in rows):
        features["candidates"] = [[Value("int64")]]
    if any(row is not None and row.group is not None for row in rows):
        features["group"] = Value("string")
    kept = GrowingDataset(features)
    ids = RowIds(log)
    duplicates = 0
    for index, row in enumerate(rows):
        if row is None:
            continue
        errors_before = len(log)
        row_id = ids.take(row.id, index=index, number=row.number)
        tidied = _tidy(row, log)
        spans = sorted(set(tidied))
        if is_labelled and row.spans is None:
            log.add(
                row.number, f"expected labels as in other {log.unit}s, found none; add them, or [] for no entities"
            )
        if "candidates" in features and row.candidates is None:
            log.add(row.number, f"expected candidates as in other {log.unit}s, found none; add them, or [] for none")
        for label in sorted({label for _, _, label in spans}):
            if entity_types is not None and label not in entity_types:
                known = ", ".join(sorted(entity_types))
                log.add(
                    row.number,
                    f"expected a label of the training data ({known}), found {label}; rename it, or train on it too",
                )
        if len(log) > errors_before:
            continue
        entities = [{"start": start, "end": end, "label": label} for start, end, label in spans]
        duplicates += len(tidied) - len(spans)
        candidates = row.candidates
        if candidates is not None:
            trimmed = {trim_span(row.text, *pair) for pair in candidates}
            candidates = sorted([start, end] for start, end in trimmed if start < end)
        kept.add({"id": row_id, "text": row.text, "candidates": candidates, "entities": entities, "group": row.group})

    rows_left_out = len(rows) - len(kept)
    if not rows:
        raise DataError(f"{log.source}: expected rows, found none; check how it was written")
    log.finish(skip_bad_lines=skip_bad_lines and rows_left_out < len(rows), rows_left_out=rows_left_out)
    if duplicates:
        logger.warning("%s: removed %s of entities", log.source, counted(duplicates, "duplicate"))
    if not is_labelled:
        logger.info("%s: no row has labels, so all are read as texts without entities", log.source)
    return kept.whole()


def _tidy(row: EntityRow, log: ErrorLog) -> list[Span]:
    """The spans of a row without white space at their borders and around their labels."""
    spans = []
    for start, end, label in row.spans or ():
        if label != label.strip():
            log.note(row.number, "label", done="surrounding white space removed")
        first, last = trim_span(row.text, start, end)
        if first == last:
            log.note(row.number, "span", done="left out, since white space alone is never found")
            continue
        if (first, last) != (start, end):
            log.note(row.number, "span", done="trimmed, since white space at a border is never found")
        spans.append((first, last, intern(label.strip())))
    return spans


def trim_span(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the white space at its borders; empty if it has nothing else.

    Example:
        >>> trim_span("in New York ", 3, 12)
        (3, 11)
    """
    part = text[start:end].rstrip()
    return start + len(part) - len(part.lstrip()), start + len(part)
