"""From texts with entities to questions about their spans: "what is this, or nothing?"

Columns: `id`, `text`, `span` (its characters), `start`, `end` (exclusive), `label` (an entity type, or `O` for none),
`row` (number of the text in its data set).
"""

import logging
import random
from collections.abc import Callable, Sequence

from datasets import Dataset, Features, Value

from .few_shot import draw_some

logger = logging.getLogger(__name__)

OUTSIDE = "O"  # the class of spans that are not entities, named as in tag schemes

FEATURES = Features(
    {name: Value("string") for name in ("id", "text", "span", "label")}
    | {name: Value("int64") for name in ("start", "end", "row")}
)

ListSpans = Callable[[str], Sequence[tuple[int, int]]]


def list_questions(dataset: Dataset, list_spans: ListSpans) -> Dataset:
    """Ask about every candidate, as prediction does; entities that are not candidates are counted and logged.

    Args:
        dataset: rows of `id`, `text`, `entities`, and perhaps `candidates`, which then are the spans asked about.
        list_spans: text -> candidate spans.

    Returns:
        The questions in the order of the texts. A span with several types is labelled with the first by name.
    """
    questions, missed = [], 0
    for number, row in enumerate(dataset):
        gold: dict[tuple[int, int], str] = {}
        for one in sorted(row["entities"], key=lambda one: one["label"]):
            gold.setdefault((one["start"], one["end"]), one["label"])
        spans = candidates_of(row, list_spans)
        missed += len(gold.keys() - set(spans))
        questions += [_question(row, number, span, gold.get(span, OUTSIDE)) for span in spans]
    return _build(dataset, questions, missed, "and cannot be found")


def draw_questions(dataset: Dataset, list_spans: ListSpans, *, negatives: float, seed: int) -> Dataset:
    """For training: ask about every entity, and about some candidates that are not entities.

    Args:
        dataset, list_spans: as in `list_questions`; entities that are not candidates are counted, logged and asked.
        negatives: number of candidates that are not entities, for each entity of their text; a text without entities
            gives as many as a text with one.
        seed: the same seed draws the same spans, whatever the version of any library.

    Returns:
        The questions, text by text: first its entities, then the others, each in the order of the text.
    """
    draw, questions, missed = random.Random(seed), [], 0
    for number, row in enumerate(dataset):
        spans = candidates_of(row, list_spans)
        gold = [((one["start"], one["end"]), one["label"]) for one in row["entities"]]
        taken = {span for span, _ in gold}
        missed += len(taken - set(spans))
        others = [span for span in spans if span not in taken]
        count = min(int(negatives * max(len(gold), 1) + 0.5), len(others))
        gold += [(span, OUTSIDE) for span in sorted(draw_some(others, count, draw))]
        questions += [_question(row, number, span, label) for span, label in gold]
    return _build(dataset, questions, missed, "and are asked about in training only")


def candidates_of(row: dict, list_spans: ListSpans) -> list[tuple[int, int]]:
    """The row's own candidates if it has any, else those listed for its text."""
    return [tuple(span) for span in row["candidates"]] if "candidates" in row else list(list_spans(row["text"]))


def _question(row: dict, number: int, span: tuple[int, int], label: str) -> dict:
    start, end = span
    question = {"id": f"{row['id']}:{start}-{end}:{label}", "text": row["text"], "span": row["text"][start:end]}
    return question | {"start": start, "end": end, "label": label, "row": number}


def _build(dataset: Dataset, questions: list[dict], missed: int, consequence: str) -> Dataset:
    entities = sum(map(len, dataset["entities"][:]))
    logger.info("%s questions about spans of %s texts", f"{len(questions):,}", f"{len(dataset):,}")
    if missed:
        logger.warning(
            "%s of %s entities are not among the candidate spans %s", f"{missed:,}", f"{entities:,}", consequence
        )
    return Dataset.from_dict({name: [one[name] for one in questions] for name in FEATURES}, features=FEATURES)
