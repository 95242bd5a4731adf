"""Verbalizers: the words that stand for each class, as tokens of a masked-language model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import PromptError


class VerbalizerError(PromptError):
    """Words that cannot stand for classes; the message says which, and how to repair it."""


class Word(NamedTuple):
    """A label word as it is asked for."""

    text: str
    label: int  # number of its class
    weight: float  # its share among the words of the class; those of a class add up to 1
    ids: tuple[int, ...]  # its tokens, one per mask


@dataclass(frozen=True)
class Verbalizer:
    """Class -> word -> weight; see `read_verbalizer`."""

    words: Mapping[str, Mapping[str, float]]

    @property
    def labels(self) -> list[str]:
        """The classes, in the order given."""
        return list(self.words)

    @property
    def written(self) -> dict[str, Mapping[str, float] | list[str]]:
        """The words as users write them: without weights if all words of a class have the same."""
        return {
            label: list(words) if len(set(words.values())) == 1 else dict(words) for label, words in self.words.items()
        }

    def encode(self, tokenizer, *, spaced: bool) -> list[Word]:
        """The words as tokens, class by class; see `tokenize_words`.

        Raises:
            VerbalizerError: a word has no token, or one that is unknown or special; or two words have the same tokens.
        """
        encoded, seen = [], {}
        for number, (label, words) in enumerate(self.words.items()):
            total = sum(words.values())
            tokens = tokenize_words(tokenizer, list(words), spaced=spaced)
            for (text, weight), ids in zip(words.items(), tokens, strict=True):
                _check_tokens(tokenizer, text, ids)
                name = f"{text!r} of class {label}"
                if ids in seen:
                    raise VerbalizerError(f"the word {name} has the tokens of {seen[ids]}; leave one out")
                seen[ids] = name
                encoded.append(Word(text, number, weight / total, ids))
        return encoded


def read_verbalizer(given: Mapping[str, Any]) -> Verbalizer:
    """Check the label words of a YAML or JSON file.

    Args:
        given: class -> a word, a list of words, or word -> weight.

    Raises:
        VerbalizerError: fewer than two classes, a class without words, a word that is empty or occurs twice, a weight
            that is not above 0.

    Example:
        >>> read_verbalizer({"positive": ["好", "不错"], "negative": "差"}).words
        {'positive': {'好': 1.0, '不错': 1.0}, 'negative': {'差': 1.0}}
    """
    if not isinstance(given, Mapping) or len(given) < 2:
        raise VerbalizerError("the verbalizer: expected two classes or more, each with its words")
    words: dict[str, dict[str, float]] = {}
    owners: dict[str, str] = {}
    for label, value in given.items():
        label = str(label)
        pairs = _weighted(value)
        if not pairs:
            raise VerbalizerError(f"class {label}: expected a word or more, found none")
        for word, weight in pairs:
            if not isinstance(word, str) or not word.strip():
                raise VerbalizerError(f"class {label}: expected a word, found {word!r}; write it in quotes")
            if word in owners:
                raise VerbalizerError(f"class {label}: the word {word!r} is also a word of {owners[word]}; choose one")
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
                raise VerbalizerError(f"class {label}: expected a weight above 0 for {word!r}, found {weight!r}")
            owners[word] = label
        words[label] = {word: float(weight) for word, weight in pairs}
    return Verbalizer(words)


def tokenize_words(tokenizer, texts: Sequence[str], *, spaced: bool) -> list[tuple[int, ...]]:
    """The tokens of each word after a mask token, so that the first begins as the word would in place of the mask.

    Args:
        tokenizer: of the masked-language model.
        texts: the words.
        spaced: white space comes before the mask, so that a byte-level tokenizer begins the word with it.
    """
    if not texts:  # a tokenizer takes no empty list
        return []
    plain = {"add_special_tokens": False, "return_attention_mask": False, "return_token_type_ids": False}
    behind = [f"{tokenizer.mask_token}{' ' * spaced}{text}" for text in texts]
    return [tuple(ids[1:]) for ids in tokenizer(behind, **plain)["input_ids"]]


def token_counts(words: Sequence[Word]) -> list[int]:
    """How many tokens label words have, rising, each count once."""
    return sorted({len(word.ids) for word in words})


def _weighted(value: Any) -> Sequence[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple):
        return [(word, 1.0) for word in value]
    if value is None:
        return []
    return [(value, 1.0)]


def _check_tokens(tokenizer, text: str, ids: tuple[int, ...]) -> None:
    if not ids:
        raise VerbalizerError(f"the word {text!r} has no token in this model; choose another")
    if tokenizer.unk_token_id in ids:
        raise VerbalizerError(f"the word {text!r} is unknown to this model ({tokenizer.unk_token}); choose another")
    if special := set(ids) & set(tokenizer.all_special_ids):
        found = ", ".join(tokenizer.convert_ids_to_tokens(sorted(special)))
        raise VerbalizerError(f"the word {text!r} contains {found}; choose another")
