"""How texts to predict are read: as the user says, else as training read its files, else by their content."""

from collections.abc import Collection
from typing import NamedTuple

from ..data.errors import DataError
from .field_names import read_names, read_separator
from .text_forms import TextForm


class Reading(NamedTuple):
    """What is known about a file before it is opened.

    Attributes:
        file_format, separator, fields, encoding: what the user says, see `text_forms.find_form`.
        plain: what lines without a header are; see there, too.
        form: form of the training files; None if unknown.
        text, text_pair, id: names of columns in training; for the id, what the user says comes first.
        id_given: whether the user named the column of ids.
        named: columns of texts that the user named in training.
        answers: the answers of an FAQ.
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
