"""Found entities as lines of JSON."""

import json
from collections.abc import Iterator, Sequence

from datasets import Dataset

from ..encoding.row_batches import iterate_rows
from ..modeling.joined_windows import Entity


def entity_line(text: str, entities: Sequence[Entity], *, id: str | None = None) -> str:
    """`{"id", "text", "entities": [{"start", "end", "label", "text", "score"}]}`; offsets count characters."""
    row = {} if id is None else {"id": id}
    row["text"] = text
    row["entities"] = [
        {
            "start": one.start,
            "end": one.end,
            "label": one.label,
            "text": text[one.start : one.end],
            "score": round(one.score, 4),
        }
        for one in entities
    ]
    return json.dumps(row, ensure_ascii=False)


def entity_lines(dataset: Dataset, entities: Sequence[Sequence[Entity]]) -> Iterator[str]:
    """The lines of `predictions.jsonl`: an `entity_line` for each row, with its id."""
    for (id, text), found in zip(iterate_rows(dataset, "id", "text"), entities, strict=True):
        yield entity_line(text, found, id=id) + "\n"


def cluener_line(text: str, entities: Sequence[Entity], *, id: str | None = None) -> str:
    """CLUENER2020's submission format: `{"id", "label": {type: {word: [[start, end inclusive], ...]}}}`."""
    label: dict[str, dict[str, list]] = {}
    for one in entities:
        words = label.setdefault(one.label, {})
        words.setdefault(text[one.start : one.end], []).append([one.start, one.end - 1])
    number = int(id) if id is not None and id.isascii() and id.isdigit() else id
    return json.dumps({"id": number, "label": label}, ensure_ascii=False)
