"""Search for prompts on labelled examples: the words that stand for classes, and the words of a template."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from datasets import Dataset

from ..data.errors import DataError, counted
from ..modeling.cloze_classifier import ClozeClassifier
from ..prediction.label_finder import LabelFinder
from ..prompting.cloze_inputs import ClozeEncoder
from ..prompting.template_pool import TemplateScore, fit_weights, rank_templates
from ..prompting.templates import Template, TemplateError
from ..prompting.trigger_search import Examples, Trigger, search_trigger
from ..prompting.verbalizers import Verbalizer, VerbalizerError, Word, token_counts
from ..prompting.word_search import Candidate, WordStatistics, list_tokens, list_words
from ..reading.text_labels import sort_labels

SCORES_AT_ONCE = 2**24  # 128 MB in float64, as in 1,000 texts of 16,000 words


class Found(NamedTuple):
    """The result of a search.

    Attributes:
        flags: `template`, `verbalizer` and, unless words were searched, `aggregation` for the next run.
        shown: the result as text.
    """

    flags: dict[str, Any]
    shown: str


class PromptSearch:
    """Searches for words, templates and triggers on the same examples.

    Args:
        name_or_path: a masked-language model on disk or on the Hub.
        tokenizer: its tokenizer.
        train: labelled rows to search on.
        validation: labelled rows to choose on; None for `train` itself.
        aggregation: how the words of a class give its score, in the searches for templates and triggers.
        batch_size, **asking: see `load_finder`.

    Raises:
        DataError: rows have no labels.
    """

    def __init__(
        self,
        name_or_path: str,
        tokenizer,
        *,
        train: Dataset,
        validation: Dataset | None = None,
        aggregation: str = "mean",
        batch_size: int = 64,
        **asking,
    ):
        for rows in (train, validation):
            if rows is not None and "label" not in rows.features:
                raise DataError("--search: expected labelled rows in --train_file and --validation_file, found none")
        self.start, self.train, self.validation = (name_or_path, tokenizer), train, validation
        self.aggregation, self.asking = aggregation, {"batch_size": batch_size, **asking}

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

    def find_words(self, template: Template, *, per_class: int, **listing) -> Found:
        """The most indicative words for each class of the training rows, see `find_words` and `list_candidates`."""
        labels = sort_labels(set(self.train["label"][:]))
        examples = self._examples(self.train, labels)
        candidates = list_candidates(self.start[1], spaced=template.spaced, texts=examples.texts, **listing)
        choosing = {"labels": labels, "candidates": candidates, "per_class": per_class, **self.asking}
        words = find_words(*self.start, template, examples, **choosing)
        verbalizer = {label: list(found) for label, found in words.items()}
        return Found({"template": template.pattern, "verbalizer": verbalizer}, words_text(words))

    def rank_templates(self, templates: Sequence[Template], verbalizer: Verbalizer) -> Found:
        """The template with the highest accuracy without training."""
        rows = self.validation if self.validation is not None else self.train
        texts, targets, pairs = self._examples(rows, verbalizer.labels)
        own = {"labels": verbalizer.labels, "aggregation": self.aggregation, **self.asking}
        finders = (load_finder(*self.start, each, self._encode(verbalizer, each), **own) for each in templates)
        logits = [finder.logits(texts, pairs) for finder in finders]
        ranked, weights = rank_templates(logits, np.asarray(targets)), fit_weights(logits, np.asarray(targets))
        patterns = [template.pattern for template in templates]
        flags = self._flags(patterns[ranked[0].number], verbalizer)
        return Found(flags, pool_text(patterns, ranked, weights, rows=len(texts)))

    def find_trigger(self, template: Template, verbalizer: Verbalizer, **search) -> Found:
        """Real words in place of the template's trainable vectors, see `find_trigger` for `search`."""
        labels, words = verbalizer.labels, self._encode(verbalizer, template)
        search |= {"labels": labels, "aggregation": self.aggregation, "asking": self.asking}
        search["batch_size"] = self.asking["batch_size"]
        if self.validation is not None:
            search["validation"] = self._examples(self.validation, labels)
        trigger = find_trigger(*self.start, template, words, self._examples(self.train, labels), **search)
        return Found(self._flags(trigger.pattern, verbalizer), trigger_text(trigger))

    def _encode(self, verbalizer: Verbalizer, template: Template) -> list[Word]:
        return verbalizer.encode(self.start[1], spaced=template.spaced)

    def _flags(self, pattern: str, verbalizer: Verbalizer) -> dict[str, Any]:
        return {"template": pattern, "verbalizer": verbalizer.written, "aggregation": self.aggregation}

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


