"""Ids and texts of rows: given as they must be, ids counted where there are none, each used once."""

from collections.abc import Mapping
from typing import Any

from .errors import ErrorLog, Number, RowReport, number_of, show


class RowIds:
    """Hands out the ids of rows, and reports repeated ones.

    Example:
        >>> log = ErrorLog("train.json")
        >>> ids = RowIds(log)
        >>> ids.take(None, index=0, number=1), ids.take("0", index=1, number=2), len(log)
        ('0', '0', 1)
    """

    def __init__(self, log: ErrorLog):
        self.log = log
        self.first_use: dict[str, Number] = {}

    def take(self, row_id: str | None, *, index: int, number: Number) -> str:
        """The id of a row: its own, else its index (from 0 on); errors show its number."""
        taken = str(index) if row_id is None else row_id
        if taken in self.first_use:
            first = f"{self.log.unit} {number_of(self.first_use[taken])}"
            self.log.add(number, f"expected a unique id, found {show(taken)} as in {first}; change one")
        self.first_use.setdefault(taken, number)
        return taken


def read_id(given: Any, report: RowReport, *, key: str = "id") -> str | None:
    """An id as text; None if there is none, or a wrong one, which is reported under the name of its key."""
    if given is None or (isinstance(given, str) and is_unicode(given)):
        return given
    if type(given) is int and abs(given) < 2**63:
        return str(given)
    report(f'expected "{key}": a string or an integer, found {show(given)}; correct it, or leave it out')
    return None


def read_group(record: Mapping[str, Any], key: str, report: RowReport) -> str:
    """The group of a record as a string; "" if it has none, which is reported."""
    value = record.get(key)
    if value is None or value == "" or value != value or isinstance(value, list | dict):
        report(f'expected "{key}", the group of the row, found {show(value)}; add it')
        return ""
    return str(value)


def read_text(
    record: dict,
    key: str,
    report: RowReport,
    *,
    repair: str,
    if_empty: str = "delete the row",
    allow_empty: bool = False,
) -> str:
    """The text of a record; "" if there is an error, which is reported.

    `repair` says what to do where there is no text, `if_empty` where it is blank, unless that is allowed.
    """
    text = record.get(key)
    if not isinstance(text, str):
        found = show(text) if key in record else "no such key"
        report(f'expected "{key}": a string, found {found}; {repair}')
    elif not text.strip() and not allow_empty:
        report(f'expected "{key}" that is not empty, found {show(text)}; {if_empty}')
    elif not is_unicode(text):
        report(f'expected "{key}" in Unicode, found half of a surrogate pair; repair the escapes')
    else:
        return text
    return ""


def is_unicode(text: str) -> bool:
    """False for a lone surrogate, which JSON can write but UTF-8 cannot."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)
