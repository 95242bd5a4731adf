"""Templates found by gradient: real tokens in place of trainable vectors, changed one by one to lower the loss.

Taylor Shin, Yasaman Razeghi, Robert L. Logan IV, Eric Wallace and Sameer Singh, 2020: AutoPrompt: Eliciting Knowledge
from Language Models with Automatically Generated Prompts, section 2. The first-order change of the loss ranks the
whole vocabulary for a place; the best-ranked tokens are tried.
"""

import logging
import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from ..modeling.token_inputs import token_ids
from .cloze_inputs import ClozeCollator, ClozeEncoder
from .templates import Template, TemplateError

logger = logging.getLogger(__name__)

_SOFT = re.compile(r"(\{\{|\}\})|(\s*)\{soft:[^{}]*\}")
_SPACE_BESIDE_CHINESE = re.compile("(?<=[\u3000-\u9fff\uff00-\uffef]) | (?=[\u3000-\u9fff\uff00-\uffef])")


class Examples(NamedTuple):
    """Labelled texts."""

    texts: Sequence[str]
    labels: Sequence[int]  # class ids
    pairs: Sequence[str] | None = None  # the second texts of pairs


class Trigger(NamedTuple):
    """What a search has found."""

    pattern: str  # the template, with words in place of trainable vectors
    before: float  # mean loss when the search began, with masks, or with the words that the template gives
    after: float  # mean loss with the words found, on the same examples
    steps: list[tuple[str, float]]  # every template that was kept on the way and its loss, in order


def search_trigger(
    model,
    encoder: ClozeEncoder,
    examples: Examples,
    *,
    validation: Examples | None = None,
    banned: Collection[int] = (),
    steps: int = 50,
    candidates: int = 10,
    batch_size: int = 32,
    by_batch: bool = False,
    seed: int = 0,
) -> Trigger:
    """Find words for the places of a template's trainable vectors.

    Args:
        model: a cloze classifier in eval mode that has these vectors. The search begins with the words that
            they start from, else with masks. It changes the vectors.
        encoder: prepares texts for it.
        examples: the loss on these is lowered.
        validation: the template is chosen by the loss on these; None for `examples` themselves.
        banned: tokens that must not be chosen, such as those of the label words.
        steps: number of places that are tried, one after the other in a new order each round; every place at least
            once. If all examples are drawn each time, a round without a change is the last.
        candidates: tokens that are tried at each.
        batch_size: examples per step, drawn anew each time; also texts per forward pass.
        by_batch: divide out the prior of the classes, estimated over the examples, before measuring the loss. Without
            that, most of the loss may come from the prior, and the words found may correct only that.
        seed: of the draws.

    Returns:
        The template with the lowest loss whose text is read back as exactly the tokens that were tried.

    Raises:
        TemplateError: it has no trainable vectors; or no template found is read back so.
        ValueError: fewer steps than places.
    """
    search = _Search(model, encoder, banned, batch_size, by_batch)
    places = len(search.tokens)
    if steps < places:
        raise ValueError(f"expected a step or more for each of {places} places, found {steps}")
    held = validation or examples
    before = after = search.mean_loss(held)
    visited = [(before, list(search.tokens))] if None not in search.tokens else []
    draw, order, changed = random.Random(seed), [], True
    for step in range(1, steps + 1):
        if not order:
            if not changed and batch_size >= len(examples.texts):
                break  # another round would find the same
            order, changed = draw.sample(range(places), places), False
        place = order.pop()
        drawn = draw.sample(range(len(examples.texts)), min(batch_size, len(examples.texts)))
        if search.change(place, _select(examples, drawn), candidates):
            changed = True
            after = search.mean_loss(held)
            if None not in search.tokens:
                visited.append((after, list(search.tokens)))
        logger.info("step %d of %d: loss %.4f, %r", step, steps, after, search.shown())
    marked = [search.mark(examples), search.mark(held)]
    for loss, tokens in sorted(visited, key=lambda one: one[0]):
        if pattern := search.write(tokens, marked):
            kept = [(search.shown(each), value) for value, each in visited]
            return Trigger(pattern, before, loss, kept)
    raise TemplateError(
        f"template {encoder.template.pattern!r}: expected words that are read as the same tokens next to every text, "
        "found none; put white space or punctuation between {text} and {soft:...}"
    )


