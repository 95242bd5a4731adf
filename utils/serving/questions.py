"""What a request may hold: one text or a list of them, as JSON, checked before a model sees it."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, create_model

from .batcher import Row

Texts = StrictStr | list[StrictStr]
WRONG = {
    "missing": "expected this field, found none",
    "extra_forbidden": "expected no such field; leave it out",
    "string_type": "expected a text or a list of texts",
    "list_type": "expected a text or a list of texts",
    "json_invalid": "expected JSON",
    "model_attributes_type": "expected an object with fields, as application/json",
    "literal_error": "expected the name of a model",
}


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        field: of the request, that is wrong.
        message: what was expected and found, and the repair.
    """

    def __init__(self, status: int, field: str, message: str):
        super().__init__(message)
        self.status, self.field = status, field


def question_model(*, kind: str, pair: bool) -> type[BaseModel]:
    """The form of a request to a model.

    Args:
        kind: of its answers, see `prediction.model_kinds`.
        pair: whether it takes two texts.
    """
    text = "a passage, or a passage for each question" if kind == "answers" else "a text, or a list of texts"
    fields: dict[str, Any] = {"text": (Texts, Field(description=text))}
    if kind == "answers":
        fields["question"] = (Texts, Field(description="a question, or a list of questions"))
    elif pair:
        fields["text_pair"] = (Texts, Field(description="the second text, or one for each text"))
    name = {"answers": "Question", "classes": "Pair" if pair else "Text"}.get(kind, "Text")
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


Limit = Annotated[int, "a number of texts, or of characters"]


def rows_of(asked: BaseModel, *, most_texts: Limit, longest: Limit) -> tuple[list[Row], bool]:
    """The rows of a request, in the order of a task's texts, and whether it was a list.

    Args:
        asked: see `question_model`.
        most_texts: of one request.
        longest: text, in characters.

    Raises:
        Refused: there are too many, one is too long or no Unicode, or two lists have other lengths.
    """
    values = asked.model_dump()
    lists = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    for name, texts in lists.items():
        if len(texts) > most_texts:
            raise Refused(413, name, f"expected at most {most_texts} texts, found {len(texts)}; send several requests")
        for text in texts:
            _check(text, name, longest=longest)
    first, *others = ("question", "text") if "question" in lists else tuple(lists)
    columns = [lists[first]]
    for name in others:
        texts = lists[name]
        if first == "question" and len(texts) == 1:  # one passage for all questions
            texts = texts * len(columns[0])
        if len(texts) != len(columns[0]):
            raise Refused(422, name, f"expected {len(columns[0])} texts, one for each {first}, found {len(texts)}")
        columns.append(texts)
    return list(zip(*columns, strict=True)), isinstance(values[first], list)


def _check(text: str, name: str, *, longest: int) -> None:
    if len(text) > longest:
        raise Refused(413, name, f"expected at most {longest} characters, found {len(text)}; send parts of the text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = f"\\u{ord(text[error.start]):04x} at character {error.start}"
        raise Refused(422, name, f"expected Unicode text, found half a surrogate pair, {found}") from None


def what_is_wrong(errors: Sequence[dict]) -> list[dict]:
    """Field and repair of each of pydantic's errors; of alternatives that all fail, the first."""
    told: dict[str, dict] = {}
    for one in errors:
        place = [str(part) for part in one["loc"] if part != "body"]
        if one["type"] == "json_invalid":
            place, reason = [], f"{WRONG['json_invalid']}, found: {one.get('ctx', {}).get('error', one['msg'])}"
        else:
            reason = WRONG.get(one["type"], one["msg"])
            if one["type"] in ("string_type", "list_type"):
                reason += f", found {json.dumps(one['input'], ensure_ascii=False, default=str)[:80]}"
        field = place[0] if place else ""
        told.setdefault(field, {"field": field, "message": reason})
    return list(told.values())
