"""Scores of answer spans as `evaluate.Metric` objects that need no download, equal to the official evaluators'.

`SquadScores` are those of SQuAD 1.1 and 2.0 (words of English), `CmrcScores` those of CMRC 2018 (Chinese characters
and English words). Both accept questions without an answer.
"""

import re
import string
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

import datasets

from .english_words import split_words
from .metrics import OfflineMetric

_HAN = re.compile("[\u4e00-\u9fff\u3400-\u4dbf]")
_LETTER = re.compile(r"[^\W\d_]")

# SQuAD ignores these.
_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLE = re.compile(r"\b(?:the|an?)\b")

# CMRC 2018: the marks that are ignored, and the characters that are words of their own.
_CMRC_MARKS = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
_CMRC_CHARACTER = re.compile("([\u4e00-\u9fa5])")


class PairScore(NamedTuple):
    """How well a text answers one question: `exact_match` 0 or 1, `f1` 0-1."""

    exact_match: float
    f1: float


class Threshold(NamedTuple):
    """The best total score that any threshold gives, and that threshold."""

    score: float
    threshold: float


class AnswerScores(OfflineMetric, ABC):
    """What both measures share; each defines its own `score`.

    `compute(predictions, references, threshold=None)` takes for each question `{"text": the best span, "null_odds":
    score of no answer minus score of the span}` and the list of gold texts, which is empty where the passage has no
    answer. With a threshold, a question whose odds are above it is not answered.

    It returns `exact_match` and `f1` (means over questions, 0-1). Where there are questions without an answer, also
    `has_answer_exact_match`, `has_answer_f1`, `no_answer_exact_match` and `no_answer_f1` over the two kinds of
    questions; `best_exact_match`, `best_f1`, and the thresholds that give them, `best_exact_match_threshold` and
    `best_f1_threshold`, as the evaluator of SQuAD 2.0 finds them.
    """

    columns = {
        "predictions": {"text": datasets.Value("string"), "null_odds": datasets.Value("float64")},
        "references": datasets.Sequence(datasets.Value("string")),
    }

    @abstractmethod
    def score(self, text: str, references: Sequence[str], *, has_unanswerable: bool) -> PairScore:
        """Score a text against the gold answers of its question; the best of them counts.

        Args:
            text: the predicted answer, empty for no answer.
            references: gold answers; empty for a question without an answer.
            has_unanswerable: whether the data set has questions without an answer.
        """

    def _compute(self, predictions, references, threshold=None, **_):
        answerable = [len(gold) > 0 for gold in references]
        mixed = not all(answerable)
        texts, odds = [one["text"] for one in predictions], [one["null_odds"] for one in predictions]
        pairs = [
            self.score(text, list(gold), has_unanswerable=mixed) for text, gold in zip(texts, references, strict=True)
        ]
        kept = [
            PairScore(float(not known), float(not known)) if threshold is not None and one > threshold else pair
            for pair, one, known in zip(pairs, odds, answerable, strict=True)
        ]
        results = {name: _mean(getattr(pair, name) for pair in kept) for name in PairScore._fields}
        if mixed:
            for kind, prefix in ((True, "has_answer"), (False, "no_answer")):
                chosen = [pair for pair, known in zip(kept, answerable, strict=True) if known is kind]
                results |= {f"{prefix}_{name}": _mean(getattr(p, name) for p in chosen) for name in PairScore._fields}
            for name in PairScore._fields:
                scores = [getattr(pair, name) for pair in pairs]
                best = tune_null_threshold(scores, odds, answerable, answered=list(map(bool, texts)))
                results[f"best_{name}"] = best.score / len(pairs)
                results[f"best_{name}_threshold"] = best.threshold
        return results


class SquadScores(AnswerScores):
    """Exact match and F1 over words, as SQuAD counts them (Rajpurkar et al., 2016; 2018).

    Case, ASCII punctuation and English articles do not count. The evaluator of SQuAD 2.0 is followed where there are
    questions without an answer, that of 1.1 elsewhere; they differ in gold answers that are only articles and
    punctuation, which 2.0 ignores. See `AnswerScores`.

    Example:
        >>> scores = SquadScores(keep_in_memory=True)
        >>> prediction = {"text": "the Lake of Geneva", "null_odds": -3.0}
        >>> scores.compute(predictions=[prediction], references=[["Geneva", "Lake Geneva"]])
        {'exact_match': 0.0, 'f1': 0.8}
    """

    def score(self, text, references, *, has_unanswerable):
        found = squad_words(text)
        gold = [squad_words(reference) for reference in references]
        if has_unanswerable:
            gold = [words for words in gold if words] or [[]]
        overlaps = [_overlap(found, words, same_if_empty=has_unanswerable) for words in gold]
        return PairScore(float(found in gold), max(overlaps, default=0.0))


