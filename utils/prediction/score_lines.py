"""Scores that a regression predicts, as lines of JSON, as rows of a file to submit, and as text for people."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence

from datasets import Dataset

from ..encoding.row_batches import iterate_column, iterate_rows

SCORE_HEADER = "id,score"


def score_line(score: float, *, texts: Sequence[str], id: str | None = None) -> str:
    """`{"id", "text", "text_pair", "score"}`.

    Args:
        score: what the model predicts, in the unit of its training data.
        texts: the text, or the two of a pair.
        id: the row's id; left out if None.
    """
    row = {} if id is None else {"id": id}
    row |= dict(zip(("text", "text_pair"), texts, strict=False))
    return json.dumps(row | {"score": round(score, 6)}, ensure_ascii=False)


def score_row(score: float, *, id: str) -> str:
    """A row of `id,score` CSV."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([id, f"{score:.6f}"])
    return line.getvalue().removesuffix("\r\n")


def score_lines(dataset: Dataset, scores: Sequence[float]) -> Iterator[str]:
    """The lines of `predictions.jsonl`: a `score_line` for each row, with its id."""
    columns = [name for name in ("text", "text_pair") if name in dataset.column_names]
    for (id, *texts), score in zip(iterate_rows(dataset, "id", *columns), scores, strict=True):
        yield score_line(score, texts=texts, id=id) + "\n"


def score_submission(dataset: Dataset, scores: Sequence[float]) -> Iterator[str]:
    """The lines of `submission.csv`: header and a `score_row` for each row."""
    yield SCORE_HEADER + "\n"
    for id, score in zip(iterate_column(dataset, "id"), scores, strict=True):
        yield score_row(score, id=id) + "\n"


def describe_regression(split: str, scores: Mapping[str, float]) -> str:
    """The scores of a split as text for people.

    Example:
        >>> print(describe_regression("test", {"pearson": 0.8125, "mae": 0.5}))
        test, scores:
        <BLANKLINE>
        pearson    0.8125
            mae    0.5000
    """
    width = max(map(len, scores))
    return "\n".join([f"{split}, scores:", "", *(f"{name:>{width}}{value:>10.4f}" for name, value in scores.items())])
