"""Records of a text with spans, as JSON files and data sets hold them, checked and turned into rows."""

import re
from typing import Any, NamedTuple

from ..data.errors import RowReport, counted, show
from ..data.row_values import is_unicode, read_id
from ..data.tag_schemes import Span
from .ner_rows import EntityRow

SPAN_TEXT_KEYS = ("text", "sentence", "content", "data", "originalText")
SPAN_KEYS = ("entities", "label", "labels", "spans", "annotations", "annotation", "ents")


class _Form(NamedTuple):
    """The keys of a span's parts; `words` repeat its characters, where the span has them."""

    start: str
    end: str
    labels: tuple[str, ...]
    words: tuple[str, ...] = ()
    by_word: bool = False  # its word shows whether the end is inclusive


# To add a form, add a line.
FORMS = (
    _Form("start", "end", ("label", "labels", "entity_group", "type", "tag"), ("text", "word", "entity", "mention")),
    _Form("start_offset", "end_offset", ("label", "type"), ("text", "word")),  # doccano
    _Form("start_idx", "end_idx", ("type", "label"), ("entity", "text", "word"), by_word=True),  # CMeEE
    _Form("start_pos", "end_pos", ("label_type", "type"), ("entity",)),  # CCKS
    _Form("begin", "end", ("type", "label"), ("word", "text", "entity", "name")),
)


def parse_cluener(record: dict, number: int, report: RowReport) -> EntityRow:
    """The row of a record in the form of CLUENER, with entities under any of `SPAN_KEYS`."""
    text = text_of(record, report)
    key = next((key for key in SPAN_KEYS if record.get(key) is not None), None)
    spans = None
    if key:
        spans = []
        form = "{type: {word: [[start, end], ...]}}"
        for label, words in _dict_of(record[key], f'under "{key}"', form, report).items():
            form = "{word: [[start, end], ...]}"
            for word, places in _dict_of(words, f"under {show(label)}", form, report).items():
                if not isinstance(places, list) or not all(
                    isinstance(place, list) and len(place) == 2 for place in places
                ):
                    report(f"expected [[start, end], ...] under {show(word)}, found {show(places)}; correct them")
                    continue
                for start, end in places:
                    _add_span(spans, text, start, end, label, report, word=word, inclusive=True)
    return EntityRow(number, read_id(record.get("id"), report), text, spans, _candidates_of(record, text, report))


def parse_spans(record: dict, number: int, report: RowReport) -> EntityRow:
    """The row of a record with a list of spans, under any of `SPAN_KEYS` and in any of `FORMS`."""
    text = text_of(record, report)
    key = next((key for key in SPAN_KEYS if record.get(key) is not None), None)
    entities = record.get(key)
    spans = None
    if key and not isinstance(entities, list):
        report(f'expected a list under "{key}", found {show(entities)}; write [] for no entities')
    elif key:
        spans = []
        for entity in entities:
            if isinstance(entity, dict) and (form := find_form(entity)):
                _add_form(spans, text, entity, form, report)
            elif isinstance(entity, list) and (len(entity) == 3 or (len(entity) == 4 and entity[3] is None)):
                _add_span(spans, text, *entity[:3], report)
            else:
                report(
                    f'expected {{"start", "end", "label"}} or [start, end, label], found {show(entity)}; correct it'
                )
    return EntityRow(number, read_id(record.get("id"), report), text, spans, _candidates_of(record, text, report))


def find_form(entity: dict) -> _Form | None:
    """Which of `FORMS` a span has."""
    for form in FORMS:
        if form.start in entity and form.end in entity and any(label in entity for label in form.labels):
            return form
    return None