class CmrcScores(AnswerScores):
    """Exact match and F1 over characters, as CMRC 2018 counts them (Cui et al., 2019).

    F1 is computed from the longest run of characters and words that both answers have in common. Case and the marks
    of the evaluator's list are ignored. Also returns `average`, the mean of both scores. See `AnswerScores`.

    Example:
        >>> scores = CmrcScores(keep_in_memory=True)
        >>> prediction = {"text": "光荣与Koei", "null_odds": -3.0}
        >>> scores.compute(predictions=[prediction], references=[["光荣和Koei"]])
        {'exact_match': 0.0, 'f1': 0.5, 'average': 0.25}
    """

    def score(self, text, references, *, has_unanswerable):
        if not references:
            return PairScore(float(not text), float(not text))
        found, bare = cmrc_words(text), _bare(text)
        gold = [cmrc_words(reference) for reference in dict.fromkeys(references)]
        f1 = max(_f1(longest_run(found, words), len(found), len(words)) for words in gold)
        return PairScore(float(bare in map(_bare, references)), f1)

    def _compute(self, predictions, references, threshold=None, **_):
        results = super()._compute(predictions, references, threshold)
        return results | {"average": (results["exact_match"] + results["f1"]) / 2}


def tune_null_threshold(
    scores: Sequence[float], odds: Sequence[float], answerable: Sequence[bool], *, answered: Sequence[bool]
) -> Threshold:
    """Find the odds above which no answer is the better guess, as the evaluator of SQuAD 2.0 does.

    Args:
        scores: of the predicted answers, 0-1.
        odds: score of no answer minus score of the answer.
        answerable: whether the question has an answer.
        answered: whether the predicted answer is not empty.

    Returns:
        The highest sum of scores, and the odds of the last question that is then answered; 0.0 if none should be.

    Example:
        >>> tune_null_threshold([1.0, 0.5, 0.0], [-2.0, 1.0, 0.5], [True, True, False], answered=[True] * 3)
        Threshold(score=2.0, threshold=-2.0)
    """
    best = current = float(sum(not known for known in answerable))  # when none is answered
    threshold = 0.0
    for i in sorted(range(len(odds)), key=odds.__getitem__):
        current += scores[i] if answerable[i] else -float(answered[i])
        if current > best:
            best, threshold = current, odds[i]
    return Threshold(best, threshold)


def choose_measure(texts: Iterable[str]) -> str:
    """`zh` if a third of the letters or more are Chinese characters, else `en`.

    Example:
        >>> choose_measure(["《战国无双3》是由光荣和ω-force开发的", "Who developed it?"])
        'zh'
    """
    letters = han = 0
    for text in texts:
        letters += len(_LETTER.findall(text))
        han += len(_HAN.findall(text))
    return "zh" if han and han * 3 >= letters else "en"


def squad_words(text: str) -> list[str]:
    """The words that count for SQuAD.

    Example:
        >>> squad_words("The  U.S. Army's an-swer")
        ['us', 'armys', 'answer']
    """
    return _ARTICLE.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)).split()


def cmrc_words(text: str) -> list[str]:
    """The characters and words that count for CMRC 2018: each Chinese character, and the English words between them.

    Example:
        >>> cmrc_words("《跑跑卡丁车》由Nexon's开发, 约3.5%")
        ['跑', '跑', '卡', '丁', '车', '由', 'nexon', "'s", '开', '发', ',', '约', '3.5', '%']
    """
    parts = _CMRC_CHARACTER.split(_bare(text))  # even indices: the text between the characters
    return [word for i, part in enumerate(parts) for word in ([part] if i % 2 else split_words(part))]


def longest_run(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest run of words that two texts have in common.

    Example:
        >>> longest_run("abcbd", "xbcbz")
        3
    """
    return SequenceMatcher(None, one, other, autojunk=False).find_longest_match().size


def _overlap(found: list[str], gold: list[str], *, same_if_empty: bool) -> float:
    if same_if_empty and not (found and gold):
        return float(found == gold)
    return _f1((Counter(found) & Counter(gold)).total(), len(found), len(gold))


def _f1(common: int, found: int, gold: int) -> float:
    if not common:
        return 0.0
    precision, recall = common / found, common / gold
    return 2 * precision * recall / (precision + recall)


def _bare(text: str) -> str:
    return text.lower().strip().translate(_CMRC_MARKS)


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    return sum(values) / len(values) if values else 0.0
