"""Errors in a user's data: the exception, the collector of line errors, and the wording of their messages."""

import json
import logging
import re
from collections import Counter
from collections.abc import Callable
from os import PathLike
from typing import Any

logger = logging.getLogger(__name__)

Number = int | Callable[[], int]  # of a line or row; a function where finding it takes long

SHOWN = 20  # errors in one message
EXAMPLES = 3  # of each kind among them
# What differs between errors of one kind: quoted values, lists, numbers, and the types of tags.
_VARYING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|\[[^]]*\]|\d[\d,.]*|(?<=\b[A-Z]-)\S+')
# What moves the cursor, colours or reorders a terminal's lines, or cannot be written.
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNPRINTABLE = re.compile(f"[{_CONTROLS}]")
_BREAKING = re.compile(f"[\t\n{_CONTROLS}]")


def printable(text: str) -> str:
    """Escape what a terminal would act on instead of showing it; tabs and line breaks stay.

    Example:
        >>> printable("red \\x1b[31m, line\\n")
        'red \\\\x1b[31m, line\\n'
    """
    return _UNPRINTABLE.sub(lambda match: repr(match[0])[1:-1], text)


class ArgumentError(ValueError):
    """A command line or configuration file that cannot be used; scripts print it without a traceback."""


class TrainingError(Exception):
    """Training that cannot go on, for a reason that the user can remedy; scripts print it without a traceback."""


class DataError(ValueError):
    """The data is at fault, and the message says where, what was expected, what was found and how to repair it.

    Scripts print it without a traceback.
    """


class SharedLine(int):
    """The number of a line that holds several records, and which record of the file is meant, from 1 on.

    Example:
        >>> f"all.json:{SharedLine(1, 205)}"
        'all.json:1, record 205'
    """

    record: int

    def __new__(cls, line: int, record: int):
        number = super().__new__(cls, line)
        number.record = record
        return number

    def __format__(self, spec: str) -> str:
        return f"{int(self):{spec}}, record {self.record:,}"


class ErrorLog:
    """Collects the errors of one source, so that all are reported together, and counts what reading has corrected.

    Args:
        source: path of the file, or another name.
        unit: "line" shows places as `file:3`; anything else, such as "row", shows `file, row 3`.
        stops: whether the first error is raised at once, not when all has been read.

    Example:
        >>> log = ErrorLog("train.json")
        >>> log.add(3, 'expected "text", found none; add it')
        >>> log.finish(skip_bad_lines=True)  # warns; with False it raises
    """

    def __init__(self, source: str | PathLike, *, unit: str = "line", stops: bool = False):
        self.source = source
        self.unit = unit
        self.stops = stops
        self.errors: list[tuple[str, int, str]] = []  # source, line, message
        self.notes: Counter[tuple[str, str]] = Counter()  # by noun, and what was done
        self.first_place: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self.errors)

    def add(self, line_number: Number, message: str, *, source: str | PathLike | None = None) -> None:
        """Add an error of the form "expected this, found that; how to repair it". What cannot be printed is escaped.

        The file is that of the log, if no other `source` is given.

        Raises:
            DataError: the log stops at the first error.
        """
        self.errors.append((str(source or self.source), number_of(line_number), _escape(message)))
        if self.stops:
            self.finish(skip_bad_lines=False)

    def note(self, line_number: int, noun: str, *, done: str, count: int = 1) -> None:
        """Count what is not an error but was changed while reading; `finish` logs the total unless it raises.

        Args:
            line_number: number of the line or row.
            noun: what it is, in the singular ("label").
            done: what became of it ("surrounding white space removed").
            count: how many of them.
        """
        self.notes[noun, done] += count
        self.first_place.setdefault((noun, done), line_number)

    def finish(self, *, skip_bad_lines: bool, rows_left_out: int | None = None) -> None:
        """Raise the collected errors, or log them and the notes; do nothing if there are none.

        Args:
            skip_bad_lines: the caller leaves bad rows out and goes on.
            rows_left_out: how many these are; by default the number of lines with an error.

        Raises:
            DataError: there are errors and they are not skipped.
        """
        if self.errors and not skip_bad_lines:
            raise DataError(self._listing(SHOWN))
        for (noun, done), count in self.notes.items():
            place = f"{'in' if count == 1 else 'the first in'} {self.unit} {self.first_place[noun, done]:,}"
            logger.warning("%s: %s, %s: %s", self.source, counted(count, noun), place, _escape(done))
        self.notes.clear()
        if not self.errors:
            return
        if rows_left_out is None:
            rows_left_out = len({_place_of(error)[:-1] for error in self.errors})
        logger.warning(
            "%s: left out %s, because of\n%s", self.source, counted(rows_left_out, "bad row"), self._listing(5)
        )

    def _listing(self, limit: int) -> str:
        """The errors by kind, in the order of their first places: some examples of each, and how many more."""
        kinds: dict[str, list[tuple[str, int, str]]] = {}
        for error in sorted(self.errors, key=_place_of):
            kinds.setdefault(_VARYING.sub("*", error[-1]), []).append(error)
        lines, shown, told = [], 0, 0
        for errors in kinds.values():
            if shown == limit:
                break
            examples = errors
            if len(errors) > EXAMPLES:  # the first place of each message: each is shown once
                places = {message: (source, number) for source, number, message in reversed(errors)}
                found = [(*place, message) for message, place in places.items()]
                examples = sorted(found, key=_place_of)[:EXAMPLES]
            examples = examples[: limit - shown]
            for source, number, message in examples:
                place = f"{source}:{number}" if self.unit == "line" else f"{source}, {self.unit} {number}"
                lines.append(f"{place}: {message}")
            if len(errors) > len(examples):
                source, number, _ = errors[-1]
                place = f"{self.unit} {number:,}" if source == str(self.source) else f"{source}:{number}"
                lines.append(f"... {len(errors):,} errors like this, the last in {place}")
            shown += len(examples)
            told += len(errors)
        if told < len(self.errors):
            lines.append(f"... {counted(len(self.errors), 'error')} in all, the first {shown} are shown")
        return "\n".join(lines)


class RowReport:
    """Adds errors about one row to the log of its source; the row is named if its number is not enough.

    Example:
        >>> log = ErrorLog("train.json")
        >>> RowReport(log, 3)('expected "text", found none; add it')
        >>> len(log)
        1
    """

    def __init__(self, log: ErrorLog, number: Number, name: str = ""):
        self.log, self.number, self.name = log, number, name

    def __call__(self, message: str) -> None:
        self.log.add(self.number, self.name + message)


def _place_of(error: tuple[str, int, str]) -> tuple[str, int, int, str]:
    source, number, message = error
    return source, int(number), getattr(number, "record", 0), message


def _escape(message: str) -> str:
    return _BREAKING.sub(lambda match: repr(match[0])[1:-1], message)


def number_of(number: Number) -> int:
    """The number of a line or row."""
    return number() if callable(number) else number


def counted(count: int, noun: str) -> str:
    """Write "1 row", "2 rows"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def show(value: Any) -> str:
    """Format a value of the user's data for a message: as JSON, of 60 characters at most."""
    try:
        shown = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        shown = repr(type(value))
    return shown if len(shown) <= 60 else shown[:57] + "..."