def _add_form(spans: list[Span], text: str, entity: dict, form: _Form, report: RowReport) -> None:
    start, end = entity[form.start], entity[form.end]
    labels = next(entity[label] for label in form.labels if label in entity)
    word = next((entity[word] for word in form.words if entity.get(word) is not None), None)
    inclusive = False
    if form.by_word and type(start) is int and type(end) is int:
        if not isinstance(word, str):
            report(
                f'expected "{form.words[0]}" together with "{form.end}", which alone does not show whether the end is '
                f'inclusive, found {show(entity)}; add the words, or write "start" and "end", end exclusive'
            )
            return
        inclusive = len(word) == end - start + 1
    for label in labels if isinstance(labels, list) and labels else [labels]:
        _add_span(spans, text, start, end, label, report, word=word, inclusive=inclusive)


def text_of(record: dict, report: RowReport) -> str:
    """The text of a record, under any of `SPAN_TEXT_KEYS`; "" if there is none, which is reported."""
    key = next((key for key in SPAN_TEXT_KEYS if key in record), "text")
    text = record.get(key)
    if not isinstance(text, str):
        report(f'expected "{key}": a string, found {show(text) if key in record else "no such key"}; add the text')
        return ""
    if not text:
        report(f'expected "{key}" that is not empty, found ""; delete the row')
    elif not is_unicode(text):
        report("expected text in Unicode, found half of a surrogate pair; repair the escapes")
    return text


def _candidates_of(record: dict, text: str, report: RowReport) -> list[list[int]] | None:
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


def _dict_of(value: Any, where: str, form: str, report: RowReport) -> dict:
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
    report: RowReport,
    *,
    word: Any = None,
    inclusive: bool = False,
) -> None:
    """Check an entity and append it to `spans`, or report what is wrong with it."""
    if not text:  # this has its own error
        return
    if not isinstance(label, str) or not label.strip() or not is_unicode(label):
        report(f"expected a label that is a name, found {show(label)}; name the entity type")
        return
    what = f"the {label} entity"
    place = show([start, end])
    if isinstance(word, str) and type(start) is int and type(end) is int:
        counted_so = start, end
        start, end = _from_utf16(text, start, end, word, inclusive)
        if (start, end) != counted_so:
            report.log.note(report.number, "span", done="moved to its word, since the offsets counted UTF-16 units")
    if type(start) is not int or type(end) is not int:
        report(f"expected integer offsets for {what}, found {place}; count characters from 0")
        return
    stop = end + 1 if inclusive else end
    kind = "inclusive" if inclusive else "exclusive"
    if start >= stop:
        sign = "<=" if inclusive else "<"
        report(f"expected start {sign} end, end {kind}, for {what}, found {place}; correct the offsets")
    elif start < 0 or stop > len(text):
        report(
            f"expected {what} inside the text of {counted(len(text), 'character')}, found {place}, end {kind}; "
            "correct the offsets"
        )
    elif word is not None and text[start:stop] != word:
        found, repair = show(text[start:stop]), _whereabouts(word, text, inclusive)
        report(f"expected {show(word)} at {place} for {what}, found {found}; {repair}")
    else:
        spans.append((start, stop, label))


def _from_utf16(text: str, start: int, end: int, word: str, inclusive: bool) -> tuple[int, int]:
    """Convert offsets in UTF-16 units, as browsers count them, to characters; the word shows whether they are such."""
    if text.isascii() or text[start : end + inclusive] == word or max(text) < "\U00010000":
        return start, end
    units = text.encode("utf-16-le", "surrogatepass")
    before, inside = units[: 2 * start], units[2 * start : 2 * (end + inclusive)]
    if start < 0 or inside.decode("utf-16-le", "replace") != word:
        return start, end
    first = len(before.decode("utf-16-le", "replace"))
    return first, first + len(word) - inclusive


def _whereabouts(word: Any, text: str, inclusive: bool) -> str:
    if not isinstance(word, str) or not word or word not in text:
        return "the text has no such word: correct the word or the text"
    places = [match.start() for match in re.finditer(re.escape(word), text)]
    shown = ", ".join(str([place, place + len(word) - inclusive]) for place in places[:3])
    return f"the word is at {shown}: correct the offsets"
