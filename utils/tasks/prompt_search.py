"""Search for prompts on labelled examples: the words that stand for classes, and the words of a template."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from datasets import Dataset

from ..data.errors import DataError
from ..modeling.cloze_classifier import ClozeClassifier
from ..prediction.label_finder import LabelFinder
from ..prompting.cloze_inputs import ClozeEncoder
from ..prompting.template_pool import fit_weights, rank_templates
from ..prompting.templates import Template, TemplateError
from ..prompting.trigger_search import Examples, Trigger, search_trigger
from ..prompting.verbalizers import Verbalizer, VerbalizerError, Word, token_counts
from ..prompting.word_search import Candidate, WordStatistics, list_tokens, list_words
from ..reading.text_labels import sort_labels
from ..scoring.decisions import DecisionRule
from .search_lines import pool_text, trigger_text, words_text

SCORES_AT_ONCE = 2**24  # 128 MB in float64, as in 1,000 texts of 16,000 words


class Found(NamedTuple):
    """The result of a search.

    Attributes:
        flags: `template`, `verbalizer` and, unless words were searched, `aggregation` for the next run.
        shown: the result as text.
    """

    flags: dict[str, Any]
    shown: str


@dataclass
class PromptSearch:
    """Searches for words, templates and triggers on the same examples.

    Args:
        name_or_path: a masked-language model on disk or on the Hub.
        tokenizer: its tokenizer.
        train: labelled rows to search on.
        validation: labelled rows to choose on; None for `train` itself.
        aggregation: how the words of a class give its score, in the searches for templates and triggers.
        max_length, clean: how inputs are prepared, see `ClozeEncoder`.
        batch_size: texts per forward pass.
        device: where the model runs.
        loading: keyword arguments for `AutoModelForMaskedLM.from_pretrained`.

    Raises:
        DataError: rows have no labels.
    """

    name_or_path: str
    tokenizer: Any
    train: Dataset
    validation: Dataset | None = None
    aggregation: str = "mean"
    max_length: int = 512
    clean: Callable[[str], str] = str
    batch_size: int = 64
    device: str | torch.device = "cpu"
    loading: dict | None = None

    def __post_init__(self):
        for rows in (self.train, self.validation):
            if rows is not None and "label" not in rows.features:
                raise DataError("--search: expected labelled rows in --train_file and --validation_file, found none")

    def run(self, kind: str, templates: Sequence[Template], verbalizer: Verbalizer | None, **options) -> Found:
        """Search for `words` (without a verbalizer), for one of several `templates`, or for a `trigger`.

        Raises:
            PromptError: see the searches.
            ValueError: the model is not a masked-language model.
        """
        if kind == "words":
            return self.find_words(templates[0], **options)
        if kind == "templates":
            return self.rank_templates(templates, verbalizer)
        return self.find_trigger(templates[0], verbalizer, **options)

    def find_words(self, template: Template, *, per_class: int, most_tokens: int, min_count: int) -> Found:
        """The most indicative words for each class of the training rows, see `find_words`."""
        labels = sort_labels(set(self.train["label"][:]))
        listing = {"spaced": template.spaced, "most_tokens": most_tokens, "min_count": min_count}
        candidates = list_candidates(self.tokenizer, texts=self.train["text"][:], **listing)
        words = find_words(
            self.name_or_path,
            self.tokenizer,
            template,
            self._examples(self.train, labels),
            labels=labels,
            candidates=candidates,
            per_class=per_class,
            batch_size=self.batch_size,
            **self._asking(),
        )
        verbalizer = {label: list(found) for label, found in words.items()}
        return Found({"template": template.pattern, "verbalizer": verbalizer}, words_text(words))

    def rank_templates(self, templates: Sequence[Template], verbalizer: Verbalizer) -> Found:
        """The template with the highest accuracy without training."""
        rows = self.validation if self.validation is not None else self.train
        texts, targets, pairs = self._examples(rows, verbalizer.labels)
        logits = [self._finder(template, verbalizer).logits(texts, pairs) for template in templates]
        ranked, weights = rank_templates(logits, np.asarray(targets)), fit_weights(logits, np.asarray(targets))
        patterns = [template.pattern for template in templates]
        flags = self._flags(patterns[ranked[0].number], verbalizer)
        return Found(flags, pool_text(patterns, ranked, weights, rows=len(texts)))

    def find_trigger(self, template: Template, verbalizer: Verbalizer, **search) -> Found:
        """Real words in place of the template's trainable vectors, see `find_trigger` for `search`."""
        words = verbalizer.encode(self.tokenizer, spaced=template.spaced)
        held = self._examples(self.validation, verbalizer.labels) if self.validation is not None else None
        trigger = find_trigger(
            self.name_or_path,
            self.tokenizer,
            template,
            words,
            self._examples(self.train, verbalizer.labels),
            labels=verbalizer.labels,
            aggregation=self.aggregation,
            validation=held,
            batch_size=self.batch_size,
            **self._asking(),
            **search,
        )
        return Found(self._flags(trigger.pattern, verbalizer), trigger_text(trigger))

    def _flags(self, pattern: str, verbalizer: Verbalizer) -> dict[str, Any]:
        return {"template": pattern, "verbalizer": verbalizer.written, "aggregation": self.aggregation}

    def _finder(self, template: Template, verbalizer: Verbalizer) -> LabelFinder:
        words = verbalizer.encode(self.tokenizer, spaced=template.spaced)
        model = ClozeClassifier.from_encoder(
            self.name_or_path,
            words=[[word.label, word.weight, list(word.ids)] for word in words],
            id2label=dict(enumerate(verbalizer.labels)),
            aggregation=self.aggregation,
            mask_token_id=self.tokenizer.mask_token_id,
            loading=self.loading,
        )
        start = model.config.encoder_config.vocab_size
        encoder = ClozeEncoder(self.tokenizer, template, self.max_length, token_counts(words), start, clean=self.clean)
        rule = DecisionRule(verbalizer.labels)
        return LabelFinder(
            model.to(self.device).eval(), self.tokenizer, encoder=encoder, rule=rule, batch_size=self.batch_size
        )

    def _asking(self) -> dict:
        names = ("max_length", "clean", "device", "loading")
        return {name: getattr(self, name) for name in names}

    def _examples(self, rows: Dataset, labels: Sequence[str]) -> Examples:
        ids = {label: i for i, label in enumerate(labels)}
        pairs = rows["text_pair"][:] if "text_pair" in rows.features else None
        return Examples(rows["text"][:], [ids[label] for label in rows["label"][:]], pairs)


