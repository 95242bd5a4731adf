"""Trained classifiers applied to texts: whatever the batch, the class of the model and the way it was saved.

Logits of one text in two batches are two sums of the same terms. Which kernel a processor takes for a batch decides in
which order they are added, and each addition rounds to the 24 bits of a float32: what may differ is therefore measured
by the size of the terms, not of their sum. Here `spread_out` makes them 200 to 500, where one rounding is 2^-16 to
2^-15, though logits are around 2. In float64 the same code has to agree to the last digits of a float32.
"""

import shutil

import numpy as np
import pytest
import torch
from datasets import Dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
    pipeline,
)

from utils.data.errors import ArgumentError
from utils.encoding.collators import TextCollator
from utils.encoding.encoded_dataset import encode_dataset
from utils.encoding.text_inputs import TextEncoder
from utils.modeling.text_classifier import TextClassifier, load_classifier
from utils.prediction.label_finder import LabelFinder
from utils.prediction.prediction_tasks import ClassTask
from utils.scoring.class_evaluator import ClassEvaluator
from utils.scoring.decisions import DecisionRule

LABELS = ["news", "sport", "money"]
TEXTS = [f"{'张伟在北京开会去了上海看病'[i % 9 : i % 9 + 1 + i % 5]}{i}" for i in range(70)]
OTHERS = [text[::-1] * (1 + i % 3) for i, text in enumerate(TEXTS)]
STOCK, OURS = {"pooling": "cls"}, {"pooling": "fusion", "layers": "weighted"}


@torch.no_grad()
def spread_out(model, tokenizer):
    """Let words matter, and logits have mean 0 and deviation 2, so that texts differ in their answers."""
    for weight in model.parameters():
        if weight.dim() == 2 and len(weight) < 100:  # all but the word embeddings: [CLS] then hears of the words
            weight.mul_(8)
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    spread, mean = torch.std_mean(model.eval()(**inputs).logits, 0)
    model.classifier.weight.mul_(2 / spread[:, None])
    model.classifier.bias.copy_(-2 * mean / spread)


@pytest.fixture(scope="module")
def save(tiny_encoder, tmp_path_factory):
    """Save a classifier whose answers differ from text to text: `save(pooling=..., input_length=..., ...)`."""

    def build(*, multi_label=False, labels=LABELS, decision=None, **options):
        folder = tmp_path_factory.mktemp("model")
        names = {"id2label": dict(enumerate(labels)), "label2id": {label: i for i, label in enumerate(labels)}}
        kind = f"{'multi' if multi_label else 'single'}_label_classification"
        tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
        torch.manual_seed(0)
        model = load_classifier(tiny_encoder, problem_type=kind, **names, **options)
        spread_out(model, tokenizer)
        if decision:
            model.config.decision = decision
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return str(folder)

    return build


def load(folder, **options):
    return LabelFinder.load(folder, device="cpu", **options)


