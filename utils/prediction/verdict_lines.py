"""Verdicts as lines of JSON, as rows of a file to submit, and as text for people.

A rule (`DecisionRule`, `ScoreRule`) says what of a verdict is written.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from datasets import Dataset

from ..data.submission_columns import PLAIN, SubmissionForm
from ..encoding.row_batches import iterate_column, iterate_rows
from ..scoring.decisions import Rule, Verdict


def verdict_line(
    rule: Rule, verdict: Verdict | float, *, texts: Sequence[str], id: str | None = None, top_k: int = 3
) -> str:
    """`{"id", "text", "text_pair"}` and the fields of the verdict.

    Args:
        rule: the rule behind the verdict.
        verdict: what the model predicts.
        texts: the text, or the two of a pair.
        id: the row's id; left out if None.
        top_k: how many of the most probable labels are written.
    """
    row = {} if id is None else {"id": id}
    row |= dict(zip(("text", "text_pair"), texts, strict=False))
    return json.dumps(row | rule.fields(verdict, top_k=top_k), ensure_ascii=False)


def submission_header(rule: Rule, form: SubmissionForm = PLAIN) -> str:
    """The first row of a CSV file of verdicts."""
    return _csv_line([header for _, header in form.columns] or ["id", *rule.columns])


def submission_line(
    rule: Rule, verdict: Verdict | float, *, id: str, separator: str = "|", form: SubmissionForm = PLAIN
) -> str:
    """A row of a CSV file of verdicts; several labels are separated by `separator`."""
    if numbers := form.numbers:
        ranked = [(numbers[label], score) for label, score in verdict.ranked]
        verdict = Verdict([numbers[label] for label in verdict.labels], ranked)
    cells = dict(zip(("id", *rule.columns), [id, *rule.cells(verdict, separator=separator)], strict=True))
    return _csv_line([cells[name] for name, _ in form.columns] or list(cells.values()))  # unchanged: a scorer compares


def prediction_lines(rule: Rule, dataset: Dataset, verdicts: Sequence, *, top_k: int = 3) -> Iterator[str]:
    """The lines of `predictions.jsonl`: a `verdict_line` for each row, with its id."""
    columns = [name for name in ("text", "text_pair") if name in dataset.column_names]
    for (id, *texts), verdict in zip(iterate_rows(dataset, "id", *columns), verdicts, strict=True):
        yield verdict_line(rule, verdict, texts=texts, id=id, top_k=top_k) + "\n"


def submission_lines(
    rule: Rule, dataset: Dataset, verdicts: Sequence, *, separator: str | None = None, form: SubmissionForm = PLAIN
) -> Iterator[str]:
    """The lines of `submission.csv`: header and a `submission_line` for each row."""
    yield submission_header(rule, form) + "\n"
    for id, verdict in zip(iterate_column(dataset, "id"), verdicts, strict=True):
        yield submission_line(rule, verdict, id=id, separator=separator or "|", form=form) + "\n"


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
    """Questions with their most probable answers, for people; and how many are as expected, where that is known.

    Args:
        finder: a `LabelFinder`.
        questions: each with the expected answer, or None.
        top_k: answers shown for each question.
    """
    asked = list(zip(questions, finder.find([question for question, _ in questions]), strict=True))
    parts = [answer_text(text, verdict, top_k=top_k, expected=expected) for (text, expected), verdict in asked]
    known = [verdict.ranked[0][0] == expected for (_, expected), verdict in asked if expected]
    if not known:
        return "\n\n".join(parts), {}
    parts.append(f"{sum(known)} of {len(known)} questions answered as expected")
    return "\n\n".join(parts), {"asked": len(known), "asked_right": sum(known)}


def _csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)  # RFC 4180: cells with \r or \n get quotes
    return line.getvalue().removesuffix("\r\n")
