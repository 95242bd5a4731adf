"""Turns exports of labelling tools into records of texts with spans: Label Studio, Prodigy, doccano, spaCy's lists."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..data.errors import ErrorLog, RowReport, show
from ..files.json_records import first_line
from .span_records import SPAN_KEYS, SPAN_TEXT_KEYS, find_form

# How a file of pairs such as ["text", {}] begins, or of an object over many lines.
_HEAD = re.compile(r'\s*(\{\s*$|\[\s*(\[\s*$|\[?\s*"([^"\\]|\\.)*"\s*,\s*[\[{]))')

Numbered = tuple[int, Any]  # number of the line or row, and the record; None if its error is already reported


def unpack_exports(records: Iterable[Numbered], log: ErrorLog) -> Iterator[tuple[int, dict | None]]:
    """Turn records of labelling tools into records of a text with spans; others stay as they are.

    What cannot be read is an error in `log`, and what was rejected in Prodigy is counted there.
    """
    for number, record in records:
        report = RowReport(log, number)
        if isinstance(record, dict) and _is_container(record):
            parts = [part for part in record["annotations"] if part is not None]
        else:
            parts = [record]
        for part in parts:
            if isinstance(part, list):
                yield number, _from_list(part, report)
            elif not isinstance(part, dict):
                if part is not None:
                    report(f"expected a JSON object, found {show(part)}; write each row as {{...}}")
                yield number, None
            elif isinstance(part.get("data"), dict):
                yield number, _from_label_studio(part, report)
            elif part.get("answer") in ("reject", "ignore") and _is_prodigy(part):
                log.note(number, "text", done="left out, since rejected or ignored in Prodigy")
            else:
                yield number, _from_prodigy(part) if _is_prodigy(part) else _from_flat(part)


def begin_as_export(lines: Iterable[str | None]) -> bool:
    """Whether the first line that is not blank begins what a tool exports, other than JSON lines and arrays."""
    return bool(_HEAD.match(first_line(lines)))


def parse_object(lines: list[str | None]) -> dict | None:
    """The only object of a file, written over many lines; None if the file holds something else."""
    first = first_line(lines)
    if not first.lstrip().startswith("{") or None in lines:
        return None
    for text in (first, "\n".join(lines)):
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            continue
        return parsed if text is not first and isinstance(parsed, dict) else None
    return None


def is_export(value: Any) -> bool:
    """Whether a JSON value that is not an object may be a record, too: spaCy's `["text", {"entities": []}]`."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)


def _is_container(record: dict) -> bool:
    """Whether an object holds spaCy's lists, as NER Annotator writes it: {"classes": [], "annotations": [[...]]}."""
    parts = record.get("annotations")
    if not isinstance(parts, list) or any(key in record for key in SPAN_TEXT_KEYS):
        return False
    return any(map(is_export, parts)) and all(part is None or is_export(part) for part in parts)


def _from_list(record: list, report: RowReport) -> dict | None:
    """`["text", {"entities": [[0, 2, "PER"]]}]`."""
    if is_export(record) and isinstance(record[1], dict | list):
        entities = record[1].get("entities") if isinstance(record[1], dict) else record[1]
        return {"text": record[0], "entities": entities}
    report(f'expected a JSON object or ["text", {{"entities": [...]}}], found {show(record)}; correct the row')
    return None


def _is_prodigy(record: dict) -> bool:
    return "_task_hash" in record or "_input_hash" in record or ("answer" in record and "spans" in record)


def _from_prodigy(record: dict) -> dict:
    """Id, text and spans only: its tokens are dicts. A text without spans has no key for them."""
    return {"id": record.get("id"), "text": record.get("text"), "entities": record.get("spans") or []}


def _from_flat(record: dict) -> dict:
    """Label Studio's JSON-MIN, where users choose the key of the labels; other records stay as they are.

    A text without labels has no key for them.
    """
    if "annotation_id" not in record or any(isinstance(record.get(key), list) for key in SPAN_KEYS):
        return record
    for value in record.values():
        if isinstance(value, list) and value and all(isinstance(each, dict) and find_form(each) for each in value):
            return record | {"entities": value}
    return record if any(isinstance(value, list) for value in record.values()) else record | {"entities": []}


def _from_label_studio(task: dict, report: RowReport) -> dict | None:
    """A task of Label Studio's JSON: the text in `data`, labels in the result of an annotation."""
    data = task["data"]
    key = next((key for key in SPAN_TEXT_KEYS if isinstance(data.get(key), str)), None)
    texts = [name for name, value in data.items() if isinstance(value, str)]
    record = {"id": task.get("id"), "text": data.get(key or (texts[0] if len(texts) == 1 else "text"))}
    annotations = task.get("annotations", task.get("completions"))
    if annotations is None:
        return record
    if not isinstance(annotations, list) or not all(isinstance(each, dict) for each in annotations):
        report(f"expected a list of annotations, found {show(annotations)}; export it again as JSON")
        return None
    annotations = [each for each in annotations if not each.get("was_cancelled")]
    annotations = [each for each in annotations if each.get("ground_truth")] or annotations
    found = [_spans_of(each.get("result")) for each in annotations]
    if any(spans is None for spans in found):
        report("expected labels of spans in the result of an annotation, found others; export them as JSON")
        return None
    if any(sorted(map(repr, spans)) != sorted(map(repr, found[0])) for spans in found):
        report(
            f"expected one annotation per text, found {len(found)} that differ; mark one as ground truth in Label "
            "Studio, or delete the others"
        )
        return None
    return record | ({"entities": found[0]} if found else {})


def _spans_of(result: Any) -> list[dict] | None:
    """The spans in a result; anything else, such as choices and relations, is ignored."""
    if not isinstance(result, list) or not all(isinstance(each, dict) for each in result):
        return None
    spans = []
    for each in result:
        value = each.get("value")
        if isinstance(value, dict) and {"start", "end"} <= value.keys():
            labels = value.get("labels") or value.get("hypertextlabels") or value.get(str(each.get("type")))
            span = {"start": value["start"], "end": value["end"], "labels": labels}
            spans.append(span | ({"text": value["text"]} if isinstance(value.get("text"), str) else {}))
    return spans
