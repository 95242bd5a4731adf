"""The classes of rows: names for numbers, one spelling for each number, and labels that mean none."""

import logging
from collections.abc import Collection, Sequence

from ..data.errors import ErrorLog, show
from .text_labels import find_no_labels, fold_numbers
from .text_rows import TextRow, labels_of

logger = logging.getLogger(__name__)


def name_classes(
    rows: Sequence[TextRow | None],
    names: Sequence[str],
    log: ErrorLog,
    *,
    origin: str,
    spellings: dict[str, str],
) -> list[TextRow | None]:
    """Replace class numbers by names.

    Args:
        rows: None stands for a row whose error is already in `log`, and stays None.
        names: class n is `names[n]`; a label that is already a name stays.
        log: takes an error for each label that is neither; its row becomes None.
        origin: what errors call the file of the names.
        spellings: other ways to write a number, such as `1.0`.
    """
    by_number = {str(number): name for number, name in enumerate(names)}
    known = {name: name for name in names} | by_number  # where a name is a number, the number counts
    known |= {label: known[other] for label, other in spellings.items()}
    named: list[TextRow | None] = []
    for row in rows:
        labels = labels_of(row)
        wrong = [label for label in labels if label not in known]
        for label in wrong:
            log.add(
                row.number,
                f"expected a class number from 0 to {len(names) - 1}, or a name of {origin}, found {show(label)}; "
                "correct it, or add the class there",
            )
        if wrong:
            named.append(None)
        elif row and isinstance(row.label, list):
            named.append(row._replace(label=[known[label] for label in labels]))
        else:
            named.append(row._replace(label=known[row.label]) if labels else row)
    return named


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
    settled: list[TextRow | None] = []
    for row in rows:
        labels = labels_of(row)
        for label in (label for label in labels if label in missing):
            log.add(
                row.number,
                f"expected a label, found {show(label)}, which probably means no label; write the label, or "
                "leave such rows out with --skip_bad_lines",
            )
        if missing.intersection(labels):
            settled.append(None)
        elif row and isinstance(row.label, list):
            settled.append(row._replace(label=[folded.get(label, label) for label in labels]))
        else:
            settled.append(row._replace(label=folded.get(row.label, row.label)) if labels else row)
    return settled
