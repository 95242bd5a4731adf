"""From raw text to sub-tokens with character offsets, and from character spans to runs of tokens.

Everything goes by `offset_mapping` on the raw text: tokenizers drop characters (spaces, U+3000, U+200B), merge others
(`2018` is one piece) and split others, so token counts and word ids say nothing about characters.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from ..modeling.position_offsets import OFFSET_POSITIONS
from ..modeling.pretrained_weights import read_config
from .split_characters import split_characters
from .tokenizer_files import open_tokenizer


class Tokens(NamedTuple):
    """The sub-tokens of one text, without special tokens.

    Attributes:
        ids: token ids.
        starts, ends: character offsets into the text, end exclusive, white space at either edge of a token left out. A
            token of white space alone has `start == end`: it is fed to the encoder but carries no tag.
    """

    ids: list[int]
    starts: list[int]
    ends: list[int]


def tokenize(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[Tokens]:
    """Tokenize texts in full, with offsets; nothing is truncated, and "[SEP]" in a text is text.

    Raises:
        ValueError: the tokenizer has no offsets.
    """
    if not tokenizer.is_fast:
        raise ValueError(f"{type(tokenizer).__name__} gives no character offsets; use a model with a fast tokenizer")
    encoded = tokenizer(
        list(texts),
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        split_special_tokens=True,
        verbose=False,
    )
    result = []
    for text, ids, offsets in zip(texts, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        starts, ends = [], []
        for start, end in offsets:
            while start < end and text[start].isspace():
                start += 1
            while end > start and text[end - 1].isspace():
                end -= 1
            starts.append(start)
            ends.append(end)
        result.append(Tokens(list(ids), starts, ends))
    return result


@dataclass(frozen=True)
class SpecialTokens:
    """The special tokens that a tokenizer puts around a text, or around and between two.

    Attributes:
        prefix, middle, suffix: token ids before the first text, between the two, and after the last.
        types: `token_type_ids` of the prefix, the first text, the middle, the second text and the suffix; None where
            the encoder has no such input.
    """

    prefix: list[int]
    suffix: list[int]
    middle: list[int] = field(default_factory=list)
    types: tuple[int, ...] | None = None

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, *, pair: bool = False) -> "SpecialTokens":
        """Find them by encoding a letter, or a pair of letters."""
        probe = tokenizer("a", "a" if pair else None, return_special_tokens_mask=True)
        ids, special = list(probe["input_ids"]), list(probe["special_tokens_mask"])
        content = [i for i, flag in enumerate(special) if not flag]
        first, last = content[0], content[-1]
        middle = [i for i in range(first, last) if special[i]]  # a letter may be several tokens
        types = None
        if "token_type_ids" in tokenizer.model_input_names:
            kinds = probe["token_type_ids"]
            types = (kinds[0], kinds[first], kinds[(middle or [first])[-1]], kinds[last], kinds[-1])
        return cls(ids[:first], ids[last + 1 :], [ids[i] for i in middle], types)

    def __len__(self) -> int:
        return len(self.prefix) + len(self.middle) + len(self.suffix)

    def around(self, first: Sequence[int], second: Sequence[int] = ()) -> dict[str, list[int]]:
        """`input_ids`, and `token_type_ids` where the encoder has them, of one text or of two."""
        parts = self.prefix, first, self.middle, second, self.suffix
        row = {"input_ids": [id for part in parts for id in part]}
        if self.types is not None:
            row["token_type_ids"] = [
                kind for kind, part in zip(self.types, parts, strict=True) for _ in range(len(part))
            ]
        return row


def load_tokenizer(
    name_or_path: str, *, split: bool = False, **loading
) -> tuple[PreTrainedTokenizerBase, PreTrainedConfig]:
    """Load an encoder's tokenizer and configuration, also out of a model that was trained with one of our heads.

    Args:
        name_or_path: a folder or a Hub id.
        split: whether each Chinese character becomes a token of its own, see `split_characters`.
        **loading: `revision`, `trust_remote_code` and the like.

    Raises:
        OSError: there is no such model, it is of an unknown kind, or an adapter alone; the tokenizer does not fit, see
            `open_tokenizer`.
    """
    if (Path(name_or_path) / "adapter_config.json").is_file():
        raise FileExistsError(
            f"{name_or_path}: expected a complete model, found an adapter; `python predict.py {name_or_path} "
            "--merge OUTPUT` merges it into its encoder"
        )
    try:
        config = read_config(name_or_path, loading=loading)
    except ValueError as error:  # a folder without model_type, or code that is not trusted
        raise OSError(f"{name_or_path}: expected an encoder that transformers knows, found: {error}") from error
    tokenizer = open_tokenizer(name_or_path, config, saved_again=True, **loading)
    return split_characters(tokenizer) if split else tokenizer, config


def longest_input(tokenizer: PreTrainedTokenizerBase, config: PreTrainedConfig) -> int:
    """The most sub-tokens that an encoder takes at once, special tokens included."""
    positions = getattr(config, "max_position_embeddings", None) or 0
    if positions <= 0:  # relative positions have no limit; XLNet has -1
        return tokenizer.model_max_length
    if config.model_type in OFFSET_POSITIONS:
        positions -= (config.pad_token_id or 0) + 1
    return min(positions, tokenizer.model_max_length)


def find_tokens(starts: Sequence[int], ends: Sequence[int], start: int, end: int) -> tuple[int, int]:
    """The run of tokens that touch the characters `start` to `end`.

    Args:
        starts, ends: ascending offsets of tokens that cover at least one character each.
        start, end: character span, end exclusive.

    Returns:
        Token indices, end exclusive; equal when no token lies in the span. The run begins and ends at the span's own
        borders exactly when `starts[first] == start` and `ends[last - 1] == end`.

    Example:
        >>> find_tokens([0, 1, 3], [1, 3, 4], 1, 4)
        (1, 3)
    """
    first, last = bisect_right(ends, start), bisect_left(starts, end)
    return first, max(first, last)
