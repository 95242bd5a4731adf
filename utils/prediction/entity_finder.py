"""A trained directory, or a Hub model, applied to texts: exact entities, in order, in constant memory."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from ..data.errors import DataError
from ..data.tag_schemes import SCHEMES, tags_to_spans
from ..encoding.collators import WindowCollator
from ..encoding.entity_windows import WindowEncoder
from ..encoding.tokenization import longest_input
from ..modeling.crf_tagger import decode_softmax
from ..modeling.joined_windows import Entity, group_windows, join_spans, join_tags
from ..modeling.span_tagger import SpanTagger
from ..scoring.joint_decisions import CharacterTags, spread_tags
from ..tagging.tag_spellings import ModelTags, read_model_tags
from .model_kinds import KINDS, asks_spans
from .onnx_model import answers_like
from .trained_models import Finder

logger = logging.getLogger(__name__)


class EntityFinder(Finder):
    """Finds entities with any of our NER models, or with a stock token classifier.

    Args:
        model, tokenizer: see `Finder`.
        **running: `batch_size` (windows) and `bf16`, see `Finder`.

    Example:
        >>> finder = EntityFinder.load("outputs/quickstart")  # doctest: +SKIP
        >>> finder.find(["张伟在北京大学教书。"])  # doctest: +SKIP
        [[Entity(start=0, end=2, label='name', score=0.98), Entity(start=3, end=7, label='organization', score=0.93)]]
    """

    kind = "entities"
    takes_spans = False  # which of a text may be entities

    def __init__(self, model: PreTrainedModel, tokenizer, **running):
        super().__init__(model, tokenizer, **running)
        config = model.config
        self.id2label = {int(i): label for i, label in config.id2label.items()}
        self.ours = answers_like(model, KINDS["entities"].heads)
        self.spans = answers_like(model, SpanTagger)
        self.scheme = None
        if not self.spans:
            tags = find_tags(model)
            self.id2label, self.scheme = dict(enumerate(tags.names)), tags.scheme
        longest = getattr(config, "window_length", None) or min(512, longest_input(tokenizer, config))
        stride = getattr(config, "window_stride", None)
        self.encoder = WindowEncoder(tokenizer, max_length=longest, stride=longest // 4 if stride is None else stride)
        self.collate = WindowCollator(tokenizer.pad_token_id or 0, with_token_mask=self.ours)

    @classmethod
    def _check(cls, name_or_path: str, fields: Mapping[str, Any]) -> None:
        if asks_spans(fields):
            raise DataError(
                f"{name_or_path}: expected a tagger trained by run_ner.py, found a model that is asked about spans; "
                "use it with predict.py"
            )

    def find(self, texts: Sequence[str]) -> list[list[Entity]]:
        """The entities of each text, in order."""
        found = []
        for windows, values, scores in self._read(texts, self._decode):
            if self.spans:
                found.append(join_spans(windows, values, id2label=self.id2label, scores=scores))
            else:
                tagged = join_tags(windows, values, id2label=self.id2label, posteriors=scores)
                found.append(tagged.entities(scheme=self.scheme, read=tags_to_spans))
        return found

    def character_tags(self, texts: Sequence[str], types: Sequence[str]) -> list[CharacterTags]:
        """The probabilities of the characters of each text, in order; of a model with tags.

        Args:
            types: entity types in the order of the result, those of this model among them.
        """
        found = []
        for text, (windows, tags, chances) in zip(texts, self._read(texts, self._weigh), strict=True):
            tagged = join_tags(windows, tags, id2label=self.id2label, posteriors=chances)
            loose = self.scheme not in SCHEMES
            told = {"id2label": self.id2label, "types": types, "loose": loose, "chained": self.chained}
            found.append(spread_tags(tagged, len(text), **told))
        return found

    def span_cells(self, texts: Sequence[str], *, least: float) -> list[list[Entity]]:
        """All spans of each text whose score is above `least`, whether they are entities or not; of a head for spans.

        Of a window at most the best eight for each token: an untrained head would otherwise return all.

        Args:
            texts: to be read.
            least: log-odds.

        Returns:
            The spans of each text in order, `score` being the probability. Of a span in several windows, that of the
            window in which it is furthest from a border.
        """

        def decode(batch: dict, rows: list[dict]) -> tuple[list, list]:
            return self._score_cells(batch, least)

        named = {"id2label": self.id2label}
        return [
            join_spans(windows, cells, scores=scores, **named) for windows, cells, scores in self._read(texts, decode)
        ]

    def _read(self, texts: Sequence[str], decode: Callable[[dict, list[dict]], tuple]) -> Iterator[tuple]:
        """For each text its windows, and for each window the two outputs of `decode`."""
        rows = [row for windows in self.encoder.encode(texts) for row in windows]
        outputs: list = [None] * len(rows)
        for indices in self._batches(rows):
            batch = [rows[i] for i in indices]
            for i, *decoded in zip(indices, *decode(self.collate(batch), batch), strict=True):
                outputs[i] = decoded
        for indices in group_windows(rows, len(texts)):
            yield [rows[i] for i in indices], *zip(*(outputs[i] for i in indices), strict=True)

    def find_all(self, texts: Iterable[str], *, chunk: int = 4096) -> Iterator[list[Entity]]:
        """The entities of each text of a stream, in order; `chunk` texts are held and sorted by length at a time."""
        texts = iter(texts)
        while part := list(islice(texts, chunk)):
            yield from self.find(part)

    @property
    def head(self) -> str:
        """`softmax`, `crf` or `span`."""
        return "span" if self.spans else getattr(self.model.config, "head", "softmax")

    @property
    def stock(self) -> bool:
        """Whether the model is a stock token classifier, whose logits are decoded here."""
        return not self.ours

    @property
    def tagged(self) -> bool:
        """Whether the model has tags; otherwise it finds spans."""
        return not self.spans

    @property
    def chained(self) -> bool:
        """Whether the tags of a text depend on each other, see `CharacterTags`."""
        return getattr(self.model, "crf", None) is not None

    @property
    def nested(self) -> bool:
        """Whether entities may overlap."""
        return getattr(self.model.config, "nested", False)

    @property
    def constrained(self) -> bool:
        """Whether independent tags are decoded under the rules of their scheme."""
        return getattr(self.model.config, "constrained", False)

    @property
    def label2id(self) -> dict[str, int]:
        """The id of each tag or type; where several labels are read as O, the id of the one that is called so."""
        own = self.model.config.id2label
        return {name: i for i, name in sorted(self.id2label.items(), key=lambda item: own[item[0]] == item[1])}

    @property
    def types(self) -> list[str]:
        """The entity types that the model knows, sorted."""
        labels = set(self.id2label.values())
        return sorted(labels if self.spans else {label[2:] for label in labels if label[1:2] == "-"})

    @torch.inference_mode()
    def _decode(self, batch: dict, rows: list[dict]) -> tuple[list, list]:
        outputs = self._forward(batch)
        if self.spans:
            return outputs.spans.tolist(), outputs.span_scores.tolist()
        if self.ours:
            return outputs.tags.tolist(), outputs.posteriors.tolist()
        labels = [self.id2label[i] for i in range(len(self.id2label))]
        decoding = {"labels": labels, "constrained": self.constrained}
        tags, posteriors = decode_softmax(outputs.logits, self._mask(batch, rows), **decoding)
        return tags.tolist(), posteriors.tolist()

    @torch.inference_mode()
    def _weigh(self, batch: dict, rows: list[dict]) -> tuple[list, list]:
        """The likeliest tags, and (length, num_labels) probabilities of all."""
        logits = self._forward(batch)["logits"].float()
        crf = getattr(self.model, "crf", None)
        chances = crf.marginals(logits, self._mask(batch, rows)) if crf is not None else logits.softmax(-1)
        return chances.argmax(-1).tolist(), list(chances.cpu().numpy())

    @torch.inference_mode()
    def _score_cells(self, batch: dict, least: float) -> tuple[list, list]:
        """For each window (cells, 3) first token, last token and type, and the probability of each."""
        logits = self._forward(batch)["logits"].float()  # (batch, num_types, length, length)
        length = logits.shape[-1]
        scores, places = logits.flatten(1).topk(min(8 * length, logits[0].numel()), dim=1)  # (batch, cells)
        kind, first, last = places // length**2, places // length % length, places % length
        cells, kept = torch.stack([first, last, kind], -1), (scores > least).cpu()
        chances = scores.sigmoid().cpu()
        return [one[here].tolist() for one, here in zip(cells.cpu(), kept, strict=True)], [
            one[here].tolist() for one, here in zip(chances, kept, strict=True)
        ]

    def _mask(self, batch: dict, rows: list[dict]) -> Tensor:
        """(batch, length) bool: the positions that have a tag."""
        mask = torch.zeros_like(batch["input_ids"], dtype=torch.bool)
        for i, row in enumerate(rows):
            mask[i, : row["length"]] = torch.tensor(row["token_mask"])
        return mask.to(self.model.device)


def find_tags(model: PreTrainedModel) -> ModelTags:
    """The tags that the labels of a token classifier stand for, and how they are read.

    Raises:
        DataError: it is a model from elsewhere whose labels name no entities.
    """
    config = model.config
    labels, scheme = [config.id2label[i] for i in range(config.num_labels)], getattr(config, "tag_scheme", None)
    if scheme in SCHEMES:  # ours
        return ModelTags(labels, scheme)
    try:
        tags = read_model_tags(labels)
    except DataError as error:
        raise DataError(f"{model.name_or_path}: {error}") from None
    if tags.names != labels:
        shown = [f"{label} as {name}" for label, name in zip(labels, tags.names, strict=True)]
        logger.info("%s: labels are read as tags: %s", model.name_or_path, ", ".join(shown))
    return tags
