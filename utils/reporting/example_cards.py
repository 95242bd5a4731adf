"""The worst examples of a split: the classes and kinds of errors of each, and the marks in its text."""

from collections import Counter
from collections.abc import Sequence

from .marked_text import Mark


def example_cards(errors: dict) -> dict:
    """The list of worst examples, with its note and its filters.

    Args:
        errors: the errors of a split, see `error_report`.

    Returns:
        `note`; `filters`, each with `kind`, `title` and `options` as (number, name, count); `cards`, each with
        `classes` and `kinds` (numbers of options), the `example`, and `texts` as (title, marks): the text is shown
        once for each of them.
    """
    examples = errors["worst"]
    classes = _Filter("class", "classes", "Class", [_labels(one) for one in examples])
    kinds = _Filter("kind", "kinds", "Error", [one["errors"] for one in examples])
    cards = [
        {"classes": one, "kinds": two, "example": example, "texts": _texts(example)}
        for one, two, example in zip(classes.numbers, kinds.numbers, examples, strict=True)
    ]
    return {"note": errors["note"], "filters": [classes, kinds], "cards": cards}


class _Filter:
    """The options of a filter, and the numbers of those that each example belongs to."""

    def __init__(self, kind: str, plural: str, title: str, belonging: Sequence[Sequence[str]]):
        self.kind, self.plural, self.title = kind, plural, title
        counts = Counter(name for names in belonging for name in names)
        places = {name: i for i, name in enumerate(sorted(counts))}
        self.options = [(i, name, counts[name]) for name, i in places.items()]
        self.numbers = [[places[name] for name in names] for names in belonging]


def _labels(one: dict) -> list[str]:
    """The classes of an example; for entities, only those with an error."""
    given = [*one["gold"], *one["found"]]
    if any(isinstance(each, dict) for each in given):
        given = [each["label"] for each in given if each.get("error") not in ("right", None)]
    return sorted(set(given) - {""})


def _texts(one: dict) -> list[tuple[str, list[Mark]]]:
    """The text twice, with gold and with found entities; a passage once, with both; other texts without marks."""
    if "question" in one:
        marks = [Mark(each["start"], each["end"], "gold", "gold") for each in one["gold"]]
        marks += [Mark(each["start"], each["end"], "answered", "wrong") for each in one["found"]]
        return [("passage", marks)]
    if "told" in one or "scores" in one:
        return [("text", [])]
    texts = []
    for title in ("gold", "found"):
        marks = []
        for span in one[title]:
            right = span.get("error") == "right"
            look = "gold" if title == "gold" and "error" not in span else "right" if right else "wrong"
            score = f"\u00a0{span['score']:.2f}" if "score" in span and not right else ""
            marks.append(Mark(span["start"], span["end"], span["label"] + score, look))
        texts.append((title, marks))
    return texts
