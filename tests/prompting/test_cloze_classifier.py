"""Cloze questions from texts to classes: equal to asking each word by itself."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, BertConfig, BertModel

from tests.prompting.cloze_models import BYTE_LEVEL, FAMILIES, JOINED, SPACED, TEXTS, WORDS, ask_plainly
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.modeling.encoders import HEAD_IN_ORDER


@pytest.mark.parametrize("pattern", [SPACED, JOINED])
@pytest.mark.parametrize("kind", FAMILIES)
def test_batch_of_mixed_lengths_equals_asking_each_word_by_itself(build, kind, pattern):
    path, tokenizer, model, batch = build(kind, pattern)
    assert len(model.words.lengths) > 1
    with torch.no_grad():
        output = model(**batch)
    names = [word for words in WORDS.values() for word in words]
    for i, text in enumerate(TEXTS):
        sentence = pattern.replace("{mask}{mask}", "<>").replace("{mask}", "<>").replace("{text}", text)
        wanted = ask_plainly(path, tokenizer, sentence, names, spaced=pattern == SPACED)
        torch.testing.assert_close(output.word_scores[i], torch.tensor(wanted), rtol=0, atol=1e-5)
        means = torch.tensor([0.6 * wanted[0] + 0.2 * wanted[1] + 0.2 * wanted[2], (wanted[3] + wanted[4]) / 2])
        torch.testing.assert_close(output.logits[i], means, rtol=0, atol=1e-5)
    assert float((output.logits.softmax(-1).sum(-1) - 1).abs().max()) < 1e-6


@pytest.mark.parametrize("aggregation", ["mean", "max", "learned"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_words_of_one_length_are_compared_without_the_rest_of_the_vocabulary(build, kind, aggregation):
    words = {"good": {"a": 3, "b": 1}, "bad": "c"} if kind in BYTE_LEVEL else {"good": ["不错", "真是"], "bad": "一般"}
    _, _, model, batch = build(kind, JOINED, words=words, aggregation=aggregation, bias=[0.5, -1.0])
    assert len(model.words.lengths) == 1 and len(model.words.tokens) < model.encoder.config.vocab_size
    labels = torch.tensor([0, 1, 0, 1])
    runs = {asked: model(**batch, labels=labels, output_word_scores=asked) for asked in (False, True)}
    assert runs[False].word_scores is None and runs[True].word_scores.shape == (4, 3)
    fast, exact = (run.logits.softmax(-1) for run in runs.values())
    torch.testing.assert_close(fast, exact, rtol=0, atol=1e-6)
    assert (exact[:, 0] - exact[:, 0].mean()).abs().max() > 1e-4  # texts differ
    gradients = []
    for run in runs.values():
        model.zero_grad()
        run.loss.backward()
        gradients.append(model.get_output_embeddings().weight.grad.clone())
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", sorted(HEAD_IN_ORDER & FAMILIES.keys()))
def test_only_the_rows_of_the_label_words_are_multiplied(build, kind):
    words = {"good": "a", "bad": "b"} if kind in BYTE_LEVEL else {"good": "好", "bad": "般"}
    _, _, model, batch = build(kind, JOINED, words=words)
    sizes = []
    model.get_output_embeddings().register_forward_hook(lambda module, inputs, output: sizes.append(output.shape[-1]))
    model(**batch)
    assert sizes == [2]


def test_best_word_of_a_class_counts(build):
    _, _, model, batch = build("bert", JOINED, aggregation="max")
    output = model(**batch)
    assert torch.equal(
        output.logits, torch.stack([output.word_scores[:, :3].amax(1), output.word_scores[:, 3:].amax(1)], 1)
    )


def test_learned_shares_begin_as_the_weights_and_are_trained(build):
    _, _, plain, batch = build("bert", JOINED)
    _, _, model, _ = build("bert", JOINED, aggregation="learned")
    torch.testing.assert_close(model(**batch).logits, plain(**batch).logits, rtol=0, atol=1e-5)
    model(**batch, labels=torch.tensor([0, 1, 0, 1])).loss.backward()
    assert model.shares.logits.grad.abs().max() > 0


def test_bias_is_subtracted(build):
    _, _, plain, batch = build("bert", JOINED)
    _, _, model, _ = build("bert", JOINED, bias=[-1.0, -2.5])
    torch.testing.assert_close(model(**batch).logits, plain(**batch).logits - torch.tensor([-1.0, -2.5]))


@pytest.mark.parametrize("kind", FAMILIES)
def test_trainable_vectors_stand_where_the_template_has_them(build, kind):
    _, tokenizer, model, batch = build(kind, "{soft:2}{text}{soft:1}真是{mask}", soft=(None,) * 3)
    # With the embeddings of three words they are those words.
    ids = tokenizer("great food a", add_special_tokens=False)["input_ids"][:3]
    table = model.get_input_embeddings().weight
    with torch.no_grad():
        model.soft.weight.copy_(table[ids])
        written = dict(batch)
        for k, id in enumerate(ids):
            written["input_ids"] = written["input_ids"].masked_fill(batch["input_ids"] == len(tokenizer) + k, id)
        assert int((batch["input_ids"] >= len(tokenizer)).sum()) == 3 * len(TEXTS) * len(model.words.lengths)
        found, wanted = model(**batch).logits, model(**written).logits
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
    begun = build(kind, "{soft:3}{text}真是{mask}", soft=(ids[0], None, ids[2]))[2].soft.weight
    assert torch.equal(begun[[0, 2]], table[[ids[0], ids[2]]]) and not torch.equal(begun[1], table[ids[1]])
    model(**batch, labels=torch.tensor([0, 1, 0, 1])).loss.backward()
    assert model.soft.weight.grad.abs().amax(1).min() > 0


@pytest.mark.parametrize("kind", FAMILIES)
def test_saved_model_reloads_to_equal_logits(build, tmp_path, kind):
    _, _, model, batch = build(kind, "{soft:2}" + JOINED, soft=(None, 7), aggregation="learned", bias=[0.5, 0.25])
    model.save_pretrained(tmp_path / "saved")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved", trust_remote_code=True).eval()
    with torch.no_grad():
        assert torch.equal(again(**batch).logits, model(**batch).logits)
    assert again.config.id2label == {0: "good", 1: "bad"} and again.config.template == "{soft:2}" + JOINED
    tied = again.get_input_embeddings().weight.data_ptr() == again.get_output_embeddings().weight.data_ptr()
    assert tied == (model.get_input_embeddings().weight.data_ptr() == model.get_output_embeddings().weight.data_ptr())


def test_saved_model_reloads_in_a_fresh_process_and_not_without_trust(build, tmp_path):
    _, _, model, batch = build("bert", JOINED)
    model.save_pretrained(tmp_path / "saved")
    torch.save({"batch": batch, "logits": model(**batch).logits.detach()}, tmp_path / "wanted.pt")
    code = (
        "import sys, torch\nfrom transformers import AutoModelForSequenceClassification as Auto\n"
        "wanted = torch.load(sys.argv[2])\nmodel = Auto.from_pretrained(sys.argv[1], trust_remote_code=True).eval()\n"
        "with torch.no_grad(): assert torch.equal(model(**wanted['batch']).logits, wanted['logits'])\n"
        "try: Auto.from_pretrained(sys.argv[1], trust_remote_code=False)\nexcept ValueError: print('refused')\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "saved"), str(tmp_path / "wanted.pt")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(tmp_path))
    assert done.stdout.strip() == "refused", done.stderr


def test_encoder_without_its_output_layer_is_refused(tmp_path):
    config = BertConfig(
        vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(tmp_path)
    assert AutoModel.from_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"expected a masked-language model, found none of its cls\.predictions"):
        ClozeClassifier.from_encoder(str(tmp_path), words=[[0, 1.0, [1]], [1, 1.0, [2]]])


def test_input_with_other_masks_than_the_words_need_is_an_error(build):
    _, tokenizer, model, batch = build("bert", JOINED)
    batch["input_ids"][1, 0] = tokenizer.mask_token_id
    with pytest.raises(ValueError, match=r"expected inputs with \[1, 2, 3\] masks for each text, found"):
        model(**batch)
