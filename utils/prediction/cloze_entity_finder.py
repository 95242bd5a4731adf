"""A masked-language model that is asked about the spans of texts: exact entities, in order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice

import numpy as np

from ..data.errors import ArgumentError
from ..data.span_questions import OUTSIDE
from ..modeling.joined_windows import Entity
from ..prompting.candidates import Spans, check_spans, choose_spans
from ..prompting.priors import answer_prior, mix_templates
from ..scoring.span_decisions import SpanLogits, choose_entities
from .label_finder import LabelFinder
from .onnx_model import OnnxModel

QUESTIONS = 16384  # prepared and sorted by length together: enough that batches need hardly any padding


class ClozeEntityFinder:
    """Finds entities by asking about the candidate spans of a text: each type's words against those of "no entity".

    Args:
        finders: one for each template; their encoders have a place for the span, their rules name the classes.
        list_spans: text -> candidate spans.
        threshold: log-odds of the best type against "no entity" above which a span is an entity.
        by_batch: divide out the prior of the questions that are asked together.
        share_texts: read each text once for all its questions, several times as fast; the text then does not see the
            question, so answers differ, see `prompting.packed_questions`.

    Attributes:
        priors: what is subtracted from the logits of each template.

    Raises:
        ValueError: there is no class for "no entity"; or texts cannot be shared with this model or these words.
    """

    def __init__(
        self,
        finders: Sequence[LabelFinder],
        list_spans: Callable[[str], Spans],
        *,
        threshold: float = 0.0,
        by_batch: bool = False,
        share_texts: bool = False,
    ):
        self.finders, self.list_spans, self.threshold, self.by_batch = finders, list_spans, threshold, by_batch
        self.share_texts = share_texts
        for finder in finders if share_texts else ():
            finder.check_packing()
        self.labels = finders[0].rule.labels
        if OUTSIDE not in self.labels:
            raise ValueError(
                f"expected words for a class {OUTSIDE} (no entity), found {', '.join(self.labels)}; add them to the "
                "verbalizer"
            )
        self.priors: list[np.ndarray | float] = [0.0] * len(finders)

    tagged = nested = False
    takes_spans = True  # which of a text may be entities

    @classmethod
    def load(
        cls, name_or_path: str, *, revision: str = "main", device: str | None = None, **options
    ) -> "ClozeEntityFinder":
        """Load a model and its tokenizer. No code of the model's directory is run.

        Raises:
            OSError: there is no such model.
            DataError: the model is not one for entities.
            ArgumentError: it is a graph, which cannot read a text once for all its questions.
        """
        finder = LabelFinder.load(name_or_path, revision=revision, device=device, kind="entities", **options)
        config = finder.model.config
        list_spans = choose_spans(config.candidate_kind, max_length=config.candidate_length)
        if config.share_texts and isinstance(finder.model, OnnxModel):
            raise ArgumentError(
                f"{name_or_path}: --share_texts was on in training, which a graph cannot do; use --backend torch"
            )
        return cls([finder], list_spans, threshold=config.entity_threshold, share_texts=config.share_texts)

    @property
    def types(self) -> list[str]:
        """The entity types that are asked about, sorted."""
        return sorted(set(self.labels) - {OUTSIDE})

    def measure_priors(self, texts: Sequence[str] | None = None) -> None:
        """From now on, divide out the model's mean answer to these texts.

        Args:
            texts: unlabelled texts, whose candidate spans are asked about; None for one empty span of an empty text.
        """
        if texts is None:
            nothing = [{"text": "", "span": ""}]
            found = [finder.score_rows(finder.encoder.fill(nothing)) for finder in self.finders]
        else:
            found = self._score(texts, [self.list_spans(text) for text in texts])
        self.priors = [answer_prior(each) for each in found]

    def ask(self, texts: Sequence[str], candidates: Sequence[Spans] | None = None) -> SpanLogits:
        """What the model answers about the candidate spans of texts, under all templates.

        Args:
            texts: all are kept in memory, with a row of logits for each of their spans.
            candidates: spans of each text, instead of those that `list_spans` gives.

        Raises:
            CandidateError: a candidate lies outside its text.
        """
        if candidates is None:
            spans = [self.list_spans(text) for text in texts]
        else:
            spans = [check_spans(text, each) for text, each in zip(texts, candidates, strict=True)]
        found = self._score(texts, spans)
        if not len(found[0]):
            return SpanLogits(spans, found[0])
        priors = [answer_prior(each) for each in found] if self.by_batch else self.priors
        return SpanLogits(spans, mix_templates([each - prior for each, prior in zip(found, priors, strict=True)]))

    def find(self, texts: Sequence[str], candidates: Sequence[Spans] | None = None) -> list[list[Entity]]:
        """The entities of each text, in order; see `ask`."""
        return self.decide(self.ask(texts, candidates))

    def decide(self, asked: SpanLogits) -> list[list[Entity]]:
        """The entities of each text that was asked about."""
        return choose_entities(asked, labels=self.labels, threshold=self.threshold)

    def find_all(self, texts: Iterable[str], *, chunk: int = 4096) -> Iterator[list[Entity]]:
        """The entities of each text of a stream, in order; `chunk` texts are in memory at a time."""
        texts = iter(texts)
        while part := list(islice(texts, chunk)):
            yield from self.find(part)

    def _score(self, texts: Sequence[str], spans: Sequence[Spans]) -> list[np.ndarray]:
        """(questions, num_labels) of each template."""
        questions = ((text, span) for text, each in zip(texts, spans, strict=True) for span in each)
        parts: list[list[np.ndarray]] = [[np.zeros((0, len(self.labels)))] for _ in self.finders]
        while chunk := list(islice(questions, QUESTIONS)):
            values = [{"text": text, "span": text[slice(*span)]} for text, span in chunk]
            places = [span for _, span in chunk]
            for scored, finder in zip(parts, self.finders, strict=True):
                rows = finder.encoder.fill(values, places)
                if not self.share_texts:
                    scored.append(finder.score_rows(rows))
                    continue
                sizes = [(text, len(list(group))) for text, group in groupby(text for text, _ in chunk)]
                empty = finder.encoder.fill([{"text": text, "span": ""} for text, _ in sizes])
                rest = iter(rows)
                groups = [[nothing, *islice(rest, size)] for nothing, (_, size) in zip(empty, sizes, strict=True)]
                scored.append(finder.score_packed(groups))
        return [np.concatenate(scored) for scored in parts]
