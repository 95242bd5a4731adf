"""`error_report.html`: one page that needs no network, made of what `error_report.json` holds.

Everything from data is escaped, and stands in elements that isolate its direction. The page's own style and script are
the only ones that its policy admits, by their digests, and it may load nothing.
"""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

from ..scoring.class_metrics import shorten_table
from .example_cards import example_cards
from .marked_text import isolated, plain, shorten
from .svg_charts import bar, line_chart

BROADEST = 12  # classes of a matrix
PAIRS = 20  # confusions that are listed
SHADES = (0.03, 0.1, 0.25)  # shares of a class from which on a confusion is darker
BAR = '<span class="unseen">as a bar</span>'
SPLITS = {"validation": "Validation", "test": "Test"}


def report_page(report: dict) -> str:
    """The page.

    Args:
        report: `run`, facts by name; `splits`, see `error_report`; `curves`, see `curves`.
    """
    style, script = (
        Path(__file__).with_name(f"report_page.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")
    )
    policy = (
        f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    sections = {split: (SPLITS.get(split, split), _split(split, errors)) for split, errors in report["splits"].items()}
    if report["curves"]["charts"]:
        sections["training"] = "Training", _training(report["curves"])
    links = "".join(f'<a href="#{plain(id)}">{plain(title)}</a>' for id, (title, _) in sections.items())
    body = "".join(
        f'<section id="{plain(id)}" aria-labelledby="{plain(id)}-title"><h2 id="{plain(id)}-title">{plain(title)}</h2>'
        f"{content}</section>"
        for id, (title, content) in sections.items()
    )
    facts = dict(report["run"])
    title = plain(shorten(str(facts.pop("run"))))
    shown = "".join(f"<li>{plain(name)} <b>{isolated(str(value))}</b></li>" for name, value in facts.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Errors of {title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#content">To the content</a>
<nav aria-label="Parts of the page">{links}<button type="button" id="theme" hidden>Dark</button></nav>
<header class="top"><h1>Errors of {title}</h1><ul class="facts">{shown}</ul></header>
<main id="content">{body}</main>
<footer><p>Made by Weitiao. Scores run from 0 to 1 and are over all examples; the numbers of this page are in
error_report.json.</p></footer>
<script>{script}</script>
</body>
</html>
"""


def _digest(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _split(split: str, errors: dict) -> str:
    examples, wrong = errors["examples"], errors["wrong"]
    told = f"{examples:,} examples, {wrong:,} of them not all right."
    if errors["kind"] == "scores":
        told = f"{examples:,} examples, {errors['scores']['mae']:.4f} off on average."
    parts = [f'<p class="note">{told}</p>']
    scores = "".join(
        f"<div><dt>{plain(_said(name))}</dt><dd>{value:.4f}</dd></div>" for name, value in errors["scores"].items()
    )
    parts.append(f'<h3>Scores</h3><dl class="scores">{scores}</dl>')
    if about := errors.get("about"):
        parts.append(f'<p class="note">{isolated(about[:1].upper() + about[1:])}.</p>')
    if errors["table"]:
        parts.append(_classes(errors["table"]))
    parts.append(_means(errors["means"]) if errors["kind"] == "scores" else _confusions(errors))
    slices = "".join(_slice(each) for each in errors["slices"] if each["rows"])
    if slices:
        parts.append(f'<h3>Short and long, rare and frequent</h3><div class="columns">{slices}</div>')
    if errors["reliability"]:
        parts.append(_calibration(errors))
    parts.append(f"<h3>Worst examples</h3>{example_cards(split, errors)}")
    return "".join(parts)


def _said(name: str) -> str:
    return name.replace("_", " ").replace("f1", "F1")


def _table(name: str, head: Sequence[str], rows: Sequence[str], look: str = "") -> str:
    """Columns have their names, rows their own as first cell; it scrolls on its own where it is broad."""
    titles = "".join(f'<th scope="col"{" class=wide" * (title == BAR)}>{title}</th>' for title in head)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{plain(name)}"><table class="{look}">'
        f"<thead><tr>{titles}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _classes(table: dict[str, dict]) -> str:
    short = shorten_table(table)
    rows = []
    for name, row in short.items():
        numbers = "".join(f"<td>{row[key]:.4f}</td>" for key in ("precision", "recall", "f1"))
        mean = ' class="mean"' if name.endswith(" avg") else ""
        rows.append(
            f'<tr{mean}><th scope="row">{isolated(name)}</th>{numbers}<td class="wide">{bar(row["f1"])}</td>'
            f"<td>{row['support']:,}</td></tr>"
        )
    head = ["class", "precision", "recall", "F1", BAR, "support"]
    left = len(table) - len(short)
    note = f'<p class="note">Those with the lowest F1; {left:,} more are in error_report.json.</p>' if left else ""
    return f"<h3>Classes</h3>{note}{_table('Classes', head, rows, 'classes')}"


def _confusions(errors: dict) -> str:
    parts = []
    if counted := errors.get("errors"):
        kinds = list(next(iter(counted.values())))
        shown = sorted(counted, key=lambda label: -sum(counted[label][kind] for kind in kinds[1:]))[:30]
        rows = [
            f'<tr><th scope="row">{isolated(label)}</th>{"".join(_count(counted[label][kind]) for kind in kinds)}</tr>'
            for label in shown
        ]
        first = "of" if errors["kind"] in ("answers", "classes") else "class"
        parts.append(_table("Kinds of errors", [first, *map(plain, kinds)], rows))
        if len(shown) < len(counted):
            parts.append(f'<p class="note">Those with most errors, of {len(counted):,}.</p>')
    pairs = errors.get("confused", [])
    if pairs:
        involved = sorted(
            {label for gold, found, _ in pairs for label in (gold, found)} | set(errors.get("right", ()))
        )
        parts.append(f"<h4>Taken for another {'type' if errors['kind'] == 'entities' else 'class'}</h4>")
        if len(involved) <= BROADEST:
            parts.append(_matrix(involved, pairs, errors))
        else:
            rows = [
                f'<tr><th scope="row">{isolated(gold)}</th><td>{isolated(found)}</td><td>{count:,}</td></tr>'
                for gold, found, count in pairs[:PAIRS]
            ]
            parts.append(_table("Most frequent confusions", ["gold", "taken for", "times"], rows, "pairs"))
    return "<h3>Confusions</h3>" + ("".join(parts) or '<p class="note">None.</p>')


def _means(rows: Sequence[dict]) -> str:
    """What a regression told on average, by the gold score."""
    lines = [
        {"name": "told", "points": [[row["gold"], row["told"], row["count"]] for row in rows], "more": ["count"]},
        {"name": "gold", "points": [[row["gold"], row["gold"], row["count"]] for row in rows], "more": ["count"]},
    ]
    chart = line_chart("Told and gold", lines, x_name="gold score", y_name="mean of what was told")
    return f'<h3>Told and gold</h3><div class="columns">{chart}</div>'


def _count(count: int) -> str:
    return f"<td>{count:,}</td>" if count else '<td class="zero">0</td>'


def _matrix(labels: Sequence[str], pairs: Sequence[Sequence], errors: dict) -> str:
    """Counts, the darker the greater their share of the gold class."""
    counts, right = {(gold, found): count for gold, found, count in pairs}, errors.get("right")
    rows = []
    for gold in labels:
        cells, total = [], errors["table"].get(gold, {}).get("support") or 1
        for found in labels:
            if gold == found:
                cells.append(f'<td class="same">{right[gold]:,}</td>' if right else "<td>·</td>")
            elif count := counts.get((gold, found)):
                cells.append(f'<td class="h{1 + sum(count > share * total for share in SHADES)}">{count:,}</td>')
            else:
                cells.append('<td class="zero">0</td>')
        rows.append(f'<tr><th scope="row">{isolated(gold)}</th>{"".join(cells)}</tr>')
    head = ["gold \\ found", *(isolated(label) for label in labels)]
    return _table("Gold against found", head, rows, "matrix")


def _slice(part: dict) -> str:
    rows, never = [], part["title"].startswith("How often")
    for row in part["rows"]:
        first, last = row["from"], row["to"]
        span = ("never" if never and not first else f"{first:,}") if first == last else f"{first:,}–{last:,}"
        rows.append(
            f'<tr><th scope="row">{span}</th><td>{row["count"]:,}</td><td>{row["score"]:.4f}</td>'
            f'<td class="wide">{bar(row["score"] / (part.get("full") or 1))}</td></tr>'
        )
    head = ["from–to", "count", plain(part["score"]), BAR]
    return f"<div><h4>{plain(part['title'])}</h4>{_table(part['title'], head, rows)}</div>"


def _calibration(errors: dict) -> str:
    lines = []
    for name, key in (("as decided", "reliability"), ("before tuning", "untuned_reliability")):
        if rows := errors.get(key):
            points = [[row["confidence"], row["accuracy"], row["count"]] for row in rows]
            lines.append({"name": name, "points": points, "more": ["count"]})
    what = {"entities": "found entities", "label_sets": "labels", "answers": "answers"}.get(errors["kind"], "texts")
    chart = line_chart(
        "Promised and kept", lines, x_name="probability that was promised", y_name="share that was right", square=True
    )
    return (
        f'<h3>Calibration</h3><p class="note">Of {what}, by their probability: what the model promised, and how often '
        "it was right. On the dotted diagonal a promise is kept; below it the model is too sure of itself.</p>"
        f'<div class="columns">{chart}</div>'
    )


def _training(curves: dict) -> str:
    charts = "".join(
        line_chart(
            _said(chart["title"]),
            chart["lines"],
            x_name=curves["unit"],
            y_name=_said(chart["title"]),
            mark=curves["best"],
        )
        for chart in curves["charts"]
    )
    return f'<div class="columns">{charts}</div>'
