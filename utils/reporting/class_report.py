"""What a classification run reports: scores before and after tuning, the table, confusions, calibration."""

from collections.abc import Sequence

from ..scoring.class_metrics import confused_pairs, shorten_table
from ..scoring.metrics import format_table
from ..scoring.score_names import shown_in


def describe_scores(split: str, report: dict, *, labels: Sequence[str]) -> str:
    """The report as text for people.

    Args:
        split: name of the split.
        report: see `ClassEvaluator.report`.
        labels: class names in the order of the confusion matrix.
    """
    before, after = report["untuned"]["scores"], report["scores"]
    names = [name for name in shown_in("report") if name in after]
    width = max(map(len, names))
    changed = any(abs(before[name] - after[name]) > 5e-5 for name in names)
    lines = [f"{split}, {'untuned and tuned' if changed else 'scores'}:", ""]
    for name in names:
        tuned = f"{after[name]:>10.4f}" if changed else ""
        lines.append(f"{name:>{width}}{before[name]:>10.4f}{tuned}")
    if report.get("about"):
        lines += ["", report["about"]]
    table = shorten_table(report["table"])
    if len(table) < len(report["table"]):
        lines += ["", f"the classes with the lowest F1 of {len(labels)} (all are in report.json):"]
    lines += ["", format_table(table)]
    pairs = confused_pairs(report.get("confusion", []), labels, most=5)
    if pairs:
        lines += ["", "most frequent confusions (reference -> prediction):"]
        lines += [f"{count:>6}  {reference} -> {prediction}" for count, reference, prediction in pairs]
    if "coverage" in report:
        lines += ["", "when only the surest answers are given:", describe_coverage(report["coverage"])]
    return "\n".join(lines)


def describe_coverage(rows: Sequence[dict]) -> str:
    """The risk-coverage table: the accuracy when the less sure answers are not given."""
    lines = ["answered  threshold  accuracy of the answers"]
    lines += [f"{row['coverage']:>8.0%}{row['threshold']:>11.3f}{row['accuracy']:>10.4f}" for row in rows]
    return "\n".join(lines)
