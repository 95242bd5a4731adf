"""How files of texts are read: as the user says, else as an earlier file was read, else by their content."""

from collections.abc import Collection
from typing import NamedTuple

from ..data.errors import DataError


class TextForm(NamedTuple):
    """How a file is written.

    Attributes:
        kind: `json`; `table` (a header names the columns); `fields` (no header); `faq`; `plain` (one text per line).
        separator: between the cells of `table` and `fields`.
        fields: names of the cells of `fields`, `*` at the end for any number of others; empty if unknown.
        quoted: whether quotation marks enclose cells.
        told: whether the user named the fields.
    """

    kind: str
    separator: str = ""
    fields: tuple[str, ...] = ()
    quoted: bool = False
    told: bool = False

    @property
    def has_lines(self) -> bool:
        """Whether a row is a line, and blank lines count, so that a row without an id has its line's number."""
        return self.kind in ("fields", "faq", "plain")


class Reading(NamedTuple):
    """What is known about a file before it is opened.

    Attributes:
        file_format: one of `text_forms.FILE_FORMATS`, `plain`, or `auto`.
        separator: between cells or fields, if the user gave it.
        fields: names of the fields of a file without a header, if the user gave them.
        encoding: encoding of the file, if the user gave it.
        plain: what lines without a header are: `fields`, `faq` (unless they are fields), or `plain`.
        form: form of an earlier file of the run, or of the training files; None if unknown.
        text, text_pair, id: names of columns in training; for the id, what the user says comes first.
        id_given: whether the user named the column of ids.
        named: names of columns that make a header; in prediction, those of texts that the user named in training.
        answers: the answers of an FAQ, if known: its lines begin with one.
    """

    file_format: str = "auto"
    separator: str | None = None
    fields: tuple[str, ...] = ()
    encoding: str | None = None
    plain: str = "plain"
    form: TextForm | None = None
    text: str | None = None
    text_pair: str | None = None
    id: str | None = None
    id_given: bool = False
    named: tuple[str, ...] = ()
    answers: Collection[str] = ()


ANYTHING = Reading()


def recall_reading(remembered: dict | None, *, plain: str, answers: Collection[str] = (), **told) -> Reading:
    """Put together what training found and what the user says.

    Args:
        remembered: `data_reading` of a model's configuration, see `readers_text.TextReader.remember`.
        plain: what lines without a header are to the model: `fields` or `plain`.
        answers: the labels of the model.
        **told: `file_format`, `separator`, `fields` (separated by commas), `encoding`, `id`, as the user gave them.

    Raises:
        DataError: the configuration is not as training writes it.
    """
    remembered = remembered or {}
    try:
        form = TextForm(
            remembered.get("kind", "json"),
            remembered.get("separator", ""),
            tuple(remembered.get("fields", ())),
            bool(remembered.get("quoted")),
        )
        columns = dict(remembered.get("columns", {}))
    except (TypeError, ValueError) as error:
        raise DataError(f"config.json: expected data_reading as training writes it, found: {error}") from None
    reading = Reading(plain=plain, answers=answers if form.kind == "faq" else ())
    if remembered:
        names = {name: columns.get(name) for name in ("text", "text_pair", "id")}
        given = [names[name] for name in remembered.get("named", ()) if names.get(name) not in (None, "none")]
        reading = reading._replace(form=form, **names, named=tuple(given))
        if form.kind == "faq":
            reading = reading._replace(plain="faq")
    told = {name: value for name, value in told.items() if value}
    if "separator" in told:
        told["separator"] = read_separator(told["separator"])
    if "fields" in told:
        told["fields"] = read_names(told["fields"], option="columns")
    return reading._replace(**told, id_given="id" in told)


def read_separator(separator: str | None) -> str | None:
    """A separator as users write it: `tab` and a backslash with a t are tabs."""
    return "\t" if separator in ("tab", "\\t") else separator or None


def read_names(names: str | None, *, option: str) -> tuple[str, ...]:
    """Split names at commas.

    Raises:
        DataError: a name is empty or occurs twice.
    """
    if not names:
        return ()
    found = tuple(name.strip() for name in names.split(","))
    own = [name for name in found if name != "_"]
    if "" in found or len(set(own)) < len(own) or "*" in found[:-1]:
        raise DataError(f"--{option} {names}: expected different names, separated by commas; `_` ignores a field")
    return found
