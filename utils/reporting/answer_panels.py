"""What a model says about one text as HTML, for a page that somebody types into; everything is escaped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..encoding.joined_windows import Entity
from ..scoring.answer_ranking import Answer
from ..scoring.decisions import Verdict
from .marked_text import Mark, isolated, mark_spans, plain
from .svg_charts import bar

HUES = 6  # looks of entity types, in turn
STYLE = Path(__file__).with_suffix(".css")  # what the page needs besides


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


def score_panel(score: float) -> str:
    """The score that a regression tells."""
    return _panel(f"<p><strong>{score:.4f}</strong></p>")


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
    table = f"<table><thead><tr>{titles}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="Probabilities">{table}</div>'
