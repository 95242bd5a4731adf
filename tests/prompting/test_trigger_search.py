"""Tests of utils/prompting/trigger_search.py."""

import pytest
import torch

from tests.prompting.cloze_models import save_model
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.prompting.cloze_inputs import ClozeCollator, ClozeEncoder
from utils.prompting.priors import answer_prior, log_softmax
from utils.prompting.templates import Template, TemplateError
from utils.prompting.trigger_search import Examples, search_trigger
from utils.prompting.verbalizers import read_verbalizer, token_counts

EXAMPLES = Examples(["电影很好", "great movie food", "a", "这部电影真是太好了不错", "It was"], [0, 1, 0, 1, 0])
WORDS = {"good": ["不错", "好", "great"], "bad": ["terrible", "一般"]}


@pytest.fixture
def build(tmp_path, wordpiece, byte_level):
    """(model, encoder, label words' tokens) of a family over a template."""

    def make(kind, pattern, *, max_length=64):
        tokenizer = byte_level if kind in ("roberta", "modernbert") else wordpiece
        path = save_model(kind, tokenizer, tmp_path / "encoder")
        template = Template(pattern)
        words = read_verbalizer(WORDS).encode(tokenizer, spaced=template.spaced)
        encoder = ClozeEncoder(tokenizer, template, max_length, token_counts(words), soft_start=len(tokenizer))
        model = ClozeClassifier.from_encoder(
            path,
            words=[[word.label, word.weight, list(word.ids)] for word in words],
            mask_token_id=tokenizer.mask_token_id,
            soft_words=encoder.soft_words,
            id2label={0: "good", 1: "bad"},
        ).eval()
        return model, encoder, {id for word in words for id in word.ids}

    return make


def plain_loss(model, encoder, pattern, examples):
    """Of a template without vectors: the model's own loss, one batch."""
    plain = ClozeEncoder(encoder.tokenizer, Template(pattern), 64, encoder.lengths, encoder.soft_start)
    rows = [
        row | {"labels": label}
        for row, label in zip(plain.encode(examples.texts, examples.pairs), examples.labels, strict=True)
    ]
    with torch.no_grad():
        return float(model(**ClozeCollator(encoder.tokenizer, encoder.lengths)(rows)).loss)


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("bert", "{text}。{soft:3}{mask}。"),
        ("albert", "{soft:1}，{text} {soft:2} {mask}"),
        ("roberta", "{text}.{soft:2} {mask}."),
        ("roberta", "{text} {soft:2} is {mask}{soft:1}."),
        ("modernbert", "{text}:{soft:2} {mask}"),
    ],
)
def test_loss_falls_and_the_text_found_has_it(build, kind, pattern):
    model, encoder, banned = build(kind, pattern)
    trigger = search_trigger(model, encoder, EXAMPLES, banned=banned, steps=9, candidates=5, batch_size=3)
    assert trigger.after < trigger.before
    assert not Template(trigger.pattern).soft
    assert plain_loss(model, encoder, trigger.pattern, EXAMPLES) == pytest.approx(trigger.after, abs=1e-5)
    rows = ClozeEncoder(encoder.tokenizer, Template(trigger.pattern), 64, [1], len(encoder.tokenizer)).encode(
        EXAMPLES.texts
    )
    given = ClozeEncoder(encoder.tokenizer, Template(pattern), 64, [1], len(encoder.tokenizer)).encode(EXAMPLES.texts)
    assert [row["length"] for row in rows] == [
        row["length"] - (kind == "roberta" and pattern.startswith("{text} ")) for row in given
    ]


def test_found_pattern_is_the_best_that_was_kept(build):
    model, encoder, banned = build("bert", "{text}。{soft:2}{mask}。")
    validation = Examples(EXAMPLES.texts[::-1], [1, 1, 0, 0, 1])
    options = {"steps": 12, "candidates": 4, "batch_size": 2}
    trigger = search_trigger(model, encoder, EXAMPLES, validation=validation, banned=banned, **options)
    assert len(trigger.steps) > 1
    assert trigger.after == min(loss for _, loss in trigger.steps)
    for pattern, loss in trigger.steps:
        assert plain_loss(model, encoder, pattern, validation) == pytest.approx(loss, abs=1e-5)


def test_gradient_ranks_the_whole_vocabulary_and_all_are_tried_when_asked(build):
    """With every token as a candidate one place is solved exactly."""
    pattern = "{text}。{soft:1}{mask}。"
    model, encoder, banned = build("bert", pattern)
    trigger = search_trigger(model, encoder, EXAMPLES, banned=banned, steps=1, candidates=100, batch_size=5)
    tokenizer, losses = encoder.tokenizer, {}
    for token in set(range(len(tokenizer))) - {*tokenizer.all_special_ids, *banned}:
        text = tokenizer.decode([token])
        if not text.startswith("##"):
            losses[text] = plain_loss(model, encoder, pattern.replace("{soft:1}", text), EXAMPLES)
    assert len(losses) > 10
    best = min(losses, key=losses.get)
    assert trigger.pattern == pattern.replace("{soft:1}", best)


def test_search_ends_where_nothing_can_change(build, caplog):
    model, encoder, banned = build("bert", "{text}。{soft:2}{mask}。")
    with caplog.at_level("INFO", "utils.prompting.trigger_search"):
        search_trigger(model, encoder, EXAMPLES, banned=banned, steps=100, candidates=4)
    losses = [record.args[2] for record in caplog.records]
    assert 4 <= len(losses) < 100 and losses[-3] == losses[-2] == losses[-1]


