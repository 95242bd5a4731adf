"""What a model says about one text as HTML, for a page that somebody types into; everything is escaped."""

from collections.abc import Sequence
from typing import Any

from ..encoding.entity_windows import Entity
from .answer_finder import Answer
from .decisions import Verdict
from .marked_text import Mark, isolated, mark_spans, plain
from .svg_charts import bar

HUES = 6  # looks of entity types, in turn

STYLE = """
.panel { font-size: 1.02rem; line-height: 2; color: var(--body-text-color); }
.panel p { white-space: pre-wrap; overflow-wrap: anywhere; margin: .2rem 0 1rem; }
.panel mark { color: inherit; border-radius: .25rem; padding: .12rem .25rem; border-bottom: 2px solid; }
.panel .tag { font-size: .74rem; margin-left: .35rem; opacity: .8; white-space: nowrap; }
.panel table { border-collapse: collapse; font-size: .95rem; line-height: 1.5; font-variant-numeric: tabular-nums; }
.panel th, .panel td { text-align: left; padding: .35rem 1.2rem .35rem 0; border-bottom: 1px solid var(--border-color-primary); }
.panel thead th { font-weight: 500; opacity: .7; }
.panel tr.chosen th { font-weight: 700; }
.panel .bar { width: 9rem; height: .6rem; display: inline-block; vertical-align: middle; }
.panel .room { fill: var(--border-color-primary); } .panel .full { fill: #2f6fb7; }
.panel .sign { font-size: .75em; opacity: .7; border: 1px dotted; border-radius: .2rem; padding: 0 .15rem; }
.hue0 { background: #2f6fb733; border-color: #2f6fb7 !important; } .hue1 { background: #b4571c33; border-color: #b4571c !important; }
.hue2 { background: #3b8a5233; border-color: #3b8a52 !important; } .hue3 { background: #8a4fb033; border-color: #8a4fb0 !important; }
.hue4 { background: #a88a0633; border-color: #a88a06 !important; } .hue5 { background: #c23b6e33; border-color: #c23b6e !important; }
"""


def entity_panel(text: str, entities: Sequence[Entity], types: Sequence[str]) -> str:
    """The text with its entities marked, and a table of them.

    Args:
        text: as it was typed.
        entities: found in it.
        types: all that the model knows; each has its look.
    """
    looks = {label: f"hue{i % HUES}" for i, label in enumerate(types)}
    marks = [Mark(one.start, one.end, one.label, looks.get(one.label, "hue0")) for one in entities]
    rows = [
        [isolated(text[one.start : one.end]), isolated(one.label), f"{one.start}–{one.end}", f"{one.score:.3f}"]
        for one in entities
    ]
    table = _table(["entity", "type", "characters", "probability"], rows) if rows else "<p>No entities.</p>"
    return _panel(f'<p dir="auto">{mark_spans(text, marks)}</p>{table}')


def class_panel(verdict: Verdict, *, multi_label: bool, most: int = 10) -> str:
    """What was decided, and the most probable classes."""
    nothing = "None of the labels." if multi_label else "Not sure enough to say."
    said = ", ".join(isolated(label) for label in verdict.labels) or nothing
    rows = [[isolated(label), f"{bar(score)} {score:.3f}"] for label, score in verdict.ranked[:most]]
    chosen = [label in verdict.labels for label, _ in verdict.ranked[:most]]
    left = len(verdict.ranked) - len(rows)
    rest = f"<p>{left:,} more are less probable.</p>" if left > 0 else ""
    return _panel(f"<p><strong>{said}</strong></p>{_table(['class', 'probability'], rows, chosen)}{rest}")


def answer_panel(context: str, answers: Sequence[Answer]) -> str:
    """The passage with the answer marked, and the answers that were compared."""
    marks = [Mark(answers[0].start, answers[0].end, "answer", "hue0")] if answers[0].text else []
    rows = [
        [isolated(one.text) if one.text else "<em>no answer</em>", f"{bar(one.score)} {one.score:.3f}"]
        for one in answers
    ]
    table = _table(["answer", "share"], rows, [i == 0 for i in range(len(rows))])
    return _panel(f'<p dir="auto">{mark_spans(context, marks)}</p>{table}')


def filling_panel(fillings: Sequence[Any]) -> str:
    """The words that may stand in the blanks, see `prompting.blanks`."""
    rows = [[isolated(" … ".join(one.words)), f"{bar(one.score)} {one.score:.4f}"] for one in fillings]
    return _panel(_table(["words", "probability"], rows))


def message_panel(message: str) -> str:
    """What is wrong with an input."""
    return _panel(f'<p role="alert">{plain(message)}</p>')


def _panel(content: str) -> str:
    return f'<div class="panel">{content}</div>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], chosen: Sequence[bool] = ()) -> str:
    titles = "".join(f'<th scope="col">{title}</th>' for title in head)
    lines = []
    for i, (first, *rest) in enumerate(rows):
        look = ' class="chosen"' if chosen and chosen[i] else ""
        cells = "".join(f"<td>{cell}</td>" for cell in rest)
        lines.append(f'<tr{look}><th scope="row">{first}</th>{cells}</tr>')
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
