"""Records with entities, as JSON files and data sets hold them, checked and turned into rows.

The three forms of a record, cluener, spans and tokens, are shown in `readers_ner`.
"""

import re
from collections.abc import Callable, Iterable
from itertools import tee
from sys import intern
from typing import Any

from .errors import ErrorLog, counted, show
from .json_records import is_unicode
from .ner_rows import Row
from .tag_schemes import Span
from .tagged_rows import TaggedRow, TagReading, untag_rows

TAG_KEYS = ("ner_tags", "tags", "labels")

Report = Callable[[str], None]


def records_to_rows(
    records: Iterable[tuple[int, dict | None]], log: ErrorLog, *, file_format: str, reading: TagReading
) -> list[Row | None]:
    """Check the records of a file or data set, and turn each into a text with spans.

    Args:
        records: the number of the line or row, and the record; None for one that has its error in `log` already.
        log: takes what is wrong with the records.
        file_format: a key of `PARSERS`, or "auto" to go by the first record that tells.
        reading: how tags are read.

    Returns:
        A row for each record; None for one that has an error.
    """
    if file_format == "auto":
        records, ahead = tee(records)
        file_format = _find_format(record for _, record in ahead if record)
        del ahead  # else what is read from now on would be kept for it
    parse = PARSERS[file_format]
    rows = []
    for number, record in records:
        errors_before = len(log)
        row = None
        if record is not None:
            row = parse(record, number, lambda message, number=number: log.add(number, message))
        rows.append(row if len(log) == errors_before else None)
    return untag_rows(rows, log, reading) if file_format == "tokens" else rows


def _find_format(records: Iterable[dict]) -> str:
    """Go by the first record that tells."""
    for record in records:
        if "tokens" in record:
            return "tokens"
        if isinstance(record.get("label"), dict):
            return "cluener"
        if isinstance(record.get("entities"), list) or isinstance(record.get("label"), list):
            return "spans"
    return "spans"


def _parse_cluener(record: dict, number: int, report: Report) -> Row:
    text = _text_of(record, report)
    spans = None
    if "label" in record:
        spans = []
        for label, words in _dict_of(
            record["label"], '"label"', "{type: {word: [[start, end], ...]}}", report
        ).items():
            form = "{word: [[start, end], ...]}"
            for word, places in _dict_of(words, f"under {show(label)}", form, report).items():
                if not isinstance(places, list) or not all(
                    isinstance(place, list) and len(place) == 2 for place in places
                ):
                    report(f"expected [[start, end], ...] under {show(word)}, found {show(places)}; write them so")
                    continue
                for start, end in places:
                    _add_span(spans, text, start, end, label, report, word=word, inclusive=True)
    return Row(number, _id_of(record, report), text, spans, _candidates_of(record, text, report))


def _parse_spans(record: dict, number: int, report: Report) -> Row:
    text = _text_of(record, report)
    key = "entities" if "entities" in record else "label"
    entities = record.get(key)
    spans = None
    if key in record and not isinstance(entities, list):
        report(f'expected a list under "{key}", found {show(entities)}; write [] for no entities')
    elif key in record:
        spans = []
        for entity in entities:
            if isinstance(entity, dict) and {"start", "end", "label"} <= entity.keys():
                word = entity.get("text", entity.get("word"))
                _add_span(spans, text, entity["start"], entity["end"], entity["label"], report, word=word)
            elif isinstance(entity, list) and len(entity) == 3:
                _add_span(spans, text, *entity, report)
            else:
                report(
                    f'expected {{"start", "end", "label"}} or [start, end, label], found {show(entity)}; write it so'
                )
    return Row(number, _id_of(record, report), text, spans, _candidates_of(record, text, report))


def _parse_tokens(record: dict, number: int, report: Report) -> TaggedRow:
    tokens = record.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        report(f'expected "tokens": a list of strings, found {show(tokens)}; write them so')
        tokens = []
    elif not tokens or "" in tokens:
        report(f"expected tokens that are not empty, found {show(tokens)}; remove what is empty, with its tag")
    elif not is_unicode("".join(tokens)):
        report("expected tokens in Unicode, found half of a surrogate pair; repair the escapes")
    key = next((key for key in TAG_KEYS if key in record), None)
    tags = record[key] if key else None
    if key and (not isinstance(tags, list) or any(type(tag) not in (str, int) for tag in tags)):
        report(f'expected "{key}": a list of tags, found {show(tags)}; write them so, as "B-PER"')
    elif key and len(tags) != len(tokens):
        report(f"expected a tag for each token, found {len(tokens)} tokens and {len(tags)} tags; make them equal")
    return TaggedRow(number, _id_of(record, report), tokens, tags)