def by_the_model(folder, text, other=None):
    """Logits of one text by the model and the tokenizer themselves."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ours = isinstance(load(folder).model, TextClassifier)
    model = (TextClassifier if ours else AutoModelForSequenceClassification).from_pretrained(folder).eval()
    with torch.no_grad():
        return model(**tokenizer(text, other, return_tensors="pt")).logits[0].double().numpy()


# Batches and order


def rounding(finder, texts, others=None):
    """(texts, classes): how far two float32 sums of the terms of each logit, |w h| and |b|, may lie apart.

    Eight roundings, of 2^-23 of the terms each: signs of roundings differ, so that those of n = 33 terms come to about
    the root of n. Five instruction sets and shuffled sums have shown up to two.
    """
    terms = []

    def add(layer, given):
        terms.append((given[0].abs() @ layer.weight.abs().T + layer.bias.abs()).numpy())

    hook = finder.model.classifier.register_forward_pre_hook(add)
    rows = finder.encoder.encode(texts, others)
    order = sorted(range(len(rows)), key=lambda i: -rows[i]["length"])  # that in which they go through the model
    finder.score_rows(rows)
    hook.remove()
    sizes = np.zeros((len(texts), len(finder.rule.labels)))
    sizes[order] = np.concatenate(terms)
    return 8 * 2.0**-23 * sizes


def shuffle_sums(monkeypatch):
    """Let linear layers add in another order for each shape of a batch, as another processor may."""
    plain = torch.nn.functional.linear

    def linear(states, weight, bias=None):
        order = torch.randperm(weight.shape[1], generator=torch.Generator().manual_seed(states.shape.numel()))
        return plain(states[..., order], weight[:, order], bias)

    monkeypatch.setattr(torch.nn.functional, "linear", linear)


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("processor", ["this", "another"])
def test_size_of_the_batch_changes_no_answer(save, monkeypatch, processor, head, multi_label):
    folder = save(multi_label=multi_label, **head)
    if processor == "another":
        shuffle_sums(monkeypatch)
    alone, together = (load(folder, batch_size=size) for size in (1, 64))
    assert (np.abs(alone.logits(TEXTS) - together.logits(TEXTS)) <= rounding(together, TEXTS)).all()
    found = [verdict.labels for verdict in together.find(TEXTS)]
    assert [verdict.labels for verdict in alone.find(TEXTS)] == found
    assert len(set(map(tuple, found))) > 1


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
def test_in_float64_the_size_of_the_batch_changes_no_digit_of_a_float32(save, head):
    folder = save(**head)
    alone, together = (load(folder, batch_size=size) for size in (1, 64))
    for finder in (alone, together):
        finder.model.double()
    np.testing.assert_allclose(alone.logits(TEXTS), together.logits(TEXTS), rtol=2.0**-23, atol=1e-9)


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
def test_answers_stand_in_the_order_of_the_texts(save, head):
    folder = save(**head)
    finder = load(folder, batch_size=8)
    found, apart = finder.logits(TEXTS), rounding(finder, TEXTS)
    for i in (0, 1, 30, 69):
        assert (np.abs(found[i] - by_the_model(folder, TEXTS[i])) <= apart[i]).all()


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
def test_pairs_are_classified_as_pairs(save, head):
    folder = save(takes_pairs=True, **head)
    finder = load(folder, batch_size=8)
    found, apart = finder.logits(TEXTS, OTHERS), rounding(finder, TEXTS, OTHERS)
    for i in (0, 17, 69):
        assert (np.abs(found[i] - by_the_model(folder, TEXTS[i], OTHERS[i])) <= apart[i]).all()
    assert not np.allclose(found, load(folder).logits(OTHERS, TEXTS))


@pytest.mark.parametrize("multi_label", [False, True])
def test_answers_are_those_of_the_trainer(save, tmp_path, multi_label):
    folder = save(multi_label=multi_label, takes_pairs=True, input_length=12, **OURS)
    finder = load(folder)
    encoder = TextEncoder(finder.tokenizer, 12, True)
    encoded = encode_dataset(Dataset.from_dict({"text": TEXTS, "text_pair": OTHERS}), encoder, by_length=True)
    arguments = TrainingArguments(str(tmp_path), report_to="none", use_cpu=True, remove_unused_columns=False)
    trainer = Trainer(finder.model, arguments, data_collator=TextCollator(finder.tokenizer))
    evaluator = ClassEvaluator(encoded, finder.rule)
    found = evaluator.logits(trainer.predict(encoded).predictions)
    assert (np.abs(found - finder.logits(TEXTS, OTHERS)) <= rounding(finder, TEXTS, OTHERS)).all()


def test_no_texts_have_no_answers(save):
    assert load(save(**STOCK)).find([]) == []


def test_second_texts_for_a_model_of_single_ones_are_an_error(save):
    with pytest.raises(ValueError, match="expected single texts, found pairs"):
        load(save(**STOCK)).find(["北京"], ["上海"])


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
def test_bfloat16_gives_nearly_the_same(save, head):
    folder = save(**head)
    found, expected = load(folder, bf16=True).logits(TEXTS), load(folder).logits(TEXTS)
    assert 0 < np.abs(found - expected).mean() < 0.2 * expected.std()


# What the configuration says


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
def test_stored_cleaning_and_template_are_applied(save, head):
    cleaned = load(save(text_cleaning=[["\\d+", ""], ["在", "去"]], text_template="是{text}的", **head))
    plain = load(save(**head))
    found = cleaned.logits(["张伟在北京123", "上海4"])
    np.testing.assert_allclose(found, plain.logits(["是张伟去北京的", "是上海的"]))


def test_stored_length_is_where_inputs_are_cut(save):
    short, plain = load(save(input_length=6, **STOCK)), load(save(**STOCK))
    np.testing.assert_allclose(short.logits(["张伟在北京开会"]), plain.logits(["张伟在北"]))


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
def test_model_without_a_stored_length_takes_what_its_encoder_takes(save, head):
    finder = load(save(**head))
    assert finder.encoder.max_length == 128
    assert finder.logits(["在" * 500]).shape == (1, 3)


@pytest.mark.parametrize("head", [STOCK, OURS], ids=["stock", "ours"])
def test_stored_rule_decides(save, head):
    decision = DecisionRule(LABELS, True, temperature=2.0, thresholds=[0.0, 1.1, 0.4]).to_config()
    finder = load(save(multi_label=True, decision=decision, **head))
    verdicts = finder.find(TEXTS)
    probabilities = 1 / (1 + np.exp(-finder.logits(TEXTS) / 2))
    for verdict, (first, _, last) in zip(verdicts, probabilities, strict=True):
        assert verdict.labels == ["news", "money"][: 1 + (last >= 0.4)]
        assert dict(verdict.ranked)["news"] == pytest.approx(first)
    assert {len(verdict.labels) for verdict in verdicts} == {1, 2}


def test_rule_and_encoder_that_are_given_win_over_the_stored_ones(save):
    stored = load(save(text_template="是{text}的", **STOCK))
    rule = DecisionRule(["x", "y", "z"], abstain_below=1.0)
    encoder = TextEncoder(stored.tokenizer, 16, False)
    given = LabelFinder(stored.model, stored.tokenizer, rule=rule, encoder=encoder)
    (verdict,) = given.find(["北京"])
    assert verdict.labels == [] and {label for label, _ in verdict.ranked} == {"x", "y", "z"}
    assert not np.allclose(given.logits(["北京"]), stored.logits(["北京"]))


def test_threshold_of_the_command_line_is_that_of_each_of_several_labels(save):
    finder = load(save(multi_label=True, **STOCK))
    finder.rule = finder.rule.with_threshold(0.0)
    assert finder.find(["北京"])[0].labels == LABELS


@pytest.mark.parametrize(("threshold", "label"), [(0.0, "yes"), (1.1, "no")])
def test_threshold_of_the_command_line_is_that_of_the_positive_class(save, threshold, label):
    decision = DecisionRule(["no", "yes"], positive=1, thresholds=[0.5]).to_config()
    finder = load(save(labels=["no", "yes"], decision=decision, **STOCK))
    finder.rule = finder.rule.with_threshold(threshold)
    assert {tuple(verdict.labels) for verdict in finder.find(TEXTS)} == {(label,)}


def test_threshold_of_the_command_line_is_below_which_nothing_is_said(save):
    finder = load(save(**STOCK))
    finder.rule = finder.rule.with_threshold(1.1)
    assert {tuple(verdict.labels) for verdict in finder.find(TEXTS)} == {()}


@pytest.mark.parametrize("threshold", [-0.1, 1.5, 60])
def test_threshold_that_is_no_probability_is_refused(save, threshold):
    with pytest.raises(ArgumentError, match=rf"--threshold {threshold:g}: expected the least probability of a class"):
        ClassTask(load(save(**STOCK)), threshold=threshold)


# Models that are not ours, and what is no model


def test_stock_model_without_our_fields_answers_as_its_pipeline(tiny_encoder, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_encoder, num_labels=4)
    spread_out(model, tokenizer)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    expected = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")(TEXTS, top_k=None)
    verdicts = load(str(tmp_path)).find(TEXTS)
    for verdict, rows in zip(verdicts, expected, strict=True):
        assert dict(verdict.ranked) == pytest.approx({row["label"]: row["score"] for row in rows}, abs=1e-4)
        assert verdict.labels == [rows[0]["label"]]
    assert len({verdict.labels[0] for verdict in verdicts}) > 1


def test_no_code_of_the_directory_is_run(save, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(save(**OURS), folder)
    codes = list(folder.glob("*.py"))
    assert codes
    for code in codes:
        code.write_text("raise SystemError", encoding="utf-8")
    assert load(str(folder)).logits(["北京"]).shape == (1, 3)


@pytest.mark.parametrize("place", ["nowhere", "./nowhere", "nowhere/at/all"])
def test_folder_that_is_not_there_is_an_error_with_its_name(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=place):
        load(place)


def test_folder_without_a_model_is_an_error_with_its_name(tmp_path):
    with pytest.raises((OSError, ValueError), match=tmp_path.name):
        load(str(tmp_path))


def test_model_for_something_else_is_an_error_that_says_what_it_is(tiny_encoder, tmp_path):
    AutoModelForTokenClassification.from_pretrained(tiny_encoder).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=f"{tmp_path.name}: expected .* classes .* found one for entities"):
        load(str(tmp_path))


def test_encoder_without_a_classifier_is_an_error_that_says_what_it_is(tiny_encoder):
    with pytest.raises(ValueError, match="found BertModel"):
        load(tiny_encoder)