def list_candidates(
    tokenizer, *, spaced: bool, texts: Sequence[str] = (), most_tokens: int = 1, min_count: int = 0
) -> list[Candidate]:
    """Words that may stand for a class.

    Args:
        tokenizer: of the masked-language model.
        spaced: whether there is white space before the mask.
        texts: texts in which words are counted, and from which words of several tokens are taken.
        most_tokens: maximum number of tokens of a word.
        min_count: how often a word must occur in `texts`; with 0 every token of the vocabulary is a candidate, and
            every word of several tokens that occurs.
    """
    seen = list_words(tokenizer, texts, spaced=spaced, most_tokens=most_tokens, min_count=max(min_count, 1))
    tokens = list_tokens(tokenizer, spaced=spaced)
    if min_count:
        words = {word.ids for word in seen}
        tokens = [token for token in tokens if token.ids in words]
    return tokens + [word for word in seen if len(word.ids) > 1]


def find_words(
    name_or_path: str,
    tokenizer,
    template: Template,
    examples: Examples,
    *,
    labels: Sequence[str],
    candidates: Sequence[Candidate],
    per_class: int = 3,
    most_probable: int = 1000,
    max_length: int = 512,
    clean: Callable[[str], str] = str,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    loading: dict | None = None,
) -> dict[str, dict[str, float]]:
    """Find label words by likelihood ratio, see `prompting.word_search`.

    Args:
        name_or_path: a masked-language model on disk or on the Hub.
        tokenizer: its tokenizer.
        template: the template, without trainable vectors.
        examples: labelled, of every class.
        labels: names of the classes, in the order of their ids.
        candidates: see `list_candidates`.
        per_class: maximum number of words per class.
        most_probable: for each class, consider only this many candidates: the most probable on its examples.
        max_length, clean: how inputs are prepared, see `ClozeEncoder`.
        batch_size: texts per forward pass.
        device: where the model runs.
        loading: keyword arguments for `AutoModelForMaskedLM.from_pretrained`.

    Returns:
        Class -> word -> log-likelihood ratio, the best first.

    Raises:
        TemplateError: the template has trainable vectors, which are not trained here.
        VerbalizerError: there are no candidates, or none for a class.
        ValueError: the model is not a masked-language model.
    """
    if template.soft:
        raise TemplateError(f"template {template.pattern!r}: expected no trainable vectors, as none are trained here")
    if not candidates:
        raise VerbalizerError("expected words that may stand for classes, found none; lower --word_count")
    words = [[0, 1.0, list(word.ids)] for word in candidates]
    asking = {"mask_token_id": tokenizer.mask_token_id, "template": template.pattern, "loading": loading}
    model = ClozeClassifier.from_encoder(name_or_path, words=words, **asking).to(device).eval()
    encoder = ClozeEncoder(
        tokenizer, template, max_length, model.words.lengths, model.config.encoder_config.vocab_size, clean=clean
    )
    finder = LabelFinder(model, tokenizer, encoder=encoder, batch_size=batch_size)
    statistics = WordStatistics(labels, len(candidates))
    texts, ids, pairs = examples
    size = max(SCORES_AT_ONCE // len(candidates), 1)
    for start in range(0, len(texts), size):
        part = slice(start, start + size)
        scores = finder.word_scores(texts[part], pairs[part] if pairs is not None else None)
        statistics.add(torch.from_numpy(scores), torch.tensor(ids[part]))
    chosen = statistics.choose(per_class=per_class, most_probable=most_probable)
    return {
        label: {candidates[word].text: ratio for word, ratio in found}
        for label, found in zip(labels, chosen, strict=True)
    }


def find_trigger(
    name_or_path: str,
    tokenizer,
    template: Template,
    words: Sequence[Word],
    examples: Examples,
    *,
    labels: Sequence[str],
    aggregation: str = "mean",
    max_length: int = 512,
    clean: Callable[[str], str] = str,
    device: str | torch.device = "cpu",
    loading: dict | None = None,
    **search,
) -> Trigger:
    """Find real words in place of a template's trainable vectors, see `prompting.trigger_search`.

    Args:
        name_or_path: a masked-language model on disk or on the Hub.
        tokenizer: its tokenizer.
        template: with places for words, such as `{text}{soft:4}{mask}`; `{soft:words}` starts the search at these.
        words: of the classes; their tokens are never put into the template.
        examples: labelled.
        labels: names of the classes, in the order of their ids.
        aggregation: how the words of a class give its score.
        max_length, clean: how inputs are prepared, see `ClozeEncoder`.
        device: where the model runs.
        loading: keyword arguments for `AutoModelForMaskedLM.from_pretrained`.
        **search: `validation`, `steps`, `candidates`, `batch_size`, `by_batch`, `seed` of `search_trigger`.

    Raises:
        TemplateError: the template has no places, or there are no words for them.
        ValueError: the model is not a masked-language model, or there are fewer steps than places.
    """
    encoder = ClozeEncoder(tokenizer, template, max_length, token_counts(words), len(tokenizer), clean=clean)
    model = ClozeClassifier.from_encoder(
        name_or_path,
        soft_words=encoder.soft_words,
        words=[[word.label, word.weight, list(word.ids)] for word in words],
        id2label=dict(enumerate(labels)),
        aggregation=aggregation,
        mask_token_id=tokenizer.mask_token_id,
        template=template.pattern,
        loading=loading,
    )
    encoder.soft_start = model.config.encoder_config.vocab_size
    banned = {id for word in words for id in word.ids}
    return search_trigger(model.to(device).eval(), encoder, examples, banned=banned, **search)
