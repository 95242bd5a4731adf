"""Decoded windows -> entities of texts -> scores over the full gold."""

from collections.abc import Sequence

from datasets import Dataset
from transformers import EvalPrediction

from ..data.tag_schemes import spans_to_tags
from ..encoding.entity_windows import Entity, TaggedText, group_windows, join_spans, join_tags
from ..encoding.tokenization import find_tokens
from .metrics import EntityF1, LenientF1

COLUMNS = ["token_mask", "starts", "ends", "text_index", "num_tokens", "window", "shift"]


class EntityEvaluator:
    """Scores a split; a `compute_metrics` for `Trainer`.

    Args:
        dataset: the split's rows (`text`, `entities`).
        encoded: its windows, in the order in which the trainer sees them.
        id2label: id -> tag name, or -> entity type where `scheme` is None.
        scheme: tag scheme of the model's outputs; None for span outputs.

    Attributes:
        table: per-class table of the last call, see `EntityF1`.
    """

    def __init__(self, dataset: Dataset, encoded: Dataset, *, id2label: dict[int, str], scheme: str | None):
        self.dataset, self.id2label, self.scheme = dataset, id2label, scheme
        self.rows = encoded.select_columns(COLUMNS).to_list()
        self.windows = group_windows(self.rows, len(dataset))
        self.table: dict[str, dict] = {}

    def join(self, outputs: tuple) -> list[TaggedText | list[Entity]]:
        """Tagged texts, or entity lists for span outputs, in the order of the dataset.

        Args:
            outputs: (tags, posteriors) or (spans, scores) arrays over the windows.
        """
        first, second = outputs
        joined = []
        for indices in self.windows:
            rows, values, scores = [[source[i] for i in indices] for source in (self.rows, first, second)]
            if self.scheme is None:
                joined.append(join_spans(rows, values, id2label=self.id2label, scores=scores))
            else:
                joined.append(join_tags(rows, values, id2label=self.id2label, posteriors=scores))
        return joined

    def entities(self, outputs: tuple) -> list[list[Entity]]:
        """The entities found in each text of the dataset."""
        joined = self.join(outputs)
        return joined if self.scheme is None else [text.entities(scheme=self.scheme) for text in joined]

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        joined = self.join(prediction.predictions)
        if self.scheme is None:
            scores = score_entities(joined, self.dataset)
        else:
            gold = self.dataset["entities"]
            found = [text.entities(scheme=self.scheme) for text in joined]
            tags = [text.tags for text in joined]
            expected = [_token_tags(entities, text, self.scheme) for entities, text in zip(gold, joined, strict=True)]
            scores = _score(found, gold, tags, expected)
        self.table = scores.pop("table")
        return scores


def score_entities(found: Sequence[Sequence[Entity]], dataset: Dataset) -> dict:
    """Strict scores with their table, see `EntityF1`, and lenient ones, on a tag for each character.

    Args:
        found: the entities of each text; of those that overlap the lenient scores see the longest.
        dataset: rows of `text`, `entities`.
    """
    gold, texts = dataset["entities"][:], dataset["text"][:]
    tags = [_character_tags(entities, text) for entities, text in zip(found, texts, strict=True)]
    expected = [
        _character_tags([Entity(one["start"], one["end"], one["label"]) for one in entities], text)
        for entities, text in zip(gold, texts, strict=True)
    ]
    return _score(found, gold, tags, expected)


def as_dicts(entities: Sequence[Entity]) -> list[dict]:
    """Entities as `EntityF1` takes them."""
    return [{"start": one.start, "end": one.end, "label": one.label} for one in entities]


def flatten(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Of spans that overlap, keep the longest, then the leftmost."""
    kept = []
    for span in sorted(spans, key=lambda span: (span[0] - span[1], span)):
        if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
            kept.append(span)
    return sorted(kept)


def _character_tags(entities: Sequence[Entity], text: str) -> list[str]:
    return spans_to_tags(flatten([(one.start, one.end, one.label) for one in entities]), len(text), scheme="bio")


def _token_tags(entities: Sequence[dict], text: TaggedText, scheme: str) -> list[str]:
    spans = [(*find_tokens(text.starts, text.ends, one["start"], one["end"]), one["label"]) for one in entities]
    return spans_to_tags(flatten([span for span in spans if span[0] < span[1]]), len(text.tags), scheme=scheme)


def _score(found: Sequence[Sequence[Entity]], gold, tags: list[list[str]], expected: list[list[str]]) -> dict:
    strict = EntityF1(keep_in_memory=True).compute(predictions=[as_dicts(each) for each in found], references=gold)
    return strict | LenientF1(keep_in_memory=True).compute(predictions=tags, references=expected)
