"""Training rows whose labels may be wrong, from the predictions of a cross-validation, as rows to correct.

The rows are those of `out_of_fold.jsonl`, each predicted by a model that has not seen it. How suspicious a label is,
`scoring.label_errors` says.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..data.errors import DataError
from ..modeling.joined_windows import Entity
from ..scoring.decisions import Verdict
from ..scoring.label_errors import doubt_classes, doubt_entity
from .error_report import wrong_text, wrong_verdict
from .span_errors import RIGHT, pair_spans

PREDICTED = "out_of_fold.jsonl"
SHOWN = 200  # rows of the page
BESIDE = ("fold", "gold")  # what a line has beside the prediction


class Suspect(NamedTuple):
    """A label, or an entity, that may be wrong.

    Attributes:
        row: index of the line.
        doubt: how improbable the models find it, 0-1.
        given: what is labelled: a class, a set of labels, or an `Entity`; None if nothing is labelled at the place.
        instead: what the models say; None if nothing.
    """

    row: int
    doubt: float
    given: Any
    instead: Any


def read_predicted(folder: str | Path) -> list[dict]:
    """The lines of `out_of_fold.jsonl` in the folder of a run with `--folds`.

    Raises:
        DataError: there is none, it is damaged, or it holds neither classes nor entities.
    """
    path = Path(folder) / PREDICTED
    if not path.is_file():
        raise DataError(f"{folder}: expected {PREDICTED}, which a finished run with --folds writes, found none")
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            lines = [json.loads(line) for line in file]
        known = all("gold" in line for line in lines)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: expected lines of JSON as a run writes them, found {error}") from error
    if not lines or not known or not any(name in lines[0] for name in ("top", "scores", "entities")):
        raise DataError(f"{path}: expected predicted classes or entities with their labels, found others")
    return lines


def rank_suspects(lines: Sequence[dict]) -> list[Suspect]:
    """The labels and entities that may be wrong, the most suspicious first.

    Args:
        lines: see `read_predicted`.
    """
    if "entities" in lines[0]:
        found = _doubted_entities(lines)
    else:
        found = _doubted_classes(lines) if "top" in lines[0] else _doubted_labels(lines)
    return sorted(found, key=lambda one: -one.doubt)


def _doubted_entities(lines: Sequence[dict]) -> Iterator[Suspect]:
    for row, line in enumerate(lines):
        for kind, gold, found in pair_spans(_entities(line["gold"]), _entities(line["entities"])):
            if kind != RIGHT and (doubt := doubt_entity(gold, found)) is not None:
                yield Suspect(row, doubt, gold, found)


def _entities(spans: Sequence[dict]) -> list[Entity]:
    return [Entity(one["start"], one["end"], one["label"], one["score"]) for one in spans]


def _doubted_classes(lines: Sequence[dict]) -> Iterator[Suspect]:
    scores = [{one["label"]: one["score"] for one in line["top"]} for line in lines]
    labels = sorted({label for each in scores for label in each} | {line["gold"] for line in lines})
    number = {label: i for i, label in enumerate(labels)}
    probabilities = np.array([[each.get(label, 0.0) for label in labels] for each in scores])
    doubts = doubt_classes([number[line["gold"]] for line in lines], probabilities)
    for i in np.flatnonzero(doubts.suspect):
        yield Suspect(int(i), float(doubts.doubt[i]), lines[i]["gold"], labels[doubts.other[i]])


def _doubted_labels(lines: Sequence[dict]) -> Iterator[Suspect]:
    """Each label is a question of its own; a row is as suspicious as its most suspicious label."""
    labels = sorted({label for line in lines for label in (*line["scores"], *line["gold"])})
    most, wrong = np.zeros(len(lines)), np.zeros((len(lines), len(labels)), dtype=bool)
    for k, label in enumerate(labels):
        yes = np.array([line["scores"].get(label, 0.0) for line in lines])
        doubts = doubt_classes([int(label in line["gold"]) for line in lines], np.stack([1 - yes, yes], axis=1))
        wrong[:, k] = doubts.suspect
        most = np.where(wrong[:, k], np.maximum(most, doubts.doubt), most)
    for i in np.flatnonzero(wrong.any(-1)):
        given = set(lines[i]["gold"])
        instead = given ^ {labels[k] for k in np.flatnonzero(wrong[i])}
        yield Suspect(int(i), float(most[i]), sorted(given), sorted(instead))


def suspect_rows(lines: Sequence[dict], suspects: Sequence[Suspect], arguments: Mapping[str, Any]) -> Iterator[dict]:
    """The rows to correct, the most suspicious first, with the column names that the run was told.

    Beside what training reads, a row has `suggested`, what the models say, and `suspicion`, the largest doubt of what
    is suspect in it, 0-1.

    Args:
        lines: see `read_predicted`.
        suspects: see `rank_suspects`.
        arguments: of the run.
    """
    columns = {name: arguments.get(f"{name}_column") or name for name in ("id", "text", "text_pair")}
    for row, each in _by_row(suspects):
        line = lines[row]
        rest = {columns[name]: line[name] for name in ("id", "text", "text_pair") if name in line}
        if "entities" in line:
            spans = [{name: one[name] for name in ("start", "end", "label")} for one in line["gold"]]
            changed = {tuple(one.given[:3]) for one in each if one.given}
            kept = [tuple(one.values()) for one in spans if tuple(one.values()) not in changed]
            new = sorted([*kept, *(tuple(one.instead[:3]) for one in each if one.instead)])
            told = [dict(zip(("start", "end", "label"), one, strict=True)) for one in new]
            yield rest | {"entities": spans, "suggested": told, "suspicion": round(each[0].doubt, 4)}
        else:
            name = arguments.get("label_column") or ("label" if "top" in line else "labels")
            told = {name: line["gold"]}
            if names := [one.strip() for one in (arguments.get("label_columns") or "").split(",") if one.strip()]:
                told = {name: int(name in line["gold"]) for name in names}
            yield rest | told | {"suggested": each[0].instead, "suspicion": round(each[0].doubt, 4)}


def _by_row(suspects: Sequence[Suspect]) -> list[tuple[int, list[Suspect]]]:
    rows: dict[int, list[Suspect]] = {}
    for one in suspects:
        rows.setdefault(one.row, []).append(one)
    return list(rows.items())


def table_of(rows: Sequence[dict], *, delimiter: str, separator: str) -> str:
    """Rows of texts with classes as CSV or TSV; several labels are joined by `separator`."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([separator.join(each) if isinstance(each, list) else each for each in row.values()])
    return file.getvalue()


def suspect_errors(lines: Sequence[dict], suspects: Sequence[Suspect]) -> dict:
    """The rows as `example_cards` shows them."""
    rows, worst = _by_row(suspects), []
    for row, each in rows[:SHOWN]:
        line = lines[row]
        if "entities" in line:
            one = wrong_text(line | {"entities": line["gold"]}, _entities(line["entities"]))
        else:
            several = "scores" in line
            scores = line["scores"] if several else {one["label"]: one["score"] for one in line["top"]}
            said = Verdict(each[0].instead if several else [each[0].instead], list(scores.items()))
            one = wrong_verdict(line | {"labels" if several else "label": line["gold"]}, said, several=several)
            one["errors"] = []  # a chip that says nothing new
        worst.append(one | {"confidence": each[0].doubt})
    kind = "entities" if "entities" in lines[0] else "classes"
    note = "Ordered by how improbable the models find the label: one minus its probability."
    return {"kind": kind, "wrong": len(rows), "what": "rows to look at", "note": note, "worst": worst}