def _text_of(record: dict, report: Report) -> str:
    text = record.get("text")
    if not isinstance(text, str):
        report(f'expected "text": a string, found {show(text) if "text" in record else "no such key"}; add the text')
        return ""
    if not text:
        report('expected "text" that is not empty, found ""; delete the row')
    elif not is_unicode(text):
        report("expected text in Unicode, found half of a surrogate pair; repair the escapes")
    return text


def _id_of(record: dict, report: Report) -> str | None:
    given = record.get("id")
    if given is None or (isinstance(given, str) and is_unicode(given)):
        return given
    if isinstance(given, int) and not isinstance(given, bool) and abs(given) < 2**63:
        return str(given)
    report(f'expected "id": a string or an integer, found {show(given)}; write it so, or leave it out')
    return None


def _candidates_of(record: dict, text: str, report: Report) -> list[list[int]] | None:
    given = record.get("candidates")
    if given is None or not text:  # an empty text has its own error
        return None
    for pair in given if isinstance(given, list) else [given]:
        if not _lies_inside(pair, text):
            report(
                f'expected "candidates": [[start, end], ...] inside the text of {counted(len(text), "character")}, '
                f"end exclusive, found {show(pair)}; correct the offsets"
            )
            return None
    return sorted([start, end] for start, end in set(map(tuple, given)))


def _lies_inside(pair: Any, text: str) -> bool:
    if not isinstance(pair, list) or len(pair) != 2 or any(type(place) is not int for place in pair):
        return False
    return 0 <= pair[0] < pair[1] <= len(text)


def _dict_of(value: Any, where: str, form: str, report: Report) -> dict:
    if isinstance(value, dict):
        return value
    report(f"expected {form} {where}, found {show(value)}; write {{}} for no entities")
    return {}


def _add_span(
    spans: list[Span],
    text: str,
    start: Any,
    end: Any,
    label: Any,
    report: Report,
    *,
    word: Any = None,
    inclusive: bool = False,
) -> None:
    """Check an entity and append it to `spans`, or report what is wrong with it."""
    if not text:  # has its own error
        return
    if not isinstance(label, str) or not label.strip() or not is_unicode(label):
        report(f"expected a label that is a name, found {show(label)}; name the entity type")
        return
    what = f"the {label} entity"
    place = show([start, end])
    if type(start) is not int or type(end) is not int:
        report(f"expected integer offsets of {what}, found {place}; count characters from 0")
        return
    stop = end + 1 if inclusive else end
    if start >= stop:
        kind = "start <= end, end inclusive," if inclusive else "start < end, end exclusive,"
        report(f"expected {kind} of {what}, found {place}; correct the offsets")
        return
    if start < 0 or stop > len(text):
        kind = "inclusive" if inclusive else "exclusive"
        report(
            f"expected {what} inside the text of {counted(len(text), 'character')}, found {place}, end {kind}; "
            "correct the offsets"
        )
        return
    if word is not None and text[start:stop] != word:
        found, repair = show(text[start:stop]), _whereabouts(word, text, inclusive)
        report(f"expected {show(word)} at {place} for {what}, found {found}; {repair}")
        return
    spans.append((start, stop, intern(label)))


def _whereabouts(word: Any, text: str, inclusive: bool) -> str:
    if not isinstance(word, str) or not word or word not in text:
        return "the text has no such word: correct the word or the text"
    places = [match.start() for match in re.finditer(re.escape(word), text)]
    shown = ", ".join(str([place, place + len(word) - inclusive]) for place in places[:3])
    return f"the word is at {shown}: correct the offsets"


# Format -> what makes a row of its records: those who add one write a function here and a line in this table.
PARSERS = {"cluener": _parse_cluener, "spans": _parse_spans, "tokens": _parse_tokens}
