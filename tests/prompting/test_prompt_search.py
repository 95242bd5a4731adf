"""Tests of utils/tasks/prompt_search.py, with tiny random models."""

import math

import numpy as np
import pytest

from tests.prompting.cloze_models import ask_plainly, save_model
from utils.files.prompt_files import read_label_words
from utils.prompting.templates import Template, TemplateError
from utils.prompting.trigger_search import Examples
from utils.prompting.verbalizers import VerbalizerError, read_verbalizer
from utils.running.atomic_files import write_config
from utils.tasks import prompt_search
from utils.tasks.prompt_search import find_trigger, find_words, list_candidates

EXAMPLES = Examples(["电影很好，很好", "great movie food", "a", "这部电影真是太好了不错", "It was"], [0, 1, 0, 1, 1])
LABELS = ["good", "bad"]


def choose(kind, wordpiece, byte_level):
    """Tokenizer of a family, and a template that suits it."""
    if kind in ("roberta", "modernbert"):
        return byte_level, "{text} It was {mask}."
    return wordpiece, "{text}。真是{mask}了。"


@pytest.mark.parametrize("kind", ["bert", "albert", "roberta", "modernbert"])
@pytest.mark.parametrize("scores_at_once", [1, 2**24])
def test_ratios_are_those_of_asking_each_word_by_itself(
    tmp_path, wordpiece, byte_level, monkeypatch, kind, scores_at_once
):
    monkeypatch.setattr(prompt_search, "SCORES_AT_ONCE", scores_at_once)
    tokenizer, pattern = choose(kind, wordpiece, byte_level)
    path, template = save_model(kind, tokenizer, tmp_path), Template(pattern)
    candidates = list_candidates(tokenizer, spaced=template.spaced, texts=EXAMPLES.texts, most_tokens=3)
    assert {len(word.ids) for word in candidates} >= {1, 2}
    options = {"labels": LABELS, "candidates": candidates, "per_class": len(candidates)}
    found = find_words(path, tokenizer, template, EXAMPLES, batch_size=2, **options)
    names = [word.text for word in candidates]
    asked = [
        ask_plainly(
            path, tokenizer, pattern.replace("{text}", text).replace("{mask}", "<>"), names, spaced="It" in pattern
        )
        for text in EXAMPLES.texts
    ]
    odds = np.array([[score - math.log(1 - math.exp(score)) for score in row] for row in asked])
    own = np.array(EXAMPLES.labels) == 0
    ratios = dict(zip(names, odds[own].mean(0) - odds[~own].mean(0), strict=True))
    assert found["good"] == pytest.approx({word: value for word, value in ratios.items() if value > 0}, abs=1e-4)
    assert found["bad"] == pytest.approx({word: -value for word, value in ratios.items() if value < 0}, abs=1e-4)
    for words in found.values():
        assert list(words.values()) == sorted(words.values(), reverse=True)


def test_found_words_are_a_verbalizer_with_as_many_words_as_asked_for(tmp_path, wordpiece):
    path, template = save_model("bert", wordpiece, tmp_path), Template("{text}很{mask}")
    candidates = list_candidates(wordpiece, spaced=False, texts=EXAMPLES.texts, most_tokens=2)
    found = find_words(path, wordpiece, template, EXAMPLES, labels=LABELS, candidates=candidates, per_class=2)
    write_config(tmp_path / "words.yaml", {label: list(words) for label, words in found.items()})
    verbalizer = read_verbalizer(read_label_words(tmp_path / "words.yaml"))
    assert verbalizer.labels == LABELS and [len(words) for words in verbalizer.words.values()] == [2, 2]
    tokens = {word.text: word.ids for word in candidates}
    assert all(tokens[word.text] == word.ids for word in verbalizer.encode(wordpiece, spaced=False))


def test_rare_words_are_no_candidates(wordpiece):
    texts = ["很好，很好", "movie movie", "food"]
    every = {word.text for word in list_candidates(wordpiece, spaced=False, texts=texts, most_tokens=2)}
    often = {word.text for word in list_candidates(wordpiece, spaced=False, texts=texts, most_tokens=2, min_count=2)}
    assert often == {"很", "好", "很好", "movie"}
    assert often | {"food", "great", "错"} <= every
    assert {word.text for word in list_candidates(wordpiece, spaced=False)} == every - {"很好"}


def test_template_with_trainable_vectors_and_no_candidates_are_errors(tmp_path, wordpiece):
    with pytest.raises(TemplateError, match="expected no trainable vectors"):
        find_words("none", wordpiece, Template("{soft:2}{text}{mask}"), EXAMPLES, labels=LABELS, candidates=[])
    with pytest.raises(VerbalizerError, match="expected words that may stand for classes, found none"):
        find_words("none", wordpiece, Template("{text}{mask}"), EXAMPLES, labels=LABELS, candidates=[])


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_trigger_is_found_and_saved_for_the_next_run(tmp_path, wordpiece, byte_level, kind):
    tokenizer = choose(kind, wordpiece, byte_level)[0]
    path, template = save_model(kind, tokenizer, tmp_path), Template("{text}.{soft:2} {mask}.")
    words = read_verbalizer({"good": ["great", "好"], "bad": "terrible"}).encode(tokenizer, spaced=True)
    options = {"labels": LABELS, "steps": 4, "candidates": 4, "aggregation": "max"}
    trigger = find_trigger(path, tokenizer, template, words, EXAMPLES, **options)
    assert trigger.after < trigger.before and trigger == find_trigger(
        path, tokenizer, template, words, EXAMPLES, **options
    )
    assert not Template(trigger.pattern).soft
    assert len(trigger.pattern) > len("{text}. {mask}.")
