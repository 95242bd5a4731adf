"""Tests of utils/prompting/word_search.py."""

import math

import pytest
import torch

from utils.prompting.verbalizers import VerbalizerError, read_verbalizer
from utils.prompting.word_search import WordStatistics, list_tokens, list_words


def test_ratio_is_the_papers_written_out():
    torch.manual_seed(0)
    scores = -5 * torch.rand(9, 4)
    labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, 2, 2])
    statistics = WordStatistics(["a", "b", "c"], 4)
    for part in (slice(0, 2), slice(2, 7), slice(7, 9)):
        statistics.add(scores[part], labels[part])
    ratios = statistics.ratios()
    for label in range(3):
        count = int((labels == label).sum())
        for word in range(4):
            total = 0.0
            for score, own in zip(scores[:, word].tolist(), labels.tolist(), strict=True):
                odds = math.log(math.exp(score) / (1 - math.exp(score)))
                total += odds if own == label else -odds * count / (9 - count)  # both sides weigh the same
            assert float(ratios[label, word]) == pytest.approx(total / count, rel=1e-5)


def test_word_stands_for_the_class_that_it_speaks_for_most():
    statistics = WordStatistics(["a", "b"], 5)
    #              common         for a          for b, rare    for b          for a, a little
    chances = [[0.50, 0.5], [0.30, 0.1], [0.0001, 0.01], [0.10, 0.2], [0.22, 0.2]]
    statistics.add(torch.tensor(chances).T.log(), torch.tensor([0, 1]))
    found = statistics.choose(per_class=3, most_probable=5)
    assert [[word for word, _ in each] for each in found] == [[1, 4], [2, 3]]
    assert found[0][0][1] == pytest.approx(math.log(0.3 / 0.7) - math.log(0.1 / 0.9))
    # The rare one is not among the four most probable of b.
    found = statistics.choose(per_class=1, most_probable=4)
    assert [[word for word, _ in each] for each in found] == [[1], [3]]


def test_class_that_is_short_of_words_takes_what_no_other_has():
    statistics = WordStatistics(["a", "b", "c"], 5)
    chances = [[0.5, 0.1, 0.1], [0.4, 0.1, 0.1], [0.3, 0.1, 0.2], [0.1, 0.3, 0.1], [0.1, 0.1, 0.1]]
    statistics.add(torch.tensor(chances).T.log(), torch.tensor([0, 1, 2]))
    words = [[word for word, _ in each] for each in statistics.choose(per_class=2, most_probable=5)]
    assert words == [[0, 1], [3], [2]]  # word 2 speaks for a most, but there are better ones for it
    with pytest.raises(
        VerbalizerError, match=r"class c: .* found none among the 5 most probable that no other class has"
    ):
        statistics.choose(per_class=3, most_probable=5)


def test_certain_and_impossible_words_have_finite_or_no_place():
    statistics = WordStatistics(["a", "b"], 2)
    statistics.add(torch.tensor([[0.0, -80.0], [-80.0, 0.0]]), torch.tensor([0, 1]))
    assert statistics.ratios().isfinite().all()
    assert [each[0][0] for each in statistics.choose(per_class=1, most_probable=2)] == [0, 1]


def test_class_without_examples_or_without_words_is_an_error():
    statistics = WordStatistics(["a", "b"], 2)
    statistics.add(torch.tensor([[-1.0, -2.0]]), torch.tensor([0]))
    with pytest.raises(VerbalizerError, match="expected examples of every class, found none of b"):
        statistics.ratios()
    statistics.add(torch.tensor([[-3.0, -4.0]]), torch.tensor([1]))  # both words are rarer there
    with pytest.raises(VerbalizerError, match="class b: expected a word that is more probable there than elsewhere"):
        statistics.choose(per_class=1, most_probable=10)


def test_tokens_that_are_words_are_candidates(wordpiece):
    found = list_tokens(wordpiece, spaced=False)
    texts = {word.text for word in found}
    assert {"great", "movie", "terr", "好", "错"} <= texts
    assert texts.isdisjoint({"##ible", "ible", "[MASK]", "[UNK]", ".", "，", "a"})


@pytest.mark.parametrize("spaced", [True, False])
def test_candidate_is_read_by_a_verbalizer_as_its_tokens(byte_level, spaced):
    found = list_tokens(byte_level, spaced=spaced)
    found += list_words(byte_level, ["It was great, a terrible movie"], spaced=spaced, most_tokens=4)
    assert {"great", "terrible"} <= {word.text for word in found}
    for word in found:
        read = read_verbalizer({"x": word.text, "y": "zz"}).encode(byte_level, spaced=spaced)[0].ids
        assert read == word.ids
        assert byte_level.decode(word.ids).startswith(" ") == spaced


def test_words_of_texts_are_counted_by_their_tokens(wordpiece):
    texts = ["不错，不错。很好", "Great movie, great, great 2018", "不太好 terrible"]
    found = list_words(wordpiece, texts, spaced=False, most_tokens=2, min_count=2)
    assert {word.text: len(word.ids) for word in found} == {"不": 1, "错": 1, "不错": 2, "好": 1, "great": 1}
    every = {word.text for word in list_words(wordpiece, texts, spaced=False, most_tokens=2)}
    assert {"terrible", "太好", "不太", "movie"} <= every and every.isdisjoint({"不太好", "错不", "2018"})
    assert list_words(wordpiece, ["龘龘", "。"], spaced=False, most_tokens=2) == []
