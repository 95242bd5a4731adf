"""The worst examples of a split as HTML: what is right and what was said, one below the other, and a filter."""

from collections import Counter
from collections.abc import Sequence

from .marked_text import Mark, isolated, mark_spans, plain, shorten, visible

NOTES = {
    "entities": "Ordered by the probability of the surest wrong entity. A missed one counts as 0.5: nothing says how "
    "sure the model was of leaving it out.",
    "classes": "Ordered by the probability of what was said instead.",
    "label_sets": "Ordered by how far the surest wrong label was from being right.",
    "answers": "Ordered by the answer's share of probability among the candidates.",
    "scores": "Ordered by how far what was told is from the gold score.",
}


def example_cards(split: str, errors: dict) -> str:
    """The list of worst examples with its filter.

    Args:
        split: its name, for ids.
        errors: of a split, see `error_report`.
    """
    examples = errors["worst"]
    if not examples:
        return '<p class="note">Nothing is wrong here.</p>'
    labels = [_labels(one) for one in examples]
    kinds = [one["errors"] for one in examples]
    numbers = {label: i for i, label in enumerate(sorted({label for each in labels for label in each}))}
    places = {kind: i for i, kind in enumerate(sorted({kind for each in kinds for kind in each}))}
    filters = _select(f"{split}-class", "Class", "classes", numbers, labels)
    filters += _select(f"{split}-kind", "Error", "kinds", places, kinds)
    cards = []
    for i, one in enumerate(examples):
        belonging = " ".join(str(numbers[label]) for label in labels[i])
        errors_of = " ".join(str(places[kind]) for kind in kinds[i])
        cards.append(f'<li class="card" data-classes="{belonging}" data-kinds="{errors_of}">{_card(one, i + 1)}</li>')
    legend = ""
    if errors["kind"] in ("entities", "answers"):
        legend = (
            '<p class="note">In the text: <mark class="gold">gold</mark> <mark class="right">found, right</mark> '
            '<mark class="wrong">missed or wrong</mark></p>'
        )
    total = len(examples)
    return (
        f'<p class="note">{total} of {errors["wrong"]:,} that are not all right. {NOTES[errors["kind"]]}</p>{legend}'
        f'<form class="filters" hidden>{filters}<output aria-live="polite">{total} of {total} shown</output></form>'
        f'<ol class="cards">{"".join(cards)}</ol>'
    )


def _select(id: str, title: str, what: str, numbers: dict[str, int], belonging: Sequence[Sequence[str]]) -> str:
    if len(numbers) < 2:
        return ""
    counts = Counter(name for each in belonging for name in each)
    options = "".join(
        f'<option value="{number}">{plain(shorten(name))} ({counts[name]})</option>'
        for name, number in numbers.items()
    )
    return (
        f'<label for="{id}">{title}</label><select id="{id}" data-filter="{what}">'
        f'<option value="">all</option>{options}</select>'
    )


def _labels(one: dict) -> list[str]:
    """The classes that an example is about."""
    names = [each["label"] if isinstance(each, dict) else each for each in [*one["gold"], *one["found"]]]
    if any(isinstance(each, dict) for each in [*one["gold"], *one["found"]]):  # entities: those with an error
        wrong = [each["label"] for each in [*one["gold"], *one["found"]] if each.get("error") not in ("right", None)]
        names = wrong or []
    return sorted(set(names) - {""})


def _card(one: dict, rank: int) -> str:
    chips = "".join(f'<span class="chip">{plain(kind)}</span>' for kind in one["errors"])
    sure = "" if one["confidence"] is None else f"{one['confidence']:.3f} <small>sure</small>"
    head = f'<span class="rank">{rank}</span><span class="id">{isolated(one["id"])}</span>{chips}'
    head += f'<span class="sure">{sure}</span>'
    rows = []
    if "question" in one:
        rows.append(("question", visible(one["question"])))
        rows += _spans(one)
        given = ", ".join(isolated(text) for text in one["answers"]) or "<em>no answer</em>"
        rows.append(("gold", given))
        rows.append(
            (
                "answered",
                (isolated(one["answer"]) if one["answer"] else "<em>no answer</em>")
                + f' <span class="score">F1 {one["f1"]:.2f}</span>',
            )
        )
    elif "told" in one:
        rows.append(("text", visible(one["text"]) + _more(one)))
        if "text_pair" in one:
            rows.append(("and", visible(one["text_pair"])))
        rows += [("gold", f"{one['wanted']:g}"), ("told", f"{one['told']:.4f}")]
    elif "scores" in one:
        rows.append(("text", visible(one["text"]) + _more(one)))
        if "text_pair" in one:
            rows.append(("and", visible(one["text_pair"])))
        for title, wrong, side, other in (
            ("gold", "gold", one["gold"], one["found"]),
            ("said", "bad", one["found"], one["gold"]),
        ):
            shown = [_label(label, one["scores"].get(label), "good" if label in other else wrong) for label in side]
            rows.append((title, " ".join(shown) or "<em>none</em>"))
        rest = [label for label in one["scores"] if label not in one["gold"] and label not in one["found"]]
        if rest:
            rows.append(("likeliest", " ".join(_label(label, one["scores"][label], "bad") for label in rest)))
    else:
        rows += _spans(one)
    lines = "".join(f'<dt>{name}</dt><dd dir="auto">{shown}</dd>' for name, shown in rows)
    return f'<div class="head">{head}</div><dl>{lines}</dl>'


def _spans(one: dict) -> list[tuple[str, str]]:
    """The text twice, with what is right and with what was found; once where a question's gold is not in it."""
    rows = []
    for title, spans in (("gold", one["gold"]), ("found", one["found"])):
        marks = []
        for span in spans:
            right = span.get("error") == "right"
            look = "gold" if title == "gold" and "error" not in span else "right" if right else "wrong"
            score = f"\u00a0{span['score']:.2f}" if "score" in span and not right else ""
            marks.append(Mark(span["start"], span["end"], span["label"] + score, look))
        before = "… " if one["offset"] else ""
        rows.append((title, before + mark_spans(one["text"], marks, offset=one["offset"]) + _more(one)))
    if "question" in one:
        rows = [("passage", _passage(one))]
    return rows


def _passage(one: dict) -> str:
    """The passage once, with both."""
    marks = [Mark(each["start"], each["end"], "gold", "gold") for each in one["gold"]]
    marks += [Mark(each["start"], each["end"], "answered", "wrong") for each in one["found"]]
    before = "… " if one["offset"] else ""
    return before + mark_spans(one["text"], marks, offset=one["offset"]) + _more(one)


def _more(one: dict) -> str:
    left = one["length"] - one["offset"] - len(one["text"])
    return f' <span class="sign">… {left:,} more</span>' if left else ""


def _label(label: str, score: float | None, look: str) -> str:
    number = "" if score is None else f' <span class="score">{score:.3f}</span>'
    return f'<span class="label {look}">{isolated(label)}{number}</span>'
