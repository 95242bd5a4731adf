"""Texts, or pairs of them, as inputs of an encoder; what does not fit is cut into windows, or off, and counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from ..modeling.joined_windows import pool_logits
from ..modeling.token_inputs import SpecialTokens, token_ids
from .row_batches import iterate_column

WINDOWED = ("input_ids", "token_type_ids")  # columns of sub-tokens


@dataclass
class TextEncoder:
    """Rows of `text` or `text` and `text_pair` -> `input_ids`, `token_type_ids`; a callable for `Dataset.map`.

    Columns:
        input_ids, token_type_ids (where the encoder has them), length: of the input as it is fed.
        labels: the id of `label`, or the number; of several `labels`, zeros and ones, one per class.
        cut: sub-tokens of the texts that did not fit.
        windows: only with `window_pooling`: the lengths of the windows that follow each other in `input_ids`.
        index: row number in the data set.

    Raises:
        ValueError: an input has no room for text, or windows would not advance, see `cut_windows`.
    """

    tokenizer: PreTrainedTokenizerBase
    max_length: int  # sub-tokens per input, special tokens included; of two texts the longer one is cut first
    pair: bool  # inputs are pairs
    # None for rows that are not labelled, or whose `label` is a number, for regression.
    label2id: dict[str, int] | None = None
    clean: Callable[[str], str] = str  # changes every text before it is tokenized
    template: str = "{text}"  # put around the first text after that
    # How the logits of a long text's windows are pooled, see `pool_logits`; None cuts what is too long. These three
    # are fields of a model's configuration, too.
    window_pooling: str | None = None
    window_stride: int = 0  # least overlap of neighbouring windows, in sub-tokens
    max_windows: int = 8  # of a text; what would be in further ones is cut
    special: SpecialTokens = field(init=False)

    def __post_init__(self):
        self.special = SpecialTokens.of(self.tokenizer, pair=self.pair)
        least = len(self.special) + 1 + self.pair
        if self.max_length < least:
            raise ValueError(f"max_length {self.max_length}: expected {least} or more, to leave room for text")

    @property
    def pool(self) -> Callable[[Tensor, Tensor], Tensor] | None:
        """What pools the logits of windows, see `pool_logits`; None where texts are cut."""
        return partial(pool_logits, pooling=self.window_pooling) if self.window_pooling else None

    def __call__(self, batch: dict, indices: Sequence[int]) -> dict[str, list]:
        rows = self.encode(batch["text"], batch["text_pair"] if self.pair else None)
        columns = {name: [row[name] for row in rows] for name in rows[0]} | {"index": list(indices)}
        if (self.label2id and "labels" in batch) or "label" in batch:
            columns["labels"] = label_values(batch, self.label2id)
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
        return [self._encode_ids(*ids) for ids in zip(token_ids(self.tokenizer, first), second, strict=True)]

    def _encode_ids(self, *ids: Sequence[int]) -> dict:
        if self.window_pooling:
            options = {"max_length": self.max_length, "stride": self.window_stride, "most": self.max_windows}
            windows, cut = self.special.fit_windows(*ids, **options)
            row = {name: [each for window in windows for each in window[name]] for name in windows[0]}
            row["windows"] = [len(window["input_ids"]) for window in windows]
        else:
            row = self.special.fit(*ids, max_length=self.max_length)
            cut = sum(map(len, ids)) + len(self.special) - len(row["input_ids"])
        return row | {"length": len(row["input_ids"]), "cut": cut}


def split_windows(row: dict) -> list[dict]:
    """The windows of a row of `TextEncoder`, in order, each with its `length`; the row itself if it has one only."""
    if len(row.get("windows") or ()) < 2:
        return [row]
    windows, start = [], 0
    for length in row["windows"]:
        part = {name: row[name][start : start + length] for name in WINDOWED if name in row}
        windows.append(part | {"length": length})
        start += length
    return windows


def label_values(rows: Mapping[str, Sequence], label2id: Mapping[str, int] | None) -> list:
    """The id of each `label`, or the number; of several `labels`, zeros and ones, one per class.

    Args:
        rows: their columns.
        label2id: id of each class; None for numbers.
    """
    if label2id and "labels" in rows:
        return [[float(label in given) for label in label2id] for given in map(set, rows["labels"])]
    return [label2id[label] for label in rows["label"]] if label2id else rows["label"]


def describe_inputs(encoded: Dataset, rows: Dataset) -> str:
    """One line for the log: how many texts, or pairs of them, how long, how many cut; they were made from `rows`."""
    count, unit = len(encoded), ("pair", "pairs") if "text_pair" in rows.column_names else ("text", "texts")
    lengths, cut = (np.fromiter(iterate_column(encoded, name), np.int64, count) for name in ("length", "cut"))
    mean, shortened = lengths.sum() / max(count, 1), int((cut > 0).sum())
    line = f"{count:,} {unit[count != 1]}, {mean:.0f} sub-tokens on average, {lengths.max(initial=0)} at most"
    if windowed := "windows" in encoded.column_names:
        counts = [len(windows) for windows in iterate_column(encoded, "windows")]
        several = sum(each > 1 for each in counts)
        line += f"; {several:,} {unit[several != 1]} in several windows ({sum(counts):,} windows in all)"
    if shortened:
        line += f"; {shortened:,} {unit[shortened != 1]} cut by {cut.sum():,} sub-tokens in all"
        line += f" (raise {'--max_windows or --max_length' if windowed else '--max_length'} to keep them)"
    return line
