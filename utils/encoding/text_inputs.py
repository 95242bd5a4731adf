"""Whole texts, or pairs of them, as inputs of an encoder; what does not fit is cut and counted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from datasets import Dataset
from transformers import PreTrainedTokenizerBase

from ..modeling.token_inputs import SpecialTokens, token_ids
from .row_batches import iterate_column


@dataclass
class TextEncoder:
    """Rows of `text` or `text` and `text_pair` -> `input_ids`, `token_type_ids`; a callable for `Dataset.map`.

    Columns:
        input_ids, token_type_ids (where the encoder has them), length: of the input as it is fed.
        labels: class id, a list of floats, one per class, or the score. cut: sub-tokens of the texts that did not fit.
        index: row number in the data set.

    Raises:
        ValueError: an input has no room for text.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int  # sub-tokens per input, special tokens included; of two texts the longer one is cut first
    pair: bool  # inputs are pairs
    label2id: dict[str, int] | None = None  # None for rows that are not labelled
    multi_label: bool = False  # rows have `labels`, each a row of zeros and ones, instead of `label` and a class id
    clean: Callable[[str], str] = str  # changes every text before it is tokenized
    template: str = "{text}"  # put around the first text after that
    scores: bool = False  # rows have a `label` that is a number, for regression
    special: SpecialTokens = field(init=False)

    def __post_init__(self):
        self.special = SpecialTokens.of(self.tokenizer, pair=self.pair)
        least = len(self.special) + 1 + self.pair
        if self.max_length < least:
            raise ValueError(f"max_length {self.max_length}: expected {least} or more, to leave room for text")

    def __call__(self, batch: dict, indices: Sequence[int]) -> dict[str, list]:
        rows = self.encode(batch["text"], batch["text_pair"] if self.pair else None)
        columns = {name: [row[name] for row in rows] for name in rows[0]} | {"index": list(indices)}
        if self.label2id and self.multi_label and "labels" in batch:
            columns["labels"] = [
                [float(label in given) for label in self.label2id] for given in map(set, batch["labels"])
            ]
        elif self.scores and "label" in batch:
            columns["labels"] = batch["label"]
        elif self.label2id and "label" in batch:
            columns["labels"] = [self.label2id[label] for label in batch["label"]]
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
        second = token_ids(self.tokenizer, list(map(self.clean, pairs))) if self.pair else [[]] * len(texts)
        rows = []
        for ids in zip(token_ids(self.tokenizer, first), second, strict=True):
            row = self.special.fit(*ids, max_length=self.max_length)
            row["length"] = len(row["input_ids"])
            row["cut"] = sum(map(len, ids)) + len(self.special) - row["length"]
            rows.append(row)
        return rows


def describe_inputs(encoded: Dataset, rows: Dataset | None = None) -> str:
    """One line for the log: how many inputs, how long, how many cut; `rows` are not needed for it."""
    count = len(encoded)
    lengths, cut = (np.fromiter(iterate_column(encoded, name), np.int64, count) for name in ("length", "cut"))
    mean = lengths.sum() / max(count, 1)
    line = f"{count:,} texts, {mean:.0f} sub-tokens on average, {lengths.max(initial=0)} at most"
    if cut.any():
        texts = "1 text" if (cut > 0).sum() == 1 else f"{(cut > 0).sum():,} texts"
        line += f"; {texts} cut by {cut.sum():,} sub-tokens in all (raise --max_length to keep them)"
    return line
