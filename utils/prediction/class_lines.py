"""Verdicts as lines of JSON, as rows of a file to submit, and as text for people."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from datasets import Dataset

from ..encoding.row_batches import iterate_column, iterate_rows
from ..scoring.decisions import Verdict


def class_line(
    verdict: Verdict, *, multi_label: bool, texts: Sequence[str], id: str | None = None, top_k: int = 3
) -> str:
    """`{"id", "text", "label", "score", "top": [{"label", "score"}]}`; multi-label: `labels` and `scores`.

    `label` is null where the model is not sure enough; `score` is the probability of the label, else of the likeliest.

    Args:
        verdict: what the model predicts.
        multi_label: whether a text can have several labels.
        texts: the text, or the two of a pair.
        id: the row's id; left out if None.
        top_k: how many of the most probable labels are written.
    """
    row = {} if id is None else {"id": id}
    row |= dict(zip(("text", "text_pair"), texts, strict=False))
    scores = dict(verdict.ranked)
    if multi_label:
        row["labels"] = verdict.labels
        row["scores"] = {label: round(score, 4) for label, score in verdict.ranked[:top_k]}
    else:
        label = verdict.labels[0] if verdict.labels else None
        row["label"] = label
        row["score"] = round(scores[label] if label else verdict.ranked[0][1], 4)
        row["top"] = [{"label": name, "score": round(score, 4)} for name, score in verdict.ranked[:top_k]]
    return json.dumps(row, ensure_ascii=False)


SUBMISSION_HEADER = "id,label,score"


def submission_line(verdict: Verdict, *, id: str, separator: str = "|") -> str:
    """A row of `id,label,score` CSV; several labels, and their scores, are separated by `separator`."""
    scores = dict(verdict.ranked)
    labels = verdict.labels
    shown = [f"{scores[label]:.6f}" for label in labels] or [f"{verdict.ranked[0][1]:.6f}"]
    line = io.StringIO()
    cells = [id, separator.join(labels), separator.join(shown)]  # unchanged: a scorer compares them
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # RFC 4180: cells with \r or \n get quotes
    return line.getvalue().removesuffix("\r\n")


def prediction_lines(
    dataset: Dataset, verdicts: Sequence[Verdict], *, multi_label: bool, top_k: int = 3
) -> Iterator[str]:
    """The lines of `predictions.jsonl`: a `class_line` for each row, with its id."""
    columns = [name for name in ("text", "text_pair") if name in dataset.column_names]
    for (id, *texts), verdict in zip(iterate_rows(dataset, "id", *columns), verdicts, strict=True):
        yield class_line(verdict, multi_label=multi_label, texts=texts, id=id, top_k=top_k) + "\n"


def submission_lines(dataset: Dataset, verdicts: Sequence[Verdict], *, separator: str | None = None) -> Iterator[str]:
    """The lines of `submission.csv`: header and a `submission_line` for each row."""
    yield SUBMISSION_HEADER + "\n"
    for id, verdict in zip(iterate_column(dataset, "id"), verdicts, strict=True):
        yield submission_line(verdict, id=id, separator=separator or "|") + "\n"


def answer_text(question: str, verdict: Verdict, *, top_k: int = 3, expected: str | None = None) -> str:
    """A question and its most probable answers, for people; and the expected answer, if it is known."""
    lines = [question]
    if not verdict.labels:
        lines.append("  I don't know (no answer is probable enough); the nearest:")
    for rank, (label, score) in enumerate(verdict.ranked[:top_k], start=1):
        mark = "  <- expected" if label == expected else ""
        lines.append(f"  {rank}. {label}  {score:.3f}{mark}")
    if expected is not None and expected not in [label for label, _ in verdict.ranked[:top_k]]:
        lines.append(f"  expected: {expected}")
    return "\n".join(lines)


def answer_questions(finder, questions: Sequence[tuple[str, str | None]], *, top_k: int) -> tuple[str, dict[str, int]]:
    """Ask a `LabelFinder`, and describe its answers, see `describe_answers`."""
    return describe_answers(questions, finder.find([question for question, _ in questions]), top_k=top_k)


def describe_answers(
    questions: Sequence[tuple[str, str | None]], verdicts: Sequence[Verdict], *, top_k: int
) -> tuple[str, dict[str, int]]:
    """Questions with their most probable answers, for people; and how many are as expected, where that is known.

    Args:
        questions: each with the expected answer, or None.
        verdicts: what a model predicts for each.
        top_k: answers shown for each question.
    """
    asked = list(zip(questions, verdicts, strict=True))
    parts = [answer_text(text, verdict, top_k=top_k, expected=expected) for (text, expected), verdict in asked]
    known = [verdict.ranked[0][0] == expected for (_, expected), verdict in asked if expected]
    if not known:
        return "\n\n".join(parts), {}
    parts.append(f"{sum(known)} of {len(known)} questions answered as expected")
    return "\n\n".join(parts), {"asked": len(known), "asked_right": sum(known)}
