"""Chooses the tokens that a masked-language model has to predict: single ones, whole words, or runs of words."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

SHARES = (0.4, 0.3, 0.2, 0.1)  # of runs of 1, 2, 3 and 4 words: MacBERT (Cui et al., 2020, section 3.2)


@dataclass
class MaskingCollator:
    """Rows of packed sequences -> a batch in which tokens are hidden, different ones in each epoch.

    `token` hides each token with the given probability, `whole_word` each word as a whole; `ngram` cuts a sequence
    into runs of 1 to 4 words (40, 30, 20 and 10 % of the runs) and hides each run as a whole. The expected share of
    hidden tokens is the probability in all three. Of the hidden tokens 80 % become the mask, 10 % another token and
    10 % stay, decided for each token separately (Devlin et al., 2019, section 3.1).

    What is hidden in a row depends on its tokens, the seed and the epoch alone: not on the batch, the number of
    processes, or where a run was resumed.

    Returns:
        `input_ids`, `attention_mask`, `labels`: (batch, length) int64; labels are -100 where nothing was hidden.

    Raises:
        ValueError: the tokenizer has no mask token.
    """

    tokenizer: PreTrainedTokenizerBase
    masking: str  # `token`, `whole_word` or `ngram`
    probability: float  # 0-1
    seed: int  # another seed hides other tokens

    def __post_init__(self):
        if self.tokenizer.mask_token_id is None:
            raise ValueError(f"{type(self.tokenizer).__name__} has no mask token; use that of a masked-language model")
        special = set(self.tokenizer.all_special_ids)
        self.others = torch.tensor([id for id in range(len(self.tokenizer)) if id not in special])
        self.epoch = torch.zeros((), dtype=torch.int64).share_memory_()  # workers that outlive an epoch see it change

    def set_epoch(self, epoch: int) -> None:
        """Hide other tokens from now on."""
        self.epoch.fill_(epoch)

    def __call__(self, rows: list[dict]) -> dict[str, Tensor]:
        ids = pad_sequence(
            [torch.tensor(row["input_ids"], dtype=torch.int64) for row in rows],
            batch_first=True,
            padding_value=self.tokenizer.pad_token_id or 0,
        )
        words = pad_sequence(
            [torch.tensor(row["words"], dtype=torch.int64) for row in rows], batch_first=True, padding_value=-1
        )  # (batch, length)
        draws = pad_sequence([self._draw(row) for row in rows], batch_first=True)  # (batch, length, 4)
        chance, lengths, kinds, tokens = draws.unbind(-1)
        hidden = chance.gather(1, self._units(words, lengths)) < self.probability
        hidden &= words >= 0
        labels = ids.masked_fill(~hidden, -100)
        ids = ids.masked_fill(hidden & (kinds < 0.8), self.tokenizer.mask_token_id)
        random = self.others[(tokens * len(self.others)).long().clamp(max=len(self.others) - 1)]
        ids = torch.where(hidden & (kinds >= 0.9), random, ids)
        seen = pad_sequence([torch.ones(len(row["input_ids"]), dtype=torch.int64) for row in rows], batch_first=True)
        return {"input_ids": ids, "attention_mask": seen, "labels": labels}

    def _units(self, words: Tensor, draws: Tensor) -> Tensor:
        """What is hidden together has one number: (batch, length) word numbers -> (batch, length) 0 to length - 1."""
        if self.masking == "token":
            return torch.arange(words.shape[1]).expand_as(words)
        words = words.clamp(min=0)
        if self.masking == "whole_word":
            return words
        sizes = torch.bucketize(draws.contiguous(), torch.tensor(SHARES).cumsum(0)[:-1], right=True) + 1
        ends = sizes.cumsum(1)  # of the runs, in words
        return torch.searchsorted(ends, words, right=True)

    def _draw(self, row: dict) -> Tensor:
        return draw_numbers(row["input_ids"], 4, f"{self.seed} {int(self.epoch)} {row.get('round', 0)}")


def draw_numbers(ids: Sequence[int], count: int, key: str) -> Tensor:
    """(length, count) uniform numbers, 0-1, that belong to these tokens and this key, whatever was drawn before."""
    known = hashlib.blake2b(np.asarray(ids, dtype=np.int32).tobytes(), digest_size=4)
    known.update(key.encode())
    generator = torch.Generator().manual_seed(int.from_bytes(known.digest()))
    return torch.rand(len(ids), count, generator=generator)
