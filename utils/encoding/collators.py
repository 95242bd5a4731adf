"""Rows of token ids -> padded tensors."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from .text_inputs import WINDOWED, split_windows

TEXT_COLUMNS = ("input_ids", "token_type_ids", "labels", "start_positions", "end_positions")


@dataclass
class WindowCollator:
    """Pad windows (see `entity_windows`) to the longest of the batch.

    Returns:
        `input_ids`, `attention_mask` (batch, length) int64; `token_mask` (batch, length) bool; `labels` (batch,
        length) tag ids or (batch, spans, 3) spans, int64, padded with -100, if the rows have any.
    """

    pad_token_id: int  # fills `input_ids`
    with_token_mask: bool  # give the model `token_mask`; stock models do not take it

    def __call__(self, rows: list[dict]) -> dict[str, Tensor]:
        ids = [torch.tensor(row["input_ids"]) for row in rows]
        batch = {
            "input_ids": pad_sequence(ids, batch_first=True, padding_value=self.pad_token_id),
            "attention_mask": pad_sequence([torch.ones_like(each) for each in ids], batch_first=True),
        }
        if self.with_token_mask:
            batch["token_mask"] = pad_sequence([torch.tensor(row["token_mask"]) for row in rows], batch_first=True)
        if "labels" in rows[0]:
            labels = [torch.tensor(row["labels"], dtype=torch.int64) for row in rows]
            if rows[0].get("label_width"):
                labels = [each.reshape(-1, rows[0]["label_width"]) for each in labels]
            batch["labels"] = pad_sequence(labels, batch_first=True, padding_value=-100)
        return batch


@dataclass
class TextCollator:
    """Pad texts or pairs (see `text_inputs`, `answer_windows`) to the longest of the batch.

    Where some of them have several windows, inputs are (batch, most windows, length), with an `attention_mask` of 0 in
    windows that a text does not have.

    Returns:
        `input_ids`, `attention_mask` and, where the rows have them, `token_type_ids`: (batch, length) int64; `labels`:
        (batch,) int64 class ids, or (batch, num_labels) float32, 1.0 where the label applies; `start_positions`,
        `end_positions`: (batch,) int64.
    """

    tokenizer: PreTrainedTokenizerBase

    def __call__(self, rows: list[dict]) -> dict[str, Tensor]:
        kept = [{name: row[name] for name in TEXT_COLUMNS if name in row} for row in rows]
        if any(len(row.get("windows") or ()) > 1 for row in rows):
            return self._pad_windows([split_windows(row) for row in rows]) | _labels(kept)
        return self._pad(kept)

    def _pad(self, kept: list[dict]) -> dict[str, Tensor]:
        longest = max(len(row["input_ids"]) for row in kept)
        padding = {"padding": "max_length", "max_length": longest, "padding_side": "right"}
        return dict(self.tokenizer.pad(kept, return_tensors="pt", return_attention_mask=True, **padding))

    def _pad_windows(self, texts: list[list[dict]]) -> dict[str, Tensor]:
        flat = self._pad([{name: each[name] for name in WINDOWED if name in each} for text in texts for each in text])
        counts = [len(text) for text in texts]
        return {name: pad_sequence(values.split(counts), batch_first=True) for name, values in flat.items()}


def _labels(rows: list[dict]) -> dict[str, Tensor]:
    return {"labels": torch.tensor([row["labels"] for row in rows])} if "labels" in rows[0] else {}
