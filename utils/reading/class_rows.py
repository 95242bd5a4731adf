"""The classes of rows: names for numbers, one spelling for each number, and labels that mean none."""

import logging
from collections.abc import Callable, Collection, Sequence

from ..data.errors import ErrorLog, show
from .text_labels import find_no_labels, fold_numbers
from .text_rows import TextRow, labels_of

logger = logging.getLogger(__name__)


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
