"""Rows of a data set with entities: texts with spans, tokens with tags, and how they become columns."""

import logging
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from datasets import Dataset, Features, Value

from .errors import DataError, ErrorLog, counted
from .growing_dataset import GrowingDataset
from .row_ids import RowIds
from .tag_schemes import Span, detect_scheme, find_broken_tags, tags_to_spans

logger = logging.getLogger(__name__)

FEATURES = Features(
    {
        "id": Value("string"),
        "text": Value("string"),
        "entities": [{"start": Value("int64"), "end": Value("int64"), "label": Value("string")}],
    }
)

# Scripts that are written without spaces: CJK punctuation, kana, Han, full-width forms, Han beyond the basic plane.
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


class Row(NamedTuple):
    """A row that was read: `spans` are character offsets into `text`, None for a row without labels."""

    number: int  # of the line in the file, or of the row in the data set
    id: str | None
    text: str
    spans: list[Span] | None
    candidates: list[list[int]] | None = None  # start and end of each span that may be an entity, if the row says so


class TaggedRow(NamedTuple):
    """A row of tokens; `tags` None for a row without labels."""

    number: int
    id: str | None
    tokens: list[str]
    tags: list[str] | None


def untag_rows(
    rows: Sequence[TaggedRow | None], scheme: str, log: ErrorLog, *, one_line_a_tag: bool
) -> list[Row | None]:
    """Turn tags into character spans.

    Tokens are joined without a space if more than half of them are single characters, or more than half of their
    characters are CJK, over all rows; else with one space.

    Args:
        rows: None stands for one that has its error in `log` already, and stays None.
        scheme: a key of `tag_schemes.READABLE`, or "auto" for the one that fits best, which is logged.
        log: takes an error for each tag that breaks its scheme; its row becomes None.
        one_line_a_tag: a row's tags stand on lines of their own, from `row.number` on.
    """
    whole = [row for row in rows if row]
    if scheme == "auto":
        scheme = detect_scheme(row.tags for row in whole if row.tags)
        logger.info("%s: the tags are read as %s", log.source, scheme)
    joiner = "" if _is_unspaced([row.tokens for row in whole]) else " "
    untagged: list[Row | None] = []
    for row in rows:
        if row is None:
            untagged.append(None)
            continue
        broken = find_broken_tags(row.tags or [], scheme=scheme)
        for index, message in broken:
            number = row.number + index if one_line_a_tag else row.number
            place = "" if one_line_a_tag else f"tag {index + 1}: "
            log.add(number, f"{place}{message}; correct the tag, or name the scheme if it is not {scheme}")
        if broken:
            untagged.append(None)
            continue
        starts, position = [], 0
        for token in row.tokens:
            starts.append(position)
            position += len(token) + len(joiner)
        spans = None
        if row.tags is not None:
            spans = [
                (starts[start], starts[end - 1] + len(row.tokens[end - 1]), label)
                for start, end, label in tags_to_spans(row.tags, scheme=scheme)
            ]
        untagged.append(Row(row.number, row.id, joiner.join(row.tokens), spans))
    return untagged


def rows_to_dataset(
    rows: Sequence[Row | None],
    log: ErrorLog,
    *,
    skip_bad_lines: bool,
    entity_types: Collection[str] | None,
) -> Dataset:
    """Check what concerns all rows together, and build the data set.

    Args:
        rows: None stands for one that has its error in `log` already.
        log: takes an error for a repeated id, missing labels, and labels that are not allowed; then it is finished.
        skip_bad_lines: leave rows with errors out, and log how many, instead of raising.
        entity_types: the labels that are allowed; None allows all.

    Returns:
        Columns as `FEATURES`; entities sorted, without duplicates. A row without an id gets its number, from "0" on.
        `candidates` ([[start, end], ...]) where rows bring some along.

    Raises:
        DataError: there are no rows, or rows have errors and are not skipped, or not one is without.
    """
    is_labelled = any(row is not None and row.spans is not None for row in rows)
    features = Features(FEATURES)
    if any(row is not None and row.candidates is not None for row in rows):
        features["candidates"] = [[Value("int64")]]
    kept = GrowingDataset(features)
    ids = RowIds(log)
    duplicates = 0
    for index, row in enumerate(rows):
        if row is None:
            continue
        errors_before = len(log)
        row_id = ids.take(row.id, index=index, number=row.number)
        spans = sorted(set(row.spans or ()))
        if is_labelled and row.spans is None:
            log.add(
                row.number, f"expected labels as in other {log.unit}s, found none; add them, empty for no entities"
            )
        if "candidates" in features and row.candidates is None:
            log.add(row.number, f"expected candidates as in other {log.unit}s, found none; add them, empty for none")
        for label in sorted({label for _, _, label in spans}):
            if entity_types is not None and label not in entity_types:
                known = ", ".join(sorted(entity_types))
                log.add(
                    row.number,
                    f"expected a label of the training data ({known}), found {label}; rename it, or train on it too",
                )
        if len(log) > errors_before:
            continue
        duplicates += len(row.spans or ()) - len(spans)
        entities = [{"start": start, "end": end, "label": label} for start, end, label in spans]
        kept.add({"id": row_id, "text": row.text, "candidates": row.candidates, "entities": entities})

    rows_left_out = len(rows) - len(kept)
    if not rows:
        raise DataError(f"{log.source}: expected rows, found none; check how it was written")
    log.finish(skip_bad_lines=skip_bad_lines and rows_left_out < len(rows), rows_left_out=rows_left_out)
    if duplicates:
        logger.warning("%s: removed %s of entities", log.source, counted(duplicates, "duplicate"))
    if not is_labelled:
        logger.info("%s: no row has labels, so all are read as texts without entities", log.source)
    return kept.whole()


def _is_unspaced(sentences: Iterable[list[str]]) -> bool:
    """True if more than half of the tokens are single characters, or more than half of their characters are CJK."""
    lengths = Counter()
    cjk = 0
    for tokens in sentences:
        lengths.update(map(len, tokens))
        cjk += len(_CJK.findall("".join(tokens)))
    characters = sum(length * count for length, count in lengths.items())
    return lengths[1] * 2 > lengths.total() or cjk * 2 > characters
