"""Labels that a teacher gives to texts without any, where it is sure enough (pseudo-labels: Lee, 2013).

A teacher is as sure of a text as of the least sure of its decisions: the class; each of several labels; each character
of a tagger, each cell of a model for spans; both ends of an answer.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from datasets import Dataset

from ..scoring.decisions import DecisionRule
from ..scoring.joint_decisions import CharacterTags, decode_characters, vote
from .output_cache import Outputs
from .span_cells import unpack_cells
from .teachers import COLUMNS, kind_of
from .unlabeled_texts import as_training

HALF = 0.5  # probability from which a span is given
ANSWER = 200  # characters of the longest answer
SHOWN = 8  # labels in the log


def label_rows(
    rows: Dataset,
    outputs: Outputs,
    form: str,
    labels: Sequence[str],
    *,
    confidence: float,
    nested: bool = False,
    answered: bool = False,
    rule: DecisionRule | None = None,
) -> Dataset:
    """The rows that the teacher is sure of, with its labels.

    Args:
        rows: without labels, see `read_unlabeled`.
        outputs: what the teacher says about each, in this `form`, see `teachers`.
        labels: classes or types, in the order of the outputs.
        confidence: least probability of each decision, 0-1.
        nested: whether entities may overlap.
        answered: whether each question has an answer in its passage.
        rule: of classes, how the teacher decides, with these labels; None: the likeliest, several from one half on.
    """
    kept = []
    rule = rule or DecisionRule(list(labels), multi_label=form == "labels")
    for row, numbers in zip(rows, outputs, strict=True):
        if form in ("classes", "labels"):
            label, sure = _decide_class(numbers, rule)
        else:
            label, sure = _decide(row, numbers, form, labels, nested, answered)
        if sure >= confidence:
            kept.append(row | label)
    return as_training(kept, rows)


def _decide(
    row: Mapping, numbers: np.ndarray, form: str, labels: Sequence[str], nested: bool, answered: bool
) -> tuple[dict, float]:
    """The label columns of a row, and the probability of the least sure decision."""
    if form == "answers":
        chances = np.exp(numbers.reshape(2, -1).astype(np.float64))
        return _decide_answer(row["context"], chances, answered=answered)
    if form == "tags":
        logs = numbers.reshape(-1, 1 + 2 * len(labels)).astype(np.float64)
        covered = ~np.isnan(logs[:, 0])
        tags = CharacterTags(np.exp(np.nan_to_num(logs)).astype(np.float32), covered)
        found, sure = decode_characters([tags], labels), tags.probabilities[covered].max(-1).min(initial=1.0)
    else:
        cells = unpack_cells(numbers, labels)
        found = vote([cells], minimum=HALF, nested=nested)
        sure = min((max(one.score, 1 - one.score) for one in cells), default=1.0)
    return {"entities": [{"start": one.start, "end": one.end, "label": one.label} for one in found]}, float(sure)


def _decide_class(numbers: np.ndarray, rule: DecisionRule) -> tuple[dict, float]:
    """The same of a row's class or labels, as the rule has it."""
    chances = rule.probabilities(numbers[None])
    decided = rule.decide(chances)[0]
    if not rule.multi_label:
        return {"label": rule.labels[int(decided)]}, float(chances[0, decided])
    given = [label for label, chosen in zip(rule.labels, decided, strict=True) if chosen]
    return {"labels": sorted(given)}, float(np.where(decided, chances[0], 1 - chances[0]).min())


def _decide_answer(context: str, chances: np.ndarray, *, answered: bool) -> tuple[dict, float]:
    """The most probable answer, or none, unless each question is `answered`; `chances`: (2, characters + 2), see
    `teachers`."""
    chances = chances / chances.sum(-1, keepdims=True)
    best, span = -1.0 if answered else chances[0, 0] * chances[1, 0], None
    for start in np.argsort(-chances[0, 1:], kind="stable")[:20].tolist():
        ends = chances[1, start + 2 : start + 2 + ANSWER]
        if len(ends) and chances[0, start + 1] * ends.max() > best:
            best, span = chances[0, start + 1] * ends.max(), (start, start + 1 + int(ends.argmax()))
    if span is None:
        return {"answers": {"text": [], "answer_start": []}}, float(chances[:, 0].min())
    start, end = span
    answers = {"text": [context[start:end]], "answer_start": [start]}
    return {"answers": answers}, float(min(chances[0, start + 1], chances[1, end + 1]))


def count_labels(rows: Dataset) -> str:
    """How often each label, or type of entity, was given, the most frequent first; of answers, how many there are."""
    if "answers" in rows.features:
        counts = Counter("an answer" if answers["text"] else "no answer" for answers in rows["answers"][:])
    elif "entities" in rows.features:
        counts = Counter(one["label"] for entities in rows["entities"][:] for one in entities)
    else:
        column = rows["labels"][:] if "labels" in rows.features else ([label] for label in rows["label"][:])
        counts = Counter(label for labels in column for label in labels)
    shown = [f"{count:,} {label}" for label, count in counts.most_common(SHOWN)]
    return ", ".join(shown + ["..."] * (len(counts) > SHOWN)) or "none"


def pseudo_file(
    rows: Dataset, train_file: str | None, *, columns: Mapping[str, str], separator: str | None
) -> tuple[str, Iterator[str]]:
    """The name and the lines of a file with labelled rows, which training reads as it reads its own.

    Args:
        rows: with labels.
        train_file: a table like it is written as one (`.csv`, `.tsv`); otherwise lines of JSON.
        columns: `text`, `text_pair`, `label`, `id`: what they are called in the training data, if that was told.
        separator: between the labels of a cell.
    """
    suffix = Path((train_file or "").lower().removesuffix(".gz")).suffix
    kind, several = kind_of(rows), "labels" in rows.features
    names = {name: columns.get(name) or name for name in ("id", *COLUMNS[kind]) if name in rows.features}
    last = "labels" if several else {"entities": "entities", "answers": "answers"}.get(kind, "label")
    label = columns.get("label") or last if kind == "classes" else last
    records = ({**{new: row[name] for name, new in names.items()}, label: row[last]} for row in rows)
    if kind != "classes" or suffix not in (".csv", ".tsv") or (several and not separator):
        return "pseudo_labels.jsonl", (json.dumps(one, ensure_ascii=False) + "\n" for one in records)
    tab = suffix == ".tsv"

    def lines() -> Iterator[str]:
        header = [*names.values(), label]
        for cells in (header, *(one.values() for one in records)):
            line = io.StringIO()
            joined = [separator.join(each) if isinstance(each, list) else each for each in cells]
            csv.writer(line, delimiter="\t" if tab else ",", lineterminator="\n").writerow(joined)
            yield line.getvalue()

    return f"pseudo_labels{suffix}", lines()