def load_finder(
    name_or_path: str,
    tokenizer,
    template: Template,
    words: Sequence[Word],
    *,
    labels: Sequence[str] | None = None,
    aggregation: str = "mean",
    max_length: int = 512,
    clean: Callable[[str], str] = str,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
    loading: dict | None = None,
) -> LabelFinder:
    """A masked-language model that is asked for words in the place of a template's masks.

    Args:
        name_or_path: a masked-language model on disk or on the Hub.
        tokenizer: its tokenizer.
        template: of the inputs; its trainable vectors are those of the words that they start from.
        words: label words as they are encoded in the template.
        labels: names of the classes, in the order of their ids; None if only words are scored.
        aggregation: how the words of a class give its score.
        max_length, clean: how inputs are prepared, see `ClozeEncoder`.
        batch_size: texts per forward pass.
        device: where the model runs.
        loading: keyword arguments for `AutoModelForMaskedLM.from_pretrained`.

    Raises:
        ValueError: the model is not a masked-language model.
    """
    encoder = ClozeEncoder(tokenizer, template, max_length, token_counts(words), len(tokenizer), clean=clean)
    model = ClozeClassifier.from_encoder(
        name_or_path,
        soft_words=encoder.soft_words,
        words=[[word.label, word.weight, list(word.ids)] for word in words],
        aggregation=aggregation,
        mask_token_id=tokenizer.mask_token_id,
        template=template.pattern,
        loading=loading,
        **({} if labels is None else {"id2label": dict(enumerate(labels))}),
    )
    encoder.soft_start = model.config.encoder_config.vocab_size
    return LabelFinder(model.to(device).eval(), tokenizer, encoder=encoder, batch_size=batch_size)


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
    **asking,
) -> dict[str, dict[str, float]]:
    """Find label words by likelihood ratio, see `prompting.word_search`.

    Args:
        name_or_path, tokenizer: a masked-language model.
        template: the template, without trainable vectors.
        examples: labelled, of every class.
        labels: names of the classes, in the order of their ids.
        candidates: see `list_candidates`.
        per_class: maximum number of words per class.
        most_probable: for each class, consider only this many candidates: the most probable on its examples.
        **asking: see `load_finder`.

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
    words = [Word(each.text, 0, 1.0, each.ids) for each in candidates]
    finder = load_finder(name_or_path, tokenizer, template, words, **asking)
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
    asking: Mapping[str, Any] | None = None,
    **search,
) -> Trigger:
    """Find real words in place of a template's trainable vectors, see `prompting.trigger_search`.

    Args:
        name_or_path, tokenizer: a masked-language model.
        template: with places for words, such as `{text}{soft:4}{mask}`; `{soft:words}` starts the search at these.
        words: of the classes; their tokens are never put into the template.
        examples: labelled.
        labels, aggregation, asking: see `load_finder`.
        **search: `validation`, `steps`, `candidates`, `batch_size`, `by_batch`, `seed` of `search_trigger`.

    Raises:
        TemplateError: the template has no places, or there are no words for them.
        ValueError: the model is not a masked-language model, or there are fewer steps than places.
    """
    own = {"labels": labels, "aggregation": aggregation, **(asking or {})}
    finder = load_finder(name_or_path, tokenizer, template, words, **own)
    banned = {id for word in words for id in word.ids}
    return search_trigger(finder.model, finder.encoder, examples, banned=banned, **search)


def words_text(words: Mapping[str, Mapping[str, float]]) -> str:
    """The words of each class with their log-likelihood ratios; `words`: class -> word -> ratio."""
    lines = ["label words, with the log-likelihood ratio of their class against the rest:"]
    for label, found in words.items():
        lines.append(f"  {label}: " + "  ".join(f"{word} {ratio:.2f}" for word, ratio in found.items()))
    return "\n".join(lines)


def pool_text(patterns: Sequence[str], ranked: Sequence[TemplateScore], weights: Sequence[float], *, rows: int) -> str:
    """Templates, the best first, with their scores on `rows` rows and their weights in the ensemble.

    Args:
        patterns, weights: in the order of the pool.
        ranked: see `rank_templates`.
    """
    lines = [f"templates on {rows:,} rows: score, mean log-probability of the right class, weight among all"]
    for number, score, likelihood in ranked:
        lines.append(f"  {100 * score:5.1f}  {likelihood:8.4f}  {weights[number]:.2f}  {patterns[number]}")
    return "\n".join(lines)


def trigger_text(trigger: Trigger) -> str:
    """The best template, and the loss before and after the search."""
    tried = counted(len(trigger.steps), "template")
    return f"the best of {tried}: loss {trigger.before:.4f} -> {trigger.after:.4f}\n  {trigger.pattern}"
