"""`error_report.html`, made from the content of `error_report.json`, and `suspects.html`: pages that need no network.

Everything from data is escaped, in elements that isolate its text direction. A page's content security policy allows
only its own style and script, by their digests, and it may load nothing.
"""

import base64
import hashlib
from pathlib import Path

from ..scoring.class_metrics import shorten_table
from ..scoring.score_names import written_name
from .example_cards import example_cards
from .jinja_templates import PAGES
from .score_meanings import explain_scores
from .svg_charts import LineChart

BROADEST = 12  # classes of a matrix
PAIRS = 20  # confusions that are listed
KINDS = 30  # classes whose kinds of errors are listed
SHADES = (0.03, 0.1, 0.25)  # a confusion is darker from each of these shares of its class on


def report_page(report: dict) -> str:
    """The HTML of the page.

    Args:
        report: `run` (facts by name), `splits` (see `error_report`), `curves` (see `read_curves`).
    """
    facts = {name: str(value) for name, value in report["run"].items()}
    return _render(
        "report_page",
        title=facts.pop("run"),
        facts=facts,
        splits={split: _split(errors) for split, errors in report["splits"].items()},
        training=_training(report["curves"]),
    )


def suspects_page(errors: dict, *, title: str, facts: dict[str, str], file: str) -> str:
    """The HTML of a page of rows whose labels may be wrong.

    Args:
        errors: see `suspects.suspect_errors`.
        title: name of the run.
        facts: by name.
        file: the name of the file with all of the rows.
    """
    return _render("suspects_page", title=title, facts=facts, errors=errors, examples=example_cards(errors), file=file)


def _render(template: str, **values) -> str:
    style, script = (
        Path(__file__).with_name(f"report_page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")
    )
    digests = {"style": _digest(style), "script": _digest(script)}
    return PAGES.get_template(f"{template}.html.jinja").render(style=style, script=script, digests=digests, **values)


def _digest(content: str) -> str:
    return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _split(errors: dict) -> dict:
    """The errors of a split, and what the page derives from them."""
    return {
        "errors": errors,
        "scores": {written_name(name): value for name, value in errors["scores"].items()},
        "meanings": {
            written_name(name): text for name, text in explain_scores(errors["scores"], errors["kind"]).items()
        },
        "classes": shorten_table(errors["table"]),
        "kinds": _kinds(errors.get("errors", {})),
        "pairs": errors.get("confused", [])[:PAIRS],
        "matrix": _matrix(errors),
        "charts": [LineChart(**chart) for chart in errors.get("charts", ())],
        "calibration": _calibration(errors) if errors["reliability"] else None,
        "examples": example_cards(errors),
    }


def _kinds(counted: dict[str, dict[str, int]]) -> dict:
    """How often each kind of error occurs in each class, classes with most errors first."""
    names = list(next(iter(counted.values()), ()))
    shown = sorted(counted, key=lambda label: -sum(counted[label][name] for name in names[1:]))[:KINDS]
    rows = [(label, [counted[label][name] for name in names]) for label in shown]
    return {"names": names, "rows": rows, "total": len(counted)}


def _matrix(errors: dict) -> list[tuple[str, list[tuple[str, int | None]]]]:
    """Rows of looks and counts, darker for a greater share of the gold class; empty if there are too many classes."""
    counts = {(gold, found): count for gold, found, count in errors.get("confused", [])}
    right = errors.get("right", {})
    labels = sorted({label for pair in counts for label in pair} | set(right))
    if not counts or len(labels) > BROADEST:
        return []
    rows = []
    for gold in labels:
        cells, total = [], errors["table"].get(gold, {}).get("support") or 1
        for found in labels:
            count = counts.get((gold, found), 0)
            look = f"h{1 + sum(count > share * total for share in SHADES)}" if count else "zero"
            cells.append(("same", right.get(gold)) if gold == found else (look, count))
        rows.append((gold, cells))
    return rows


def _calibration(errors: dict) -> LineChart:
    lines = []
    for name, key in (("final", "reliability"), ("before tuning", "untuned_reliability")):
        if rows := errors.get(key):
            points = [[row["confidence"], row["accuracy"], row["count"]] for row in rows]
            lines.append({"name": name, "points": points, "more": ["count"]})
    names = {"x_name": "predicted probability", "y_name": "share that is right"}
    return LineChart("Predicted and observed", lines, **names, square=True)


def _training(curves: dict) -> list[LineChart]:
    axes = {"x_name": curves["unit"], "mark": curves["best"]}
    titled = {written_name(chart["title"]): chart["lines"] for chart in curves["charts"]}
    return [LineChart(title, lines, y_name=title, **axes) for title, lines in titled.items()]
