"""What a model predicts for one text as HTML, for an interactive page; everything is escaped."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..modeling.joined_windows import Entity
from ..scoring.answer_ranking import Answer
from ..scoring.decisions import Rule, Verdict
from .jinja_templates import PAGES
from .marked_text import Mark

HUES = 6  # colours of entity types, used in turn
STYLE = Path(__file__).with_suffix(".css")  # the page needs it, too


def entity_panel(text: str, entities: Sequence[Entity], types: Sequence[str]) -> str:
    """The text with its entities marked, and a table of them.

    Args:
        text: as it was typed.
        entities: found in the text.
        types: all types that the model knows; each has its colour.
    """
    looks = {label: f"hue{i % HUES}" for i, label in enumerate(types)}
    marks = [Mark(one.start, one.end, one.label, looks.get(one.label, "hue0")) for one in entities]
    return _panel("entities", text=text, marks=marks, entities=entities)


def verdict_panel(rule: Rule, verdict: Verdict | float, *, most: int = 10) -> str:
    """The chosen labels and the most probable classes, or the score."""
    nothing = "None of the labels." if rule.multi_label else "Not sure enough to answer."
    return _panel("verdict", said=rule.said(verdict), ranked=rule.ranked(verdict), nothing=nothing, most=most)


def answer_panel(context: str, answers: Sequence[Answer]) -> str:
    """The passage with the answer marked, and a table of the best answers."""
    marks = [Mark(answers[0].start, answers[0].end, "answer", "hue0")] if answers[0].text else []
    return _panel("answers", text=context, marks=marks, answers=answers)


def filling_panel(fillings: Sequence[Any]) -> str:
    """The words that may fill the blanks, see `prompting.blanks`."""
    return _panel("fillings", fillings=fillings)


def heading_panel(title: str, name: str, labels: Sequence[str], *, more: int) -> str:
    """What a page does, with which model, and the labels that this may answer, of which there are some more."""
    return _panel("heading", title=title, name=name, labels=labels, more=more)


def message_panel(message: str) -> str:
    """What is wrong with an input."""
    return _panel("message", message=message)


def _panel(kind: str, **shown: Any) -> str:
    return PAGES.get_template("answer_panels.html.jinja").render(kind=kind, **shown)
