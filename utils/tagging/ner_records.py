"""Records with entities, as JSON files and data sets hold them: their form is found, and they become rows.

The forms of a record are shown in `readers_ner`.
"""

import re
from collections.abc import Callable, Iterable
from itertools import tee
from typing import Any

from ..data.errors import ErrorLog, RowReport
from ..data.row_values import read_group
from .ner_rows import EntityRow
from .span_records import SPAN_KEYS, SPAN_TEXT_KEYS, parse_cluener, parse_spans
from .tagged_rows import TaggedRow, TagReading, untag_rows
from .token_records import TAG_KEYS, TOKEN_KEYS, find_tags, find_tokens, parse_tokens
from .tool_exports import unpack_exports

# Keys of what a record holds besides its text and the labels of its entities.
_BESIDE = {"id", "candidates", "relations", "Comments", "comments", "meta", "metadata", "info", "options", "cats"}
_BESIDE |= {*SPAN_TEXT_KEYS, *TOKEN_KEYS, "predictions", "pos_tags", "pos", "chunk_tags", "langs", "lemmas", "links"}
_LIKE_LABELS = re.compile(r"label|tag|entit|annot|span|mention|slot|result|gold|^(ner|bio|iob)", re.IGNORECASE)


def records_to_rows(
    records: Iterable[tuple[int, Any]],
    log: ErrorLog,
    *,
    file_format: str,
    reading: TagReading,
    group: str | None = None,
) -> list[EntityRow | None]:
    """Check the records of a file or data set, and turn each into a text with spans; None for one that has an error.

    Args:
        records: the number of the line or row, and the record; None for one whose error is already in `log`.
        file_format: a key of `PARSERS`, or "auto" to go by the first record that shows it.
        group: key of the record's group; None if records have none.
    """
    records = unpack_exports(records, log)
    if file_format == "auto":
        records, ahead = tee(records)
        file_format = _find_format(record for _, record in ahead if record)
        del ahead  # otherwise tee would keep all that is read from now on
    parse = PARSERS[file_format]
    rows, groups = [], []
    for number, record in records:
        errors_before = len(log)
        row = None
        if record is not None:
            report = RowReport(log, number)
            row = parse(record if reading.with_labels else _without_labels(record), number, report)
            if reading.with_labels and (row.tags if isinstance(row, TaggedRow) else row.spans) is None:
                _refuse_others(record, report, tokens=row.tokens if isinstance(row, TaggedRow) else ())
            groups.append(read_group(record, group, report) if group else None)
        else:
            groups.append(None)
        rows.append(row if len(log) == errors_before else None)
    rows = untag_rows(rows, log, reading) if file_format == "tokens" else rows
    return [row and row._replace(group=each) for row, each in zip(rows, groups, strict=True)]


def _find_format(records: Iterable[dict]) -> str:
    """Go by the first record that shows its format."""
    for record in records:
        spans = next((record[key] for key in SPAN_KEYS if isinstance(record.get(key), list | dict)), None)
        tags = record.get(find_tags(record))
        is_tagged = isinstance(tags, list) and any(isinstance(tag, str | int) for tag in tags)
        has_text = any(isinstance(record.get(key), str) for key in SPAN_TEXT_KEYS)
        if find_tokens(record) and (is_tagged or not has_text or spans is None):
            return "tokens"
        if any(key in record for key in TOKEN_KEYS) and not has_text:
            return "tokens"
        if spans is not None:
            return "cluener" if isinstance(spans, dict) else "spans"
    return "spans"


def _without_labels(record: dict) -> dict:
    """A record without what may be labels; its tokens stay, even if they are the characters of its text."""
    tokens = find_tokens(record)
    kept = {key: value for key, value in record.items() if key == tokens or key not in {*SPAN_KEYS, *TAG_KEYS}}
    return kept | ({tokens: list(record[tokens])} if tokens else {})


def _refuse_others(record: dict, report: RowReport, *, tokens: list[str]) -> None:
    """Report what looks like labels under an unknown name: the row would be read as one without labels."""
    for key, value in record.items():
        if key in _BESIDE or key.startswith("_") or not isinstance(value, list | dict) or not value:
            continue
        first = value[0] if isinstance(value, list) else next(iter(value.values()))
        if _LIKE_LABELS.search(key) or isinstance(first, list | dict) or (tokens and len(value) == len(tokens)):
            known = f"tags under {TAG_KEYS[0]}" if tokens else f"spans under {SPAN_KEYS[0]}"
            report(
                f'expected {known}, found what looks like labels under "{key}"; rename it, or delete it if the text '
                "has no labels"
            )
            return


# Format -> what turns its records into rows; to add a format, write a function and add a line to this table.
PARSERS: dict[str, Callable[[dict, int, RowReport], EntityRow | TaggedRow]] = {
    "cluener": parse_cluener,
    "spans": parse_spans,
    "tokens": parse_tokens,
}
