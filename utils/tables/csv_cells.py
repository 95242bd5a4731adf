"""Cells of CSV files that people open in spreadsheets."""

import re

FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # beginnings of cells that a spreadsheet runs


def harmless_cell(text: str) -> str:
    """A cell that no spreadsheet runs as a formula: what looks like one gets an apostrophe; numbers stay as they are.

    Example:
        >>> harmless_cell("=1+1"), harmless_cell("-1"), harmless_cell("-cmd")
        ("'=1+1", '-1', "'-cmd")
    """
    number = re.fullmatch(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?", text, re.IGNORECASE)
    return f"'{text}" if text[:1] in FORMULA and not number else text
