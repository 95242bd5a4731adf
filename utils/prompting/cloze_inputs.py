"""Texts in a cloze template, as inputs with as many masks as the label words have tokens."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..encoding.masking import draw_numbers
from ..modeling.token_inputs import SpecialTokens, Tokens, fit_longest, token_ids, tokenize
from .templates import Masks, Piece, Segment, Template, TemplateError

CUT_FIELDS = ("text", "text_pair")  # these are cut if an input is too long; the template and a span never are


@dataclass
class ClozeEncoder:
    """Rows of texts -> the ids before and after the masks; a callable for `Dataset.map`.

    A text that does not fit loses its end; if a span of it is asked about (`{span}`), it loses both ends, so that the
    span stays as near to the middle as possible.

    Columns:
        before, after: ids on both sides of the masks, special tokens included. length: of the longest input.
        labels: class id. cut: sub-tokens of the texts that did not fit. index: row number in the data set.

    Raises:
        TemplateError: the template leaves no room for text.
    """

    tokenizer: Any  # a fast one
    template: Template
    max_length: int  # sub-tokens per input, special tokens and masks included
    lengths: Sequence[int]  # token counts of the words that are asked for, rising
    soft_start: int  # id of the first trainable vector: the vocabulary's size
    label2id: dict[str, int] | None = None  # None for rows that are not labelled
    clean: Callable[[str], str] = str  # changes every text before it is tokenized
    special: SpecialTokens = field(init=False)
    runs: list[int] = field(init=False)  # how many trainable vectors each place for them has
    soft_words: list[int | None] = field(init=False)  # the token that each vector starts from; None for a random start

    pool = None  # no windows, see `TextEncoder.pool`

    def __post_init__(self):
        self.special = SpecialTokens.of(self.tokenizer)
        words = [piece.words for piece in self.template.soft]
        known = token_ids(self.tokenizer, words)
        self.runs = [len(ids) or piece.count for ids, piece in zip(known, self.template.soft, strict=True)]
        self.soft_words = [id for ids, size in zip(known, self.runs, strict=True) for id in ids or [None] * size]
        needed = self.fill([dict.fromkeys(self.template.fields, "")])[0]["length"]
        if needed >= self.max_length:
            raise TemplateError(
                f"the template takes {needed} of {self.max_length} sub-tokens and leaves no room for text; "
                "shorten it, or raise --max_length"
            )

    @property
    def pair(self) -> bool:
        """Whether inputs are pairs."""
        return "text_pair" in self.template.fields

    @property
    def asks_spans(self) -> bool:
        """Whether inputs are texts, each with a span of it; rows have `text`, `span`, `start` and `end`."""
        return "span" in self.template.fields

    def __call__(self, batch: dict, indices: Sequence[int]) -> dict[str, list]:
        if self.asks_spans:
            values = [{"text": text, "span": span} for text, span in zip(batch["text"], batch["span"], strict=True)]
            rows = self.fill(values, list(zip(batch["start"], batch["end"], strict=True)))
        else:
            rows = self.encode(batch["text"], batch["text_pair"] if self.pair else None)
        columns = {name: [row[name] for row in rows] for name in rows[0]} | {"index": list(indices)}
        if self.label2id and "label" in batch:
            columns["labels"] = [self.label2id[label] for label in batch["label"]]
        return columns

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[dict]:
        """The input of each text, or of each pair, in order.

        Raises:
            ValueError: second texts are missing, or there is no place for them.
        """
        if self.pair != (pairs is not None):
            has, found = ("has a", "single texts") if self.pair else ("has no", "pairs")
            raise ValueError(f"the template {has} {{text_pair}}, but the rows are {found}")
        others = [{}] * len(texts) if pairs is None else [{"text_pair": text} for text in pairs]
        return self.fill([{"text": text, **other} for text, other in zip(texts, others, strict=True)])

    def fill(self, values: Sequence[Mapping[str, str]], places: Sequence[tuple[int, int]] | None = None) -> list[dict]:
        """The input of each row, in order.

        Args:
            values: what to put into the template's places.
            places: for each row, start and end of the span in the text, in characters, end exclusive.
        """
        filled = [self.template.fill({name: self.clean(text) for name, text in row.items()}) for row in values]
        filled = [_trim_before_masks(pieces) for pieces in filled]
        texts = _texts_of(filled)
        ids = dict(zip(texts, token_ids(self.tokenizer, texts), strict=True))
        rows = [self._row(*self._lay_out(pieces, lambda piece: ids[piece.text])) for pieces in filled]
        # Which text a sub-token belongs to is looked up only if something must be cut.
        if long := [i for i, row in enumerate(rows) if row["length"] > self.max_length]:
            texts = _texts_of([filled[i] for i in long])
            known = dict(zip(texts, tokenize(self.tokenizer, texts), strict=True))
            for i in long:
                rows[i] = self._cut(filled[i], known, places[i] if places else (0, 0))
        return rows

    def _row(self, before: list[int], after: list[int]) -> dict:
        return {"before": before, "after": after, "length": len(before) + len(after) + self.lengths[-1], "cut": 0}

    def _lay_out(self, pieces: list[Piece], read: Callable[[Segment], Sequence]) -> tuple[list, list]:
        """Both sides of the masks: special tokens, trainable vectors, and what `read` gives for a segment."""
        side, before, vector = list(self.special.prefix), [], self.soft_start
        runs = iter(self.runs)
        for piece in pieces:
            if isinstance(piece, Segment):
                side += read(piece)
            elif isinstance(piece, Masks):
                before, side = side, []
            else:
                count = next(runs)
                side += range(vector, vector + count)
                vector += count
        return before, side + self.special.suffix

    def _cut(self, pieces: list[Piece], known: dict[str, Tokens], place: tuple[int, int]) -> dict:
        """One input that is too long in full: the sub-tokens of the text that are furthest from the place go."""
        first = last = 0  # sub-tokens of the text before the place, and up to its end
        owners: dict[Segment, list[str]] = {}  # of each sub-token, the place of the template that it fills
        for piece in filter(lambda piece: isinstance(piece, Segment), pieces):
            tokens = known[piece.text]
            owners[piece] = [piece.find_field(*each) for each in zip(tokens.starts, tokens.ends, strict=True)]
            for name, begin, _ in piece.fields:
                if name == "text":
                    ends = [
                        end - begin for end, owner in zip(tokens.ends, owners[piece], strict=True) if owner == name
                    ]
                    first, last = bisect_right(ends, place[0]), bisect_left(ends, place[1]) + 1
        sides = self._lay_out(pieces, lambda piece: known[piece.text].ids)
        owned = self._lay_out(pieces, owners.__getitem__)

        counts = [sum(side.count(name) for side in owned) for name in CUT_FIELDS]
        rest = sum(map(len, sides)) - sum(counts) + self.lengths[-1]
        kept = dict(zip(CUT_FIELDS, fit_longest(*counts, room=max(self.max_length - rest, 0)), strict=True))
        left_out = counts[0] - kept["text"]
        skipped = min(max((first + last - kept["text"]) // 2, 0), left_out) if place[1] else 0
        shorter: list[list[int]] = []
        for side, names in zip(sides, owned, strict=True):
            shorter.append([])
            for id, owner in zip(side, names, strict=True):
                if owner not in kept:
                    shorter[-1].append(id)
                elif owner == "text" and skipped:
                    skipped -= 1
                elif kept[owner]:
                    kept[owner] -= 1
                    shorter[-1].append(id)
        row = self._row(*shorter)
        return row | {"cut": rest + sum(counts) - row["length"]}


def _texts_of(filled: Sequence[Sequence[Piece]]) -> list[str]:
    """The texts between masks and trainable vectors, each once."""
    return list({piece.text: None for pieces in filled for piece in pieces if isinstance(piece, Segment)})


def _trim_before_masks(pieces: list[Piece]) -> list[Piece]:
    """White space before the masks belongs to the word that they stand for."""
    trimmed = list(pieces)
    for i, piece in enumerate(pieces[:-1]):
        if isinstance(piece, Segment) and isinstance(pieces[i + 1], Masks):
            trimmed[i] = piece._replace(text=piece.text.rstrip())
    return trimmed


@dataclass
class ClozeCollator:
    """Rows of `ClozeEncoder` -> padded tensors, each text once for each number of masks.

    What is hidden depends on the text, the seed and the epoch alone, so that a resumed run hides the same.

    Returns:
        `input_ids`, `attention_mask` and, where the encoder has them, `token_type_ids`: (batch, lengths, width) int64;
        `labels` (batch,) int64 class ids, if the rows have any. With `hidden_share`, `mlm_input_ids` (batch, width):
        each text with the fewest masks, and further sub-tokens hidden: 80 % masks, 10 % random ones, 10 % as they are
        (Devlin et al., 2019, section 3.1); `mlm_targets` (batch, width): what was hidden, -100 elsewhere.
    """

    tokenizer: Any
    lengths: Sequence[int]  # token counts of the words that are asked for, rising
    hidden_share: float = 0.0  # of the sub-tokens of each text, to be predicted as well, 0-1
    seed: int = 0  # another seed hides other words

    def __post_init__(self):
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # workers that outlive an epoch see it change

    def set_epoch(self, epoch: int) -> None:
        """Hide other words from now on."""
        self.epoch.fill_(epoch)

    def __call__(self, rows: list[dict]) -> dict[str, Tensor]:
        mask = self.tokenizer.mask_token_id
        inputs = [[*row["before"], *[mask] * length, *row["after"]] for row in rows for length in self.lengths]
        shape, sizes = (len(rows), len(self.lengths)), torch.tensor(list(map(len, inputs)))
        width, pad = int(sizes.max()), [self.tokenizer.pad_token_id]
        ids = torch.tensor([each + pad * (width - len(each)) for each in inputs])  # (batch x lengths, width)
        seen = (torch.arange(width) < sizes[:, None]).long()
        batch = {"input_ids": ids.unflatten(0, shape), "attention_mask": seen.unflatten(0, shape)}
        if "token_type_ids" in self.tokenizer.model_input_names:
            batch["token_type_ids"] = torch.zeros_like(batch["input_ids"])
        if "labels" in rows[0]:
            batch["labels"] = torch.tensor([row["labels"] for row in rows])
        if self.hidden_share:
            batch["mlm_input_ids"], batch["mlm_targets"] = self._hide(batch["input_ids"][:, 0])
        return batch

    def _hide(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, width) ids -> ids with some hidden, and what they were; special tokens and vectors stay."""
        size = len(self.tokenizer)
        kept = torch.isin(ids, torch.tensor(self.tokenizer.all_special_ids)) | (ids >= size)
        key = f"{self.seed} {int(self.epoch)}"
        draws = torch.ones(*ids.shape, 3)  # of padding, which is never hidden
        for row, own in zip(ids, draws, strict=True):
            known = row[row != self.tokenizer.pad_token_id]  # so that the batch does not matter
            own[: len(known)] = draw_numbers(known.tolist(), 3, key)
        chance, fate, token = draws.unbind(-1)  # (batch, width) each
        chosen = (chance < self.hidden_share) & ~kept
        labels = ids.masked_fill(~chosen, -100)
        hidden = ids.masked_fill(chosen & (fate < 0.8), self.tokenizer.mask_token_id)
        anything = (token * size).long().clamp(max=size - 1)
        return torch.where(chosen & (fate >= 0.9), anything, hidden), labels
