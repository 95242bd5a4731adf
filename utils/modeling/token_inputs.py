"""Texts as sub-tokens, and sub-tokens as inputs of an encoder: special tokens around them, windows over long texts.

Everything goes by `offset_mapping` on the raw text: tokenizers drop characters (spaces, U+3000, U+200B), merge others
(`2018` is one piece) and split others, so token counts and word ids say nothing about characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

PLAIN = {"add_special_tokens": False, "return_attention_mask": False, "return_token_type_ids": False}
PLAIN |= {"split_special_tokens": True, "verbose": False}  # "[SEP]" in a text is text


class Tokens(NamedTuple):
    """The sub-tokens of one text, without special tokens.

    A token of white space alone has `start == end`: it is fed to the encoder but carries no tag.
    """

    ids: list[int]
    starts: list[int]  # characters of the text, white space at either edge of a token left out
    ends: list[int]  # exclusive

    def visible(self) -> list[int]:
        """Places of the tokens that are more than white space."""
        return [i for i, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)) if start < end]


def token_ids(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[list[int]]:
    """The sub-tokens of each text, all of them, without special tokens."""
    return tokenizer(list(texts), **PLAIN)["input_ids"] if texts else []  # a tokenizer takes no empty list


def tokenize(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> list[Tokens]:
    """The same with offsets.

    Raises:
        ValueError: the tokenizer has no offsets.
    """
    if not texts:
        return []
    if not tokenizer.is_fast:
        raise ValueError(f"{type(tokenizer).__name__} gives no character offsets; use a model with a fast tokenizer")
    encoded = tokenizer(list(texts), **PLAIN, return_offsets_mapping=True)
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
    """The special tokens that a tokenizer puts around a text, or around and between two."""

    prefix: list[int]  # token ids before the first text
    suffix: list[int]  # after the last
    middle: list[int] = field(default_factory=list)  # between the two
    # `token_type_ids` of prefix, first text, middle, second text and suffix; None where the encoder has no such input.
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

    def fit(self, first: Sequence[int], second: Sequence[int] = (), *, max_length: int) -> dict[str, list[int]]:
        """The same, cut to `max_length` sub-tokens in all; see `fit_longest`."""
        kept = fit_longest(len(first), len(second), room=max_length - len(self))
        return self.around(first[: kept[0]], second[: kept[1]])

    def fit_windows(
        self, first: Sequence[int], second: Sequence[int] = (), *, max_length: int, stride: int, most: int
    ) -> tuple[list[dict[str, list[int]]], int]:
        """The same as one input if it fits, otherwise as several windows.

        Of two texts the longer is cut into windows, each beside the shorter, which takes at most half of the room.

        Args:
            first, second: sub-tokens of the texts.
            max_length: sub-tokens of a window, special tokens included.
            stride: least overlap of neighbours, in sub-tokens.
            most: how many windows there may be; what would be in further ones is cut.

        Returns:
            The windows in the order of the text, and how many sub-tokens are in none of them.

        Raises:
            ValueError: windows would not advance, see `cut_windows`.
        """
        room, total = max_length - len(self), len(first) + len(second)
        if total <= room:
            return [self.around(first, second)], 0
        swapped = len(second) > len(first)
        long, short = (second, first) if swapped else (first, second)
        beside = short[: room // 2]
        size = room - len(beside)
        held = long[: max(size + (most - 1) * (size - stride), 0)]
        parts = [held[window.start : window.stop] for window in cut_windows(len(held), size=size, stride=stride)]
        windows = [self.around(beside, part) if swapped else self.around(part, beside) for part in parts]
        return windows, total - len(held) - len(beside)


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


class Window(NamedTuple):
    """Tokens `start` to `stop` of a text, of which it owns `own_start` to `own_stop` (ends exclusive)."""

    start: int
    stop: int
    own_start: int
    own_stop: int

    def margin(self, length: int, first: int, last: int) -> float:
        """Tokens between `first` to `last` (inclusive) and the nearest border of the window that cuts the text.

        Args:
            length: number of tokens of the text.
            first, last: tokens of the text.

        Returns:
            Infinite if neither border cuts, -1 if the span is not inside the window.
        """
        if first < self.start or last >= self.stop:
            return -1.0
        before = first - self.start if self.start else float("inf")
        behind = self.stop - 1 - last if self.stop < length else float("inf")
        return min(before, behind)


def cut_windows(length: int, *, size: int, stride: int) -> list[Window]:
    """Cut `length` tokens into windows of at most `size` that overlap by `stride` or more.

    Each token is owned by the window where it is furthest from a border that cuts the text. The last window is
    moved back to full size, because context costs nothing.

    Args:
        length: number of tokens; 0 gives one empty window.
        size: tokens per window, special tokens not counted.
        stride: least overlap of neighbours, in tokens.

    Raises:
        ValueError: `stride` is not smaller than `size`.

    Example:
        >>> cut_windows(10, size=6, stride=2)
        [Window(start=0, stop=6, own_start=0, own_stop=5), Window(start=4, stop=10, own_start=5, own_stop=10)]
    """
    if not 0 <= stride < size:
        raise ValueError(f"expected 0 <= stride < window size, found stride {stride} and room for {size} tokens")
    starts = [0]
    while starts[-1] + size < length:
        starts.append(min(starts[-1] + size - stride, length - size))
    stops = [min(start + size, length) for start in starts]
    borders = [0, *((start + stop) // 2 for start, stop in zip(starts[1:], stops[:-1], strict=True)), length]
    return [Window(*window) for window in zip(starts, stops, borders[:-1], borders[1:], strict=True)]


def window_row(tokens: Tokens, window: Window, special: SpecialTokens) -> dict:
    """A window as an input of a tagger.

    Returns:
        input_ids, token_mask: ids with special tokens; which positions carry a tag.
        starts, ends: character offsets of each position, 0 where `token_mask` is not set.
        num_tokens: of the whole text. window: in tokens of the text; token of the text = position in the window +
        `shift`.
    """
    inside = slice(window.start, window.stop)
    starts, ends = tokens.starts[inside], tokens.ends[inside]
    before, behind = len(special.prefix), len(special.suffix)
    return {
        "input_ids": special.prefix + tokens.ids[inside] + special.suffix,
        "token_mask": [False] * before + [a < b for a, b in zip(starts, ends, strict=True)] + [False] * behind,
        "starts": [0] * before + starts + [0] * behind,
        "ends": [0] * before + ends + [0] * behind,
        "num_tokens": len(tokens.ids),
        "window": list(window),
        "shift": window.start - before,
    }
