"""The classes of rows: their names, from a file whose line n (from 0 on) names class n, and one spelling for each."""

import logging
import re
from collections.abc import Callable, Collection, Sequence
from os import PathLike
from pathlib import Path

from ..data.errors import DataError, ErrorLog, show
from ..files.raw_files import open_bytes
from ..files.text_lines import read_lines
from .text_labels import find_no_labels, fold_numbers, sort_labels
from .text_rows import TextRow, labels_of

logger = logging.getLogger(__name__)

CLASS_FILE = "class.txt"


def read_class_names(path: str | PathLike, *, encoding: str | None = None) -> list[str]:
    """Read the names of the classes from a file.

    Args:
        encoding: of the file, if it is not UTF-8, which it may be beside data that are not; None finds it.

    Raises:
        DataError: it cannot be read, or has blank lines or a name twice.
    """
    log = ErrorLog(path)
    names: list[str] = []
    with open_bytes(path) as file:
        lines = read_lines(path, log, encoding=None if _is_utf8(file.read()) else encoding)
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


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def find_class_names(
    path: Path, labels: Collection[str], known: Collection[str] | None, *, encoding: str | None = None
) -> list[str] | None:
    """The names in a `class.txt` that the user has not asked for, if there is one and it fits all labels of a file.

    All files of a run must be read alike, so the labels of the training data decide (`known`; None for the training
    data itself); class 0 must be among them, since numbers from 1 on would be off by one.
    """
    if not path.is_file() or not labels or not all(re.fullmatch(r"[0-9]+(\.0)?", label) for label in labels):
        return None
    if known is not None and labels <= set(known):
        return None
    try:
        names = read_class_names(path, encoding=encoding)
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


def name_classes(
    rows: Sequence[TextRow | None], names: Sequence[str], log: ErrorLog, *, origin: str, spellings: dict[str, str]
) -> list[TextRow | None]:
    """Replace class numbers by names; a label that is already a name stays.

    Args:
        rows: None stands for a row whose error is already in `log`, and stays None.
        names: class n is `names[n]`.
        log: takes an error for each label that is neither; its row becomes None.
        origin: what errors call the file of the names.
        spellings: other ways to write a number, such as `1.0`.
    """
    by_number = {str(number): name for number, name in enumerate(names)}
    known = {name: name for name in names} | by_number  # where a name is a number, the number counts
    known |= {label: known[other] for label, other in spellings.items()}
    expected = f"a class number from 0 to {len(names) - 1}, or a name of {origin}"
    return _replace_labels(rows, known.get, log, expected=expected, repair="; correct it, or add the class there")


def settle_labels(
    rows: Sequence[TextRow | None], log: ErrorLog, known: Collection[str] | None
) -> list[TextRow | None]:
    """Give numbers one spelling, and report labels that probably mean "no label".

    Args:
        rows: None stands for a row whose error is already in `log`, and stays None.
        log: takes an error for each such label; if all labels are such, rows have none.
        known: labels of the training data; None for the training data itself.
    """
    found = {label for row in rows for label in labels_of(row)}
    folded = fold_numbers(found, known)
    missing = find_no_labels(found, known)
    if known is not None and "-1" not in known and found == {"-1"}:  # hidden labels, as GLUE's test files have them
        missing = found
    if folded:
        shown = ", ".join(f"{label} as {other}" for label, other in sorted(folded.items())[:3])
        logger.info("%s: numbers have one spelling: %s", log.source, shown)
    if not folded and not missing:
        return list(rows)
    if found == missing:
        logger.info("%s: all labels are hidden (%s)", log.source, " or ".join(sorted(missing)))
        return [row and row._replace(label=None) for row in rows]
    return _replace_labels(
        rows,
        lambda label: None if label in missing else folded.get(label, label),
        log,
        expected="a label",
        repair=", which probably means no label; write the label, or leave such rows out with --skip_bad_lines",
    )


def _replace_labels(
    rows: Sequence[TextRow | None], replace: Callable[[str], str | None], log: ErrorLog, *, expected: str, repair: str
) -> list[TextRow | None]:
    """Rows with other labels; labels for which there is none are reported, and their rows become None."""
    replaced: list[TextRow | None] = []
    for row in rows:
        labels = [(label, replace(label)) for label in labels_of(row)]
        wrong = [label for label, new in labels if new is None]
        for label in wrong:
            log.add(row.number, f"expected {expected}, found {show(label)}{repair}")
        if wrong:
            row = None
        elif labels:
            new = [new for _, new in labels]
            row = row._replace(label=new if isinstance(row.label, list) else new[0])
        replaced.append(row)
    return replaced
