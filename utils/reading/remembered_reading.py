"""How files of texts are read: as the user says, else as an earlier file was read, else by their content."""

from collections.abc import Collection
from typing import NamedTuple

from ..data.errors import DataError


class TextForm(NamedTuple):
    """How a file is written."""

    kind: str  # `json`; `table` (a header names the columns); `fields` (no header); `faq`; `plain` (one text per line)
    separator: str = ""  # between the cells of `table` and `fields`
    fields: tuple[str, ...] = ()  # names of the cells of `fields`, `*` at the end for any others; empty if unknown
    quoted: bool = False  # whether quotation marks enclose cells
    told: bool = False  # whether the user named the fields

    @property
    def has_lines(self) -> bool:
        """Whether a row is a line, and blank lines count, so that a row without an id has its line's number."""
        return self.kind in ("fields", "faq", "plain")


class Reading(NamedTuple):
    """What is known about a file before it is opened: what the user says, and what an earlier file showed."""

    file_format: str = "auto"  # one of `text_forms.FILE_FORMATS`, `plain`, or `auto`
    separator: str | None = None  # between cells or fields
    fields: tuple[str, ...] = ()  # names of the fields of a file without a header
    encoding: str | None = None
    plain: str = "plain"  # what lines without a header are: `fields`, `faq` (unless they are fields), or `plain`
    form: TextForm | None = None  # of an earlier file of the run, or of the training files
    text: str | None = None  # names of columns in training
    text_pair: str | None = None
    id: str | None = None  # what the user says comes first
    id_given: bool = False  # whether the user named the column of ids
    named: tuple[str, ...] = ()  # columns that make a header; in prediction, those of texts that training was told
    answers: Collection[str] = ()  # of an FAQ, if known: its lines begin with one


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
        kind, separator = remembered.get("kind", "json"), remembered.get("separator", "")
        form = TextForm(kind, separator, tuple(remembered.get("fields", ())), bool(remembered.get("quoted")))
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
