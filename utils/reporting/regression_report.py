"""What is told of a regression: its scores as text for people, and its errors (see `error_report`)."""

from collections.abc import Mapping, Sequence

import numpy as np
from datasets import Dataset

from ..encoding.row_batches import iterate_column, iterate_rows
from .error_parts import WORST, example, headlines, slice_scores

NOTE = "Ordered by the difference between predicted and gold score."


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


def report_scores(rows: Dataset, found: Sequence[float], *, scores: dict[str, float]) -> dict:
    """Errors of a regression.

    Args:
        rows: `id`, `text`, `text_pair` of pairs, and `label`, a number.
        found: the predicted score of each text.
        scores: by name.
    """
    gold, found = np.fromiter(iterate_column(rows, "label"), np.float64, len(rows)), np.asarray(found)
    off, rounded = np.abs(found - gold), np.rint(gold).astype(np.int64)
    parts = ["text", "text_pair"][: 1 + ("text_pair" in rows.features)]
    lengths = [sum(map(len, texts)) for texts in iterate_rows(rows, *parts)]
    slices = [
        slice_scores(title, values, off, name="mean error")
        for title, values in (("Length of the text (characters)", lengths), ("Gold score (rounded)", rounded))
    ]
    most = max((row["score"] for each in slices for row in each["rows"]), default=0)
    worst, wrong = [], int((off > 0).sum())
    for i in np.argsort(-off, kind="stable")[: min(wrong, WORST)].tolist():
        row = rows[i]
        one = example(row["id"], row["text"], text_pair=row.get("text_pair")) | {"confidence": None, "errors": []}
        worst.append(one | {"gold": [], "found": [], "told": round(float(found[i]), 4), "wanted": row["label"]})
    groups = [rounded == value for value in np.unique(rounded)]
    lines = []
    for name, values in (("predicted", found), ("gold", gold)):
        points = [[float(gold[group].mean()), float(values[group].mean()), int(group.sum())] for group in groups]
        lines.append({"name": name, "points": points, "more": ["count"]})
    chart = {"title": "Predicted and gold", "lines": lines, "x_name": "gold score", "y_name": "mean prediction"}
    report = {"kind": "scores", "examples": len(rows), "wrong": wrong, "mean_error": float(off.mean())}
    report |= {"scores": headlines(scores), "table": {}, "note": NOTE}
    report["slices"] = [each | {"full": most} for each in slices]
    return report | {"charts": [chart], "reliability": [], "worst": worst}
