"""Tests of utils/prompting/blanks.py."""

import itertools
import math

import pytest
import torch
from transformers import AutoModelForMaskedLM, pipeline

from tests.prompting.cloze_models import save_model
from utils.prompting.blanks import BlankError, fill_blanks


@pytest.fixture
def load(tmp_path, wordpiece, byte_level):
    def make(kind):
        tokenizer = byte_level if kind == "roberta" else wordpiece
        path = save_model(kind, tokenizer, tmp_path)
        return AutoModelForMaskedLM.from_pretrained(path).eval(), tokenizer

    return make


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_one_blank_is_filled_as_a_pipeline_fills_it(load, kind):
    model, tokenizer = load(kind)
    found = fill_blanks(model, tokenizer, "It was [MASK], really.", top_k=4)
    asked = pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu")
    special = set(tokenizer.all_special_ids)
    wanted = [row for row in asked(f"It was {tokenizer.mask_token}, really.", top_k=20) if row["token"] not in special]
    shown = [tokenizer.decode([row["token"]]).replace(" ", "") for row in wanted[:4]]
    assert [one.words for one in found] == [[word] for word in shown]
    ratios = [one.score / row["score"] for one, row in zip(found, wanted, strict=False)]
    assert max(ratios) == pytest.approx(min(ratios), rel=1e-4) and ratios[0] >= 1  # without the special tokens' share


@pytest.mark.parametrize("sentence", ["真是太{mask}{mask}了。", "真是<mask>太好[MASK]了。"])
def test_several_blanks_are_filled_by_the_chain_rule(load, sentence):
    model, tokenizer = load("bert")
    size = len(tokenizer)
    found = fill_blanks(model, tokenizer, sentence, top_k=size * size)
    assert len(found) == (size - 5) ** 2
    assert sum(one.score for one in found) == pytest.approx(1.0, abs=1e-6)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    runs = {len(one.words) for one in found}
    assert runs == {1 if "{mask}{mask}" in sentence else 2}


def test_best_of_a_few_are_the_best_of_all_when_the_beam_holds_them(load):
    model, tokenizer = load("bert")
    every = fill_blanks(model, tokenizer, "真[MASK]太[MASK]", top_k=10_000)
    few = fill_blanks(model, tokenizer, "真[MASK]太[MASK]", top_k=len(tokenizer))
    assert math.isclose(few[0].score, every[0].score, rel_tol=1e-5) and few[0].words == every[0].words


def test_text_between_blanks_parts_words(load):
    model, tokenizer = load("bert")
    for count, sentence in [(1, "[MASK][MASK]"), (1, "[MASK] [MASK]"), (2, "[MASK]，[MASK]"), (1, "好[MASK]")]:
        assert len(fill_blanks(model, tokenizer, sentence, top_k=2)[0].words) == count


def test_sentence_without_blanks_or_too_long_is_an_error(load):
    model, tokenizer = load("bert")
    with pytest.raises(BlankError, match=r"expected a blank, found none; write \[MASK\] where a word is missing"):
        fill_blanks(model, tokenizer, "真好", top_k=3)
    with pytest.raises(BlankError, match="expected at most 8 sub-tokens, found 13"):
        fill_blanks(model, tokenizer, "好" * 10 + "[MASK]", top_k=3, max_length=8)


def test_no_filling_comes_twice(load):
    model, tokenizer = load("bert")
    found = fill_blanks(model, tokenizer, "[MASK]太[MASK]", top_k=50)
    assert all(one.words != other.words for one, other in itertools.combinations(found, 2))
    assert torch.is_grad_enabled()
