"""Decoded windows -> entities of texts -> scores over the full gold."""

from array import array
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from datasets import Dataset
from transformers import EvalPrediction

from ..data.tag_schemes import spans_to_tags, tags_to_spans
from ..encoding.row_batches import BATCH, iterate_column, iterate_rows
from ..encoding.tokenization import find_tokens
from ..modeling.joined_windows import Entity, TaggedText, join_spans, join_tags
from .metrics import EntityCounts, TagCounts, spans_of
from .score_names import scores_of

COLUMNS = ["token_mask", "starts", "ends", "text_index", "num_tokens", "window", "shift"]


class EntityEvaluator:
    """Scores a split; a `compute_metrics` for `Trainer`.

    Windows, tags and gold become Python objects for a thousand texts at a time, so that a split of a million texts
    fits in memory.

    Args:
        dataset: the split's rows (`text`, `entities`).
        encoded: its windows, in the order in which the trainer sees them.
        id2label: id -> tag name, or -> entity type where `scheme` is None.
        scheme: tag scheme of the model's outputs, see `tags_to_spans`; None for span outputs.

    Attributes:
        table: per-class table of the last call, see `EntityF1`.
        scores: names of the scores that a call returns.
    """

    scores = scores_of("entities")

    def __init__(self, dataset: Dataset, encoded: Dataset, *, id2label: dict[int, str], scheme: str | None):
        self.dataset, self.id2label, self.scheme = dataset, id2label, scheme
        self.windows = encoded.select_columns(COLUMNS)
        texts = np.fromiter(iterate_column(encoded, "text_index"), np.int64, len(encoded))
        places = np.fromiter((first for first, *_ in iterate_column(encoded, "window")), np.int64, len(encoded))
        self.order = np.lexsort((places, texts))  # windows by text, then by their place in it
        self.bounds = np.searchsorted(texts[self.order], np.arange(len(dataset) + 1))
        self.table: dict[str, dict] = {}

    def join(self, outputs: tuple, texts: range) -> list[TaggedText | list[Entity]]:
        """Tagged texts, or entity lists for span outputs, in the order of the dataset.

        Args:
            outputs: (tags, posteriors) or (spans, scores) arrays over the windows.
            texts: indices of the texts.
        """
        bounds = self.bounds[texts.start : texts.stop + 1]
        indices = self.order[bounds[0] : bounds[-1]]
        rows, (values, scores) = self.windows.select(indices).to_list(), (each[indices] for each in outputs)
        joined = []
        for first, last in pairwise(bounds - bounds[0]):
            windows = rows[first:last], values[first:last]
            if self.scheme is None:
                joined.append(join_spans(*windows, id2label=self.id2label, scores=scores[first:last]))
            else:
                joined.append(join_tags(*windows, id2label=self.id2label, posteriors=scores[first:last]))
        return joined

    def entities(self, outputs: tuple) -> "FoundEntities":
        """The entities found in each text of the dataset."""
        found = FoundEntities()
        for texts in self._portions():
            for one in self.join(outputs, texts):
                found.append(one if self.scheme is None else one.entities(scheme=self.scheme, read=tags_to_spans))
        return found

    def __call__(self, prediction: EvalPrediction) -> dict[str, float]:
        strict, lenient = EntityCounts(), TagCounts()
        for texts in self._portions():
            rows = self.dataset[texts.start : texts.stop]
            joined = self.join(prediction.predictions, texts)
            for one, gold, text in zip(joined, rows["entities"], rows["text"], strict=True):
                if self.scheme is None:
                    strict.add(one, gold)
                    lenient.add(_character_tags(one, text), _character_tags(gold, text))
                else:
                    strict.add(one.entities(scheme=self.scheme, read=tags_to_spans), gold)
                    lenient.add(one.tags, _token_tags(gold, one))
        scores = strict.scores() | lenient.scores()
        self.table = scores.pop("table")
        return scores

    def _portions(self) -> Iterator[range]:
        for first in range(0, len(self.dataset), BATCH):
            yield range(first, min(first + BATCH, len(self.dataset)))


class FoundEntities(Sequence[list[Entity]]):
    """The entities of each text, stored in arrays: 25 bytes an entity instead of 120."""

    def __init__(self):
        self.starts, self.ends, self.labels, self.scores = array("i"), array("i"), array("i"), array("d")
        self.bounds = array("q", [0])  # of each text's entities
        self.numbers: dict[str, int] = {}

    def append(self, entities: Sequence[Entity]) -> None:
        """Add the entities of a text."""
        for one in entities:
            self.starts.append(one.start)
            self.ends.append(one.end)
            self.labels.append(self.numbers.setdefault(one.label, len(self.numbers)))
            self.scores.append(one.score)
        self.bounds.append(len(self.starts))

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, text: int) -> list[Entity]:
        names, places = list(self.numbers), range(len(self))
        one = slice(self.bounds[places[text]], self.bounds[places[text] + 1])
        columns = self.starts[one], self.ends[one], [names[i] for i in self.labels[one]], self.scores[one]
        return list(map(Entity, *columns))


def score_entities(found: Sequence[Sequence[Entity]], dataset: Dataset) -> dict:
    """Strict scores with their table, see `EntityF1`, and lenient ones over a tag for each character.

    Args:
        found: the entities of each text; where they overlap, the lenient scores take the longest.
        dataset: rows of `text`, `entities`.
    """
    strict, lenient = EntityCounts(), TagCounts()
    for entities, (text, gold) in zip(found, iterate_rows(dataset, "text", "entities"), strict=True):
        strict.add(entities, gold)
        lenient.add(_character_tags(entities, text), _character_tags(gold, text))
    return strict.scores() | lenient.scores()


def flatten(spans: Sequence[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Of spans that overlap, keep the longest, then the leftmost."""
    kept = []
    for span in sorted(spans, key=lambda span: (span[0] - span[1], span)):
        if all(span[1] <= other[0] or other[1] <= span[0] for other in kept):
            kept.append(span)
    return sorted(kept)


def _character_tags(entities: Sequence, text: str) -> list[str]:
    return spans_to_tags(flatten(spans_of(entities)), len(text), scheme="bio")


def _token_tags(entities: Sequence[dict], text: TaggedText) -> list[str]:
    spans = [(*find_tokens(text.starts, text.ends, start, end), label) for start, end, label in spans_of(entities)]
    return spans_to_tags(flatten([span for span in spans if span[0] < span[1]]), len(text.tags), scheme="bio")
