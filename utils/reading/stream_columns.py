"""Columns of a file that is read as a stream: which are read, and what they may hold."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..data.errors import DataError, show
from .column_names import TEXT_KEYS, choose_pair, find_name
from .text_rows import join_words

_SHOWN = 8  # known names in an error


class Column(NamedTuple):
    """A column to read: the one that is named, or else the first of the known names that the file has."""

    name: str | None
    known: Sequence[str]
    option: str  # the option that names it, for errors
    may_be_words: bool  # a list of keywords is joined
    in_training: str | None = None  # its name in the training files
    is_required: bool = False  # whether the user named it in training


def choose_columns(names: list[str], columns: list[Column]) -> list[str]:
    """The names of the columns that are read, in their order.

    Raises:
        DataError: one of them is missing.
    """
    settled = [column.name or (column.in_training if column.in_training in names else None) for column in columns]
    if len(columns) == 2 and not any(settled) and columns[0].known is TEXT_KEYS:
        settled = list(choose_pair(names) or settled)
    chosen: list[str] = []
    for column, name in zip(columns, settled, strict=True):
        free = [each for each in names if each not in chosen]
        if name is None and column.is_required:
            name = column.in_training
        found = [name] if name in free else [] if name else [find_name(key, free) for key in column.known]
        found = next(filter(None, found), None)
        if found is None:
            left = [key for key in ([name] if name else column.known) if key not in chosen]
            wanted = " or ".join(left[:_SHOWN]) + (" or ..." if len(left) > _SHOWN else "") or f"other than {name}"
            wanted += " as in training" if column.is_required and not column.name else ""
            raise DataError(
                f"expected a column {wanted}, found {', '.join(names) or 'none'}; name it with {column.option}"
            )
        chosen.append(found)
    return chosen


def check_text(text: Any, column: Column) -> str:
    """The text that a column holds; words are joined, where they are allowed.

    Raises:
        DataError: it holds something else, or what is not Unicode.
    """
    if column.may_be_words and isinstance(text, list) and all(isinstance(word, str) for word in text):
        text = join_words(text)
    if not isinstance(text, str):
        raise DataError(f"expected a text, found {show(text)}; write it in quotes")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DataError(
            f"expected Unicode, found half a surrogate pair at character {error.start}; correct it"
        ) from None
    return text
