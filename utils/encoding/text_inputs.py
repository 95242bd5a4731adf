"""Whole texts, or pairs of them, as inputs of an encoder; what does not fit is cut and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from .row_batches import iterate_column
from .tokenization import SpecialTokens


@dataclass
class TextEncoder:
    """Rows of `text` or `text` and `text_pair` -> `input_ids`, `token_type_ids`; a callable for `Dataset.map`.

    Args:
        tokenizer: a tokenizer; text such as "[SEP]" is text to it.
        max_length: sub-tokens per input, special tokens included; of two texts the longer one is cut first.
        pair: whether inputs are pairs.
        label2id: class -> id; None for rows that are not labelled, or whose `label` is a number, for regression.
        clean: changes every text before it is tokenized.
        template: put around the first text after that; contains `{text}`.

    Columns:
        input_ids, token_type_ids (where the encoder has them), length: of the input as it is fed.
        labels: the id of `label`, or the number; of several `labels`, zeros and ones, one per class.
        cut: sub-tokens of the texts that did not fit.
        index: row number in the data set.

    Raises:
        ValueError: an input has no room for text.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int
    pair: bool
    label2id: dict[str, int] | None = None
    clean: Callable[[str], str] = str
    template: str = "{text}"
    special: SpecialTokens = field(init=False)

    def __post_init__(self):
        self.special = SpecialTokens.of(self.tokenizer, pair=self.pair)
        least = len(self.special) + 1 + self.pair
        if self.max_length < least:
            raise ValueError(f"max_length {self.max_length}: expected {least} or more, to leave room for text")

    def __call__(self, batch: dict, indices: Sequence[int]) -> dict[str, list]:
        rows = self.encode(batch["text"], batch["text_pair"] if self.pair else None)
        columns = {name: [row[name] for row in rows] for name in rows[0]} | {"index": list(indices)}
        if self.label2id and "labels" in batch:
            columns["labels"] = [
                [float(label in given) for label in self.label2id] for given in map(set, batch["labels"])
            ]
        elif "label" in batch:
            columns["labels"] = [self.label2id[label] for label in batch["label"]] if self.label2id else batch["label"]
        return columns

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> list[dict]:
        """The input of each text, or of each pair, in order.

        Raises:
            ValueError: second texts are missing, or there is no place for them.
        """
        if self.pair != (pairs is not None):
            expected, found = ("pairs of texts", "single ones") if self.pair else ("single texts", "pairs")
            raise ValueError(f"expected {expected}, found {found}; give what the model was trained on")
        first = [self.template.replace("{text}", text) for text in map(self.clean, texts)]
        second = self._tokenize(list(map(self.clean, pairs))) if self.pair else [[]] * len(texts)
        sides = [self._tokenize(first), second]
        room = self.max_length - len(self.special)
        rows = []
        for first, second in zip(*sides, strict=True):
            total = len(first) + len(second)
            kept = fit_longest(len(first), len(second), room=room)
            row = self.special.around(first[: kept[0]], second[: kept[1]])
            row["length"] = len(row["input_ids"])
            row["cut"] = total - sum(kept)
            rows.append(row)
        return rows

    def _tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:  # a tokenizer takes no empty list
            return []
        plain = {"add_special_tokens": False, "return_attention_mask": False, "return_token_type_ids": False}
        return self.tokenizer(list(texts), **plain, split_special_tokens=True, verbose=False)["input_ids"]


def fit_longest(first: int, second: int, *, room: int) -> tuple[int, int]:
    """How many tokens of two texts to keep, at most `room` in all: the longer is cut until both are equally long.

    Example:
        >>> fit_longest(30, 4, room=20), fit_longest(30, 24, room=21)
        ((16, 4), (11, 10))
    """
    if first + second <= room:
        return first, second
    half = room // 2
    if first <= half:
        return first, room - first
    if second <= half:
        return room - second, second
    return room - half, half


def describe_inputs(encoded: Dataset, rows: Dataset) -> str:
    """One line for the log: how many texts, or pairs of them, how long, how many cut; they were made from `rows`."""
    count, unit = len(encoded), ("pair", "pairs") if "text_pair" in rows.column_names else ("text", "texts")
    lengths, cut = (np.fromiter(iterate_column(encoded, name), np.int64, count) for name in ("length", "cut"))
    mean, shortened = lengths.sum() / max(count, 1), int((cut > 0).sum())
    line = f"{count:,} {unit[count != 1]}, {mean:.0f} sub-tokens on average, {lengths.max(initial=0)} at most"
    if shortened:
        line += f"; {shortened:,} {unit[shortened != 1]} cut by {cut.sum():,} sub-tokens in all"
        line += " (raise --max_length to keep them)"
    return line
