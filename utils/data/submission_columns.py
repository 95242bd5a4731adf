"""The form of a file to submit: which columns it has under which headers, and whether classes are names or numbers."""

import csv
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from .errors import ArgumentError

FIELDS = ("id", "label", "score")
LABELS = ("names", "numbers")  # what stands for a class


@dataclass(frozen=True)
class SubmissionForm:
    """Which columns a file to submit has, and how its classes are written.

    Attributes:
        columns: field (one of `FIELDS`) and header of each; empty for `id` and all that a model gives, under their own
            names.
        numbers: what is written in place of the name of a class; empty for the name.
    """

    columns: Sequence[tuple[str, str]] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        columns: str | None,
        written: str,
        *,
        given: Collection[str],
        labels: Sequence[str],
        classes: Sequence[str],
    ) -> "SubmissionForm":
        """The form that a user asks for, for a model.

        Args:
            columns: see `parse_columns`; None for all.
            written: one of `LABELS`.
            given: the fields that the model gives, beside the id.
            labels: of the model, in the order of its ids.
            classes: names of the classes by their numbers in the training file; empty if that had none.

        Raises:
            ArgumentError: the model does not give one of the fields, or no classes that could be numbered.
        """
        chosen = parse_columns(columns) if columns is not None else ()
        for name, _ in chosen:
            if name not in ("id", *given):
                raise ArgumentError(
                    f"--submission_columns {columns}: expected fields that this model gives, id and "
                    f"{' and '.join(given)}, found {name}; leave it out, or take another field"
                )
        if written == "names":
            return cls(chosen)
        if "label" not in ([name for name, _ in chosen] or given):
            raise ArgumentError(
                "--submission_labels numbers: expected a column of labels, found none in the file to submit; "
                "leave the option out"
            )
        return cls(chosen, number_labels(labels, classes))


PLAIN = SubmissionForm()


def parse_columns(text: str) -> tuple[tuple[str, str], ...]:
    """Read `field=header,field=header`; as in CSV, a part with a comma in its header stands in quotes.

    Returns:
        Field and header of each column, in their order.

    Raises:
        ArgumentError: a part is not of this form, a field is unknown, or a field or a header occurs twice.

    Example:
        >>> parse_columns("id=ID,label=Target")
        (('id', 'ID'), ('label', 'Target'))
    """
    what, known = f"--submission_columns {text}", ", ".join(FIELDS)
    try:
        (parts,) = csv.reader([text], strict=True)
    except csv.Error as error:
        raise ArgumentError(f"{what}: expected parts such as id=ID, separated by commas, found {error}") from None
    columns = []
    for part in parts or [""]:
        name, equals, header = part.partition("=")
        name = name.strip()
        if not equals or not header:
            raise ArgumentError(f"{what}: expected parts such as id=ID, found {part!r}; write FIELD=HEADER")
        if name not in FIELDS:
            raise ArgumentError(f"{what}: expected one of {known} before the =, found {name!r}; correct it")
        columns.append((name, header))
    for kind, found in zip(("field", "header"), zip(*columns, strict=True), strict=True):
        if twice := [each for i, each in enumerate(found) if each in found[:i]]:
            raise ArgumentError(f"{what}: expected each {kind} once, found {twice[0]!r} twice; leave one out")
    return tuple(columns)


def number_labels(labels: Sequence[str], classes: Sequence[str] = ()) -> dict[str, str]:
    """The number of each label: that in the training file if classes had numbers there, else its id.

    Args:
        labels: in the order of their ids.
        classes: names of the classes by their numbers in the training file; empty if that had none.

    Example:
        >>> number_labels(["a", "b"], ["b", "a"]), number_labels(["1", "2"]), number_labels(["a", "b"])
        ({'a': '1', 'b': '0'}, {'1': '1', '2': '2'}, {'a': '0', 'b': '1'})
    """
    if set(labels) <= set(classes):
        return {label: str(classes.index(label)) for label in labels}
    if all(re.fullmatch("-?[0-9]+", label) for label in labels):
        return {label: label for label in labels}
    return {label: str(i) for i, label in enumerate(labels)}