@dataclass
class _Search:
    """The tokens that now stand for the vectors; None where there is still a mask."""

    model: Any
    encoder: ClozeEncoder
    banned: Collection[int]
    batch_size: int
    by_batch: bool
    tokens: list[int | None] = field(init=False)

    def __post_init__(self):
        if not self.encoder.soft_words:
            raise TemplateError(
                f"template {self.encoder.template.pattern!r}: expected places for words, such as {{soft:4}}, "
                "found none"
            )
        # White space before a place belongs to the word there, as a byte-level tokenizer has it.
        pattern = _SOFT.sub(lambda match: match[0] if match[1] else match[0].lstrip(), self.encoder.template.pattern)
        self.written = self.encoder.template.pattern
        self.encoder = replace(self.encoder, template=Template(pattern))
        self.whole = replace(self.encoder, max_length=10**9)  # nothing is cut where tokens are compared
        self.tokens = list(self.encoder.soft_words)
        self.table = self.model.get_input_embeddings().weight.detach()
        self.collate = ClozeCollator(self.encoder.tokenizer, self.encoder.lengths)
        usable = _list_usable(self.encoder.tokenizer, self.banned)
        self.usable = torch.tensor(usable, dtype=torch.int64, device=self.table.device)
        self.model.requires_grad_(False)
        self.model.soft.weight.requires_grad_(True)
        for place, token in enumerate(self.tokens):
            self.put(place, token)

    @torch.no_grad()
    def put(self, place: int, token: int | None) -> None:
        self.model.soft.weight[place] = self.table[self.encoder.tokenizer.mask_token_id if token is None else token]

    def change(self, place: int, examples: Examples, candidates: int) -> bool:
        """Try the most promising tokens at a place, keep the best if the loss falls, and return whether it did."""
        batches = self.batches(examples)
        loss = self.loss(batches)
        (gradient,) = torch.autograd.grad(loss, self.model.soft.weight)
        promise = -(self.table[self.usable] @ gradient[place])
        losses, before, marked = {}, self.tokens[place], [self.mark(examples)]
        for token in self.usable[promise.argsort(descending=True)[: 4 * candidates]].tolist():
            self.tokens[place] = token
            if token != before and self.write(self.tokens, marked):
                self.put(place, token)
                with torch.no_grad():
                    losses[token] = float(self.loss(batches))
            if len(losses) == candidates:
                break
        best = min(losses, key=losses.get, default=None)
        better = best is not None and (before is None or losses[best] < float(loss.detach()))
        self.tokens[place] = best if better else before
        self.put(place, self.tokens[place])
        return better

    def batches(self, examples: Examples) -> list[dict[str, Tensor]]:
        rows = self.encoder.encode(examples.texts, examples.pairs)
        rows = [row | {"labels": label} for row, label in zip(rows, examples.labels, strict=True)]
        rows.sort(key=lambda row: row["length"])
        starts = range(0, len(rows), self.batch_size)
        batches = [self.collate(rows[start : start + self.batch_size]) for start in starts]
        return [{name: value.to(self.table.device) for name, value in batch.items()} for batch in batches]

    def loss(self, batches: list[dict[str, Tensor]]) -> Tensor:
        """Mean over examples."""
        logits = torch.cat([self.model(**batch).logits for batch in batches]).log_softmax(-1)
        if self.by_batch:
            logits = logits - logits.logsumexp(0)  # (num_labels,) the prior, but for a constant
        return cross_entropy(logits, torch.cat([batch["labels"] for batch in batches]))

    @torch.no_grad()
    def mean_loss(self, examples: Examples) -> float:
        return float(self.loss(self.batches(examples)))

    def mark(self, examples: Examples) -> tuple[Examples, list[dict]]:
        """Examples, and their inputs with the ids of vectors."""
        return examples, self.whole.encode(examples.texts, examples.pairs)

    def write(self, tokens: Sequence[int | None], marked: Sequence[tuple[Examples, list[dict]]]) -> str:
        """The template as text, if the tokenizer reads it back with these examples as these tokens; else nothing.

        Places where there is still a mask are left out on both sides.
        """
        chosen = {self.encoder.soft_start + place: token for place, token in enumerate(tokens)}
        for pattern in self.spellings(tokens):
            plain = replace(self.whole, template=Template(pattern))
            if all(
                _stand_in(row[side], chosen) == found[side]
                for (texts, _, pairs), rows in marked
                for row, found in zip(rows, plain.encode(texts, pairs), strict=True)
                for side in ("before", "after")
            ):
                return pattern
        return ""

    def shown(self, tokens: Sequence[int | None] | None = None) -> str:
        """The template as text, for people."""
        return self.spellings(tokens or self.tokens)[0]

    def spellings(self, tokens: Sequence[int | None]) -> list[str]:
        """The template with words in place of vectors: Chinese without spaces, and as the tokenizer decodes it."""
        decoded, start = [], 0
        for size in self.encoder.runs:
            run = [token for token in tokens[start : start + size] if token is not None]
            decoded.append(self.encoder.tokenizer.decode(run, clean_up_tokenization_spaces=False))
            start += size
        compact = [_SPACE_BESIDE_CHINESE.sub("", words) for words in decoded]
        return [_fill_places(self.written, words) for words in dict.fromkeys((tuple(compact), tuple(decoded)))]


def _fill_places(pattern: str, words: Sequence[str]) -> str:
    remaining = iter(words)

    def fill(match: re.Match) -> str:
        if match[1]:
            return match[1]
        text = next(remaining).replace("{", "{{").replace("}", "}}")
        return text if text[:1].isspace() else match[2] + text

    return _SOFT.sub(fill, pattern)


def _stand_in(ids: list[int], chosen: dict[int, int | None]) -> list[int]:
    """One side of the masks, with tokens in place of vectors."""
    return [token for id in ids if (token := chosen.get(id, id)) is not None]


def _list_usable(tokenizer, banned: Collection[int]) -> list[int]:
    """Tokens whose text is printable and read as the same token."""
    ids = sorted(set(range(len(tokenizer))) - {*tokenizer.all_special_ids, *banned})
    texts = [tokenizer.decode([id], clean_up_tokenization_spaces=False) for id in ids]
    known = [(id, text) for id, text in zip(ids, texts, strict=True) if text.strip() and text.isprintable()]
    read = token_ids(tokenizer, [text for _, text in known])
    return [id for (id, _), ids in zip(known, read, strict=True) if ids == [id]]


def _select(examples: Examples, indices: Sequence[int]) -> Examples:
    return Examples(*([column[i] for i in indices] if column is not None else None for column in examples))
