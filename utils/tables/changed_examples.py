"""Two runs on the same examples: which of these one run has right and the other wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..data.errors import DataError
from .paired_examples import Examples, Unpaired, pair_examples
from .run_groups import RunGroup


def changed_examples(one: RunGroup, other: RunGroup, metric: str) -> tuple[list[str], list[str]]:
    """Ids of the examples on which `one` is better than `other`, and on which it is worse, largest changes first.

    Args:
        one, other: scored on the same examples.
        metric: such as `eval_f1`.

    Raises:
        DataError: the runs have no counts, or were scored on different examples.
    """
    try:
        first, second = pair_examples(one, other, metric)
    except Unpaired as reason:
        raise DataError(
            f"{metric}: {reason}; give two runs on the same data, or name another score with --metrics"
        ) from None
    gains = _errors(second) - _errors(first)
    order = np.argsort(-np.abs(gains), kind="stable")
    better = [first.ids[i] for i in order if gains[i] > 0]
    return better, [first.ids[i] for i in order if gains[i] < 0]


def _errors(examples: Examples) -> np.ndarray:
    """(examples,): number of missed and spurious items, or the distance from the full score."""
    counts = examples.counts
    if counts.shape[1] == 2:
        return counts[:, 1] - counts[:, 0]
    right, predicted, gold = np.split(counts, 3, axis=1)
    return (predicted + gold - 2 * right).sum(1)


def read_predictions(folder: Path) -> dict[str, dict]:
    """The lines of a run's predictions.jsonl by id; empty if there is no such file."""
    path = folder / "predictions.jsonl"
    if not path.exists():
        return {}
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {str(row.get("id")): row for row in rows}


def describe_changes(ids: list[str], one: RunGroup, other: RunGroup, *, most: int) -> Iterator[str]:
    """Lines that show what the first run of each group predicted for examples; only their ids without predictions."""
    found = [read_predictions(group.runs[0].folder) for group in (one, other)]
    if not any(found):
        more = f" and {len(ids) - most:,} more" if len(ids) > most else ""
        yield f"  {', '.join(ids[:most])}{more}"
        return
    for id in ids[:most]:
        rows = [predictions.get(id, {}) for predictions in found]
        text = next((row[key] for row in rows for key in ("text", "question") if key in row), "")
        yield f"  {id}: {text}"
        for group, row in zip((one, other), rows, strict=True):
            yield f"      {group.name}: {_answer(row)}"
    if len(ids) > most:
        yield f"  and {len(ids) - most:,} more"


def _answer(row: dict) -> str:
    if "entities" in row:
        return (
            ", ".join(f"{each['text']} [{each['label']} {each['start']}-{each['end']}]" for each in row["entities"])
            or "no entities"
        )
    kept = {key: value for key, value in row.items() if key not in ("id", "text", "text_pair", "question")}
    return json.dumps(kept, ensure_ascii=False) if kept else "not predicted"