def test_search_repeats_with_the_same_seed(build):
    found = []
    for seed in (0, 0, 1):
        model, encoder, banned = build("bert", "{text}。{soft:3}{mask}。")
        options = {"steps": 5, "candidates": 2, "batch_size": 2, "seed": seed}
        found.append(search_trigger(model, encoder, EXAMPLES, banned=banned, **options))
    assert found[0] == found[1]
    assert found[0].steps != found[2].steps


def test_words_that_are_given_are_where_it_begins(build):
    model, encoder, banned = build("bert", "{text}。{soft:真是}{mask}。")
    trigger = search_trigger(model, encoder, EXAMPLES, banned=banned, steps=2, candidates=3)
    assert trigger.steps[0][0] == "{text}。真是{mask}。" and trigger.steps[0][1] == trigger.before
    assert trigger.before == pytest.approx(plain_loss(model, encoder, "{text}。真是{mask}。", EXAMPLES), abs=1e-5)
    assert trigger.after <= trigger.before


def test_prior_of_the_examples_is_divided_out(build):
    model, encoder, banned = build("bert", "{text}。{soft:真是}{mask}。")
    trigger = search_trigger(model, encoder, EXAMPLES, banned=banned, steps=4, candidates=4, by_batch=True)
    assert trigger.after < trigger.before
    for pattern, loss in (trigger.steps[0], (trigger.pattern, trigger.after)):
        plain = ClozeEncoder(encoder.tokenizer, Template(pattern), 64, encoder.lengths, encoder.soft_start)
        with torch.no_grad():
            batch = ClozeCollator(encoder.tokenizer, encoder.lengths)(plain.encode(EXAMPLES.texts))
            logits = model(**batch).logits.double().numpy()
        logits = log_softmax(logits - answer_prior(logits))
        assert loss == pytest.approx(-logits[range(5), EXAMPLES.labels].mean(), abs=1e-5)


def test_no_label_word_and_no_special_token_is_found(build):
    model, encoder, banned = build("bert", "{soft:4}{text}{soft:4}{mask}")
    trigger = search_trigger(model, encoder, EXAMPLES, banned=banned, steps=16, candidates=20)
    tokens = encoder.tokenizer(trigger.pattern.replace("{text}", "").replace("{mask}", ""), add_special_tokens=False)
    assert len(tokens["input_ids"]) == 8
    assert {*banned, *encoder.tokenizer.all_special_ids}.isdisjoint(tokens["input_ids"])


def test_long_texts_are_cut_and_the_loss_is_that_of_the_text_found(build):
    model, encoder, banned = build("bert", "{text}{soft:2}，{mask}。", max_length=12)
    trigger = search_trigger(model, encoder, EXAMPLES, banned=banned, steps=4, candidates=3)
    plain = ClozeEncoder(encoder.tokenizer, Template(trigger.pattern), 12, encoder.lengths, encoder.soft_start)
    rows = [row | {"labels": label} for row, label in zip(plain.encode(EXAMPLES.texts), EXAMPLES.labels, strict=True)]
    assert any(row["cut"] for row in rows)
    with torch.no_grad():
        loss = float(model(**ClozeCollator(encoder.tokenizer, encoder.lengths)(rows)).loss)
    assert loss == pytest.approx(trigger.after, abs=1e-5)


def test_word_that_would_melt_into_a_text_is_not_taken(build):
    """Behind "movie" a Latin word needs white space, Chinese does not."""
    model, encoder, banned = build("bert", "{text}{soft:1}{mask}")
    examples = Examples(["movie", "a"], [0, 1])
    trigger = search_trigger(model, encoder, examples, banned=banned, steps=1, candidates=100)
    assert trigger.pattern[len("{text}")] > "\u2000" or trigger.pattern[len("{text}")] in ".,"


def test_braces_of_a_template_stay(build):
    model, encoder, banned = build("bert", "{{soft:1}}{text}。{soft:1}{mask}。")
    trigger = search_trigger(model, encoder, EXAMPLES, banned=banned, steps=1, candidates=2)
    assert trigger.pattern.startswith("{{soft:1}}{text}。")


def test_pairs_are_asked_together(build):
    model, encoder, banned = build("bert", "{text}？{soft:1}{mask}，{text_pair}")
    examples = Examples(["电影", "好"], [0, 1], ["很好", "一般"])
    trigger = search_trigger(model, encoder, examples, banned=banned, steps=1, candidates=2)
    assert trigger.pattern.endswith("{mask}，{text_pair}")


def test_search_without_places_or_with_too_few_steps_is_an_error(build):
    model, encoder, banned = build("bert", "{text}{mask}")
    with pytest.raises(TemplateError, match=r"expected places for words, such as \{soft:4\}, found none"):
        search_trigger(model, encoder, EXAMPLES, banned=banned)
    model, encoder, banned = build("bert", "{text}{soft:3}{mask}")
    with pytest.raises(ValueError, match="expected a step or more for each of 3 places, found 2"):
        search_trigger(model, encoder, EXAMPLES, banned=banned, steps=2)


def test_template_where_no_word_is_read_back_is_an_error(build):
    model, encoder, _ = build("bert", "{text}{soft:1}{mask}")
    every = set(range(len(encoder.tokenizer)))
    with pytest.raises(TemplateError, match="found none; put white space or punctuation between"):
        search_trigger(model, encoder, EXAMPLES, banned=every, steps=1)
