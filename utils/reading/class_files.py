"""Files that name classes, one per line: class n of the data is line n, from 0 on."""

import logging
import re
from collections.abc import Collection
from os import PathLike
from pathlib import Path

from ..data.errors import DataError, ErrorLog
from ..files.text_lines import read_lines
from .text_labels import sort_labels

logger = logging.getLogger(__name__)

CLASS_FILE = "class.txt"


def read_class_names(path: str | PathLike, *, encoding: str | None = None) -> list[str]:
    """Read the names of the classes from a file.

    Raises:
        DataError: it cannot be read, or has blank lines or a name twice.
    """
    log = ErrorLog(path)
    names: list[str] = []
    lines = read_lines(path, log, encoding=encoding)
    while lines and lines[-1] is not None and not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, start=1):
        name = (line or "").strip()
        if line is not None and not name:
            log.add(number, "expected the name of a class, found a blank line; name it, or delete the line")
        elif name in names:
            log.add(number, f"expected a unique name, found {name} as in line {names.index(name) + 1}; change one")
        names.append(name)
    log.finish(skip_bad_lines=False)
    return names


def find_class_names(path: Path, labels: Collection[str], known: Collection[str] | None) -> list[str] | None:
    """The names in a `class.txt` that the user has not asked for, if there is one and it fits all labels of a file.

    All files of a run must be read alike, so the labels of the training data decide (`known`; None for the training
    data itself); class 0 must be among them, since numbers from 1 on would be off by one.
    """
    if not path.is_file() or not labels or not all(re.fullmatch(r"[0-9]+(\.0)?", label) for label in labels):
        return None
    if known is not None and labels <= set(known):
        return None
    try:
        names = read_class_names(path)
    except DataError as error:
        logger.warning("%s is not used for the names of classes: %s", path, error)
        return None
    numbers = {label.removesuffix(".0") for label in labels}
    if unknown := sort_labels(numbers - {str(number) for number in range(len(names))}):
        logger.warning("%s is not used: it has no line for class %s", path, unknown[-1])
        return None
    if known is None and "0" not in numbers:
        logger.warning(
            "%s is not used: its first line is class 0, which no text has; --class_file uses it anyway", path
        )
        return None
    if known is not None and not {names[int(number)] for number in numbers} & set(known):
        return None
    logger.info("%s: names the classes", path)
    return names
