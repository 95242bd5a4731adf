"""Loads the tokenizer of an encoder, and finds the runs of tokens that character spans touch."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from ..modeling.encoders import OFFSET_POSITIONS
from ..modeling.pretrained_weights import read_config
from .split_characters import split_characters
from .tokenizer_files import open_tokenizer


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
