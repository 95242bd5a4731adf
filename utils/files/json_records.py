"""JSON lines and JSON arrays, as objects with the numbers of their lines."""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..data.errors import ErrorLog, SharedLine, show
from .text_lines import peek

# How a file of objects begins; "[ O" and "{ O" are lines of a column file.
_HEAD = re.compile(r'\s*(\{\s*["}]|\[\s*([{\]]|$))')
_SPACE = re.compile(r"[ \t\n\r]*")
_NEXT_ON_LINE = re.compile(r"[ \t\r]*,[ \t\r]*[^ \t\n\r]")


def begin_as_json(lines: Iterable[str | None]) -> bool:
    """Whether the first line that is not blank begins a JSON object, or an array of objects."""
    return bool(_HEAD.match(first_line(lines)))


def parse_records(
    lines: Iterable[str | None], log: ErrorLog, *, permits: Callable[[Any], bool] = lambda value: False
) -> Iterator[tuple[int, Any]]:
    """Parse JSON lines one by one, or a JSON array if the first line that is not blank begins one.

    Args:
        lines: as `text_lines.decode_lines` gives them.
        log: takes an error for each line or element that is not a JSON object.
        permits: whether a value that is not an object is accepted, too.

    Yields:
        The line number and the object, for each line that is not blank or each element of the array; None instead of
        an object that has an error. The number is a `SharedLine` where a line has several elements.

    Raises:
        DataError: an array is broken, so that nothing after that place can be read.
    """
    head, lines = peek(lines, until=lambda line: bool(line and line.strip()))
    first = first_line(head)
    is_array = first.lstrip().startswith("[") and not _is_list_of_others(_parse(first), permits)
    return _array_records(list(lines), log, permits) if is_array else _line_records(lines, log, permits)


def _is_list_of_others(value: Any, permits: Callable[[Any], bool]) -> bool:
    """Whether a line is a record by itself, or a list that is none, rather than an array of records."""
    return value is not None and (permits(value) or not all(isinstance(one, dict) or permits(one) for one in value))


def first_line(lines: Iterable[str | None]) -> str:
    """The first line that is not blank; "" if there is none."""
    return next((line for line in lines if line and line.strip()), "")


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _line_records(
    lines: Iterable[str | None], log: ErrorLog, permits: Callable[[Any], bool]
) -> Iterator[tuple[int, Any]]:
    """Yield the line number and the object of each line; None for one that is not a JSON object."""
    for number, line in enumerate(lines, start=1):
        record = None
        if line is not None:
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                log.add(
                    number,
                    f"expected a JSON object on one line, found invalid JSON: {_reason(error)}; repair the line",
                )
            else:
                record = record if permits(record) else _check_object(record, number, log)
        yield number, record


def _array_records(
    lines: list[str | None], log: ErrorLog, permits: Callable[[Any], bool]
) -> Iterator[tuple[int, Any]]:
    """Yield the line number and the object of each element of a JSON array; None for one that is not an object."""
    log.finish(skip_bad_lines=False)  # an array with a missing line cannot be parsed
    text = "\n".join(line or "" for line in lines)
    decoder = json.JSONDecoder()
    number, counted_to = 1, 0
    position = _SPACE.match(text, text.index("[") + 1).end()
    is_first, count, shared = True, 0, False
    while True:
        passed = text.count("\n", counted_to, position)
        number, counted_to, shared, count = number + passed, position, shared and not passed, count + 1
        begin = position
        try:
            if is_first and text.startswith("]", position):
                break
            record, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            log.add(
                number,
                f"expected a JSON object in the array, found invalid JSON: {_reason(error)}; repair the array",
            )
            log.finish(skip_bad_lines=False)
        shared = shared or ("\n" not in text[begin:position] and bool(_NEXT_ON_LINE.match(text, position)))
        place = SharedLine(number, count) if shared else number
        yield place, record if permits(record) else _check_object(record, place, log)
        is_first = False
        position = _SPACE.match(text, position).end()
        if not text.startswith(",", position):
            break
        position = _SPACE.match(text, position + 1).end()
    number += text.count("\n", counted_to, position)
    rest = text[position:].rstrip(" \t\r\n")
    if rest != "]":
        found = show(rest[:20]) if rest else "the end of the file"
        log.add(number, f"expected a comma or ] to end the array, found {found}; repair the array")
        log.finish(skip_bad_lines=False)


def _check_object(record: Any, number: int, log: ErrorLog) -> dict | None:
    if isinstance(record, dict):
        return record
    log.add(number, f"expected a JSON object, found {show(record)}; write each row as {{...}}")
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
