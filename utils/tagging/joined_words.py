"""Joins words and characters as their script is written: Chinese without spaces, `iPhone Pro` with one."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

# Scripts that are written without spaces: Thai, Lao, Tibetan, Burmese, Khmer, CJK punctuation, kana, Han, full-width
# forms, Han beyond the basic plane.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3000-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff]"
)


class WordJoiner:
    """Joins the tokens of a file; whether they are written without spaces is decided once for all its sentences.

    A file is unspaced if more than half of its tokens are single characters, or if at least as many tokens are in
    scripts without spaces as are words of other scripts. Then a space stands only between letters or digits of other
    scripts, and only if one of the two tokens has several characters: between `iPhone` and `Pro`, but not between `i`
    and `P`. In any other file a space stands between all tokens, except between characters of scripts without spaces.

    Example:
        >>> join = WordJoiner([["我", "买", "了", "iPhone", "Pro", "手机"]])
        >>> join(["买", "iPhone", "Pro", "手机"])
        ('买iPhone Pro手机', [0, 1, 8, 11])
    """

    def __init__(self, sentences: Iterable[Sequence[str]]):
        kinds = Counter()
        for token in chain.from_iterable(sentences):
            kinds["all"] += 1
            kinds["single"] += len(token) == 1
            if _UNSPACED.search(token):
                kinds["unspaced"] += 1
            else:
                kinds["words"] += any(map(str.isalnum, token))
        self.unspaced = kinds["single"] * 2 > kinds["all"] or kinds["unspaced"] >= max(kinds["words"], 1)

    def __call__(self, tokens: Sequence[str]) -> tuple[str, list[int]]:
        """The text of a sentence, and where each token begins in it."""
        parts, starts, position = [], [], 0
        for i, token in enumerate(tokens):
            if i and self._is_apart(tokens[i - 1], token):
                parts.append(" ")
                position += 1
            starts.append(position)
            parts.append(token)
            position += len(token)
        return "".join(parts), starts

    def _is_apart(self, before: str, token: str) -> bool:
        unspaced = [_UNSPACED.match(character) is not None for character in (before[-1], token[0])]
        if not self.unspaced:
            return not all(unspaced)
        words = before[-1].isalnum() and token[0].isalnum() and not any(unspaced)
        return words and len(before) + len(token) > 2
