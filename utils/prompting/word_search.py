"""Label words found by likelihood ratio: tokens of the vocabulary and words of texts, scored on labelled examples.

Timo Schick, Helmut Schmid and Hinrich Schütze, 2020: Automatically Identifying Words That Can Serve as Labels for
Few-Shot Text Classification, section 4. A word is probable where its class is, and improbable elsewhere; each class
is compared with the rest, and both sides weigh the same.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .verbalizers import VerbalizerError, tokenize_words

_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # written without spaces
_RUN = re.compile(rf"[{_IDEOGRAPHS}]+|(?:(?![{_IDEOGRAPHS}])[^\W\d_])+")
_WORD = re.compile(rf"[{_IDEOGRAPHS}]|[^\W\d_]{{2}}")  # more than a digit, a sign or a lone letter


class Candidate(NamedTuple):
    """A word that may stand for a class."""

    text: str  # as a verbalizer spells it
    ids: tuple[int, ...]  # its tokens, one a mask


def list_tokens(tokenizer, *, spaced: bool) -> list[Candidate]:
    """Every token of the vocabulary that is a word by itself; `spaced` is as for `tokenize_words`.

    Not included are special tokens, pieces that continue a word, digits, signs, lone letters, and tokens whose text a
    verbalizer would read as other tokens.
    """
    ids = sorted(set(range(len(tokenizer))) - set(tokenizer.all_special_ids))
    texts = [tokenizer.decode([id], clean_up_tokenization_spaces=False).strip() for id in ids]
    known = [(id, text) for id, text in zip(ids, texts, strict=True) if _WORD.search(text)]
    read = tokenize_words(tokenizer, [text for _, text in known], spaced=spaced)
    return [Candidate(text, (id,)) for (id, text), found in zip(known, read, strict=True) if found == (id,)]


def list_words(
    tokenizer, texts: Sequence[str], *, spaced: bool, most_tokens: int, min_count: int = 1
) -> list[Candidate]:
    """The words of texts: runs of letters, and of Chinese every run of characters that may be one.

    Args:
        tokenizer, spaced: as for `tokenize_words`.
        texts: labelled or not.
        most_tokens: most tokens of a word.
        min_count: how often a word occurs at least.

    Returns:
        The most frequent first; spellings of the same tokens are one word, spelt as most of them.
    """
    spellings = Counter(word for text in texts for word in _split_words(text, longest=most_tokens))
    folded: Counter[str] = Counter()
    for word, count in spellings.items():
        folded[word.casefold()] += count
    seen = [(word, count) for word, count in spellings.most_common() if folded[word.casefold()] >= min_count]
    unusable = {*tokenizer.all_special_ids, tokenizer.unk_token_id}
    names: dict[tuple[int, ...], str] = {}
    counts: Counter[tuple[int, ...]] = Counter()
    read = tokenize_words(tokenizer, [word for word, _ in seen], spaced=spaced)
    for (word, count), ids in zip(seen, read, strict=True):
        if 0 < len(ids) <= most_tokens and unusable.isdisjoint(ids):
            names.setdefault(ids, word)
            counts[ids] += count
    return [Candidate(names[ids], ids) for ids, count in counts.most_common() if count >= min_count]


def _split_words(text: str, *, longest: int) -> Iterator[str]:
    for run in _RUN.findall(text):
        if not re.match(f"[{_IDEOGRAPHS}]", run):
            if len(run) > 1:
                yield run
            continue
        for size in range(1, longest + 1):
            yield from (run[start : start + size] for start in range(len(run) - size + 1))


class WordStatistics:
    """The scores of candidates on examples, class by class; examples come in batches and need not be kept.

    Args:
        labels: names of the classes, in the order of their ids.
        num_words: candidates.

    Attributes:
        examples: (num_labels,) how many of each class.
        odds: (num_labels, num_words) sum of log-odds, float64. chances: likewise, of probabilities.

    Example:
        >>> statistics = WordStatistics(["good", "bad"], 2)
        >>> statistics.add(torch.tensor([[0.5, 0.2], [0.2, 0.5]]).log(), torch.tensor([0, 1]))
        >>> [[word for word, _ in words] for words in statistics.choose(per_class=1, most_probable=2)]
        [[0], [1]]
    """

    def __init__(self, labels: Sequence[str], num_words: int):
        self.labels = labels
        self.examples = torch.zeros(len(labels), dtype=torch.float64)
        self.odds = torch.zeros(len(labels), num_words, dtype=torch.float64)
        self.chances = torch.zeros_like(self.odds)

    def add(self, scores: Tensor, labels: Tensor) -> None:
        """Add a batch of examples.

        Args:
            scores: (batch, num_words) log-probability of each word, mean over its tokens.
            labels: (batch,) int64 class ids.
        """
        scores = scores.double().clamp(max=-1e-7)  # so that the odds of a certain word are finite
        self.examples.index_add_(0, labels, torch.ones(len(labels), dtype=torch.float64))
        self.odds.index_add_(0, labels, scores - torch.log(-torch.expm1(scores)))
        self.chances.index_add_(0, labels, scores.exp())

    def ratios(self) -> Tensor:
        """(num_labels, num_words) log-likelihood ratio of each class against the rest, for one example on each side.

        For word w and class y: the mean of log p(w|x) / (1 - p(w|x)) over the examples of y, minus the mean over all
        others; the paper's ratio divided by the number of examples of y.

        Raises:
            VerbalizerError: a class has no examples.
        """
        if missing := [label for label, count in zip(self.labels, self.examples, strict=True) if not count]:
            raise VerbalizerError(f"expected examples of every class, found none of {', '.join(missing)}")
        own = self.odds / self.examples[:, None]
        others = (self.odds.sum(0) - self.odds) / (self.examples.sum() - self.examples)[:, None]
        return own - others

    def choose(self, *, per_class: int, most_probable: int) -> list[list[tuple[int, float]]]:
        """The words of each class: number of the word and its ratio, the best first; no word has two classes.

        A word belongs to the class that it speaks for most; only a class that is short of words takes others.

        Args:
            per_class: words per class.
            most_probable: only this many candidates per class are considered: the most probable on its examples.

        Raises:
            VerbalizerError: a class has no examples, or no words.
        """
        ratios = self.ratios()
        probable = self.chances.topk(min(most_probable, self.chances.shape[1]), dim=1).indices
        owners = ratios.argmax(0).tolist()
        pairs = [
            (ratio, number, word)
            for number, words in enumerate(probable)
            for ratio, word in zip(ratios[number, words].tolist(), words.tolist(), strict=True)
            if ratio > 0
        ]
        pairs.sort(key=lambda pair: -pair[0])
        chosen: list[list[tuple[int, float]]] = [[] for _ in self.labels]
        taken: set[int] = set()
        for first in (True, False):  # words that speak for no other class as much, then what is left
            for ratio, number, word in pairs:
                fits = word not in taken and len(chosen[number]) < per_class
                if fits and (owners[word] == number or not first):
                    chosen[number].append((word, ratio))
                    taken.add(word)
        for label, words in zip(self.labels, chosen, strict=True):
            if not words:
                raise VerbalizerError(
                    f"class {label}: expected a word that is more probable there than elsewhere, found none among the "
                    f"{probable.shape[1]} most probable that no other class has; look at more of them"
                )
        return chosen
