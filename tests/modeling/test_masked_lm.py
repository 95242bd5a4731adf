"""Logits at hidden tokens alone, new models, the start from neighbours, and Muon."""

import json

import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM, BertConfig, BertForMaskedLM, BertTokenizerFast

from utils.modeling.encoders import HEAD_IN_ORDER
from utils.modeling.masked_lm import new_config, new_masked_lm, predict_hidden_only, set_dropout
from utils.modeling.neighbour_start import look_at_neighbours
from utils.training.muon import MuonAdamW, split_matrices

SMALL = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
    "pad_token_id": 0,
    "initializer_range": 0.2,
}
OWN = {
    "albert": {"embedding_size": 8},
    "electra": {"embedding_size": 8},
    "modernbert": {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3},
    "distilbert": {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32},
    "deberta-v2": {},
}


def build(kind, **fields):
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **(SMALL | OWN.get(kind, {}) | fields))
    return AutoModelForMaskedLM.from_config(config).eval()


def draw_batch():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 60, (3, 12), generator=generator)
    seen = torch.ones_like(ids)
    seen[2, 8:] = 0
    hidden = (torch.rand(ids.shape, generator=generator) < 0.3) & (seen > 0)
    return {"input_ids": ids, "attention_mask": seen, "labels": ids.masked_fill(~hidden, -100)}


@pytest.mark.parametrize(
    "kind", ["bert", "albert", "electra", "ernie", "roberta", "modernbert", "distilbert", "deberta-v2"]
)
def test_loss_and_gradients_are_those_of_the_stock_model(kind):
    stock, ours = build(kind), predict_hidden_only(build(kind))
    batch = draw_batch()
    expected, found = stock(**batch), ours(**batch)
    torch.testing.assert_close(found.loss, expected.loss, atol=1e-5, rtol=1e-5)
    places = batch["labels"] != -100
    full = stock(
        input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]
    ).logits  # with labels some drop them
    torch.testing.assert_close(found.logits, full[places], atol=1e-5, rtol=1e-5)
    expected.loss.backward()
    found.loss.backward()
    ours_by_name = dict(ours.named_parameters())
    for name, parameter in stock.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours_by_name[name].grad, parameter.grad, atol=1e-5, rtol=1e-4)


def test_families_in_order_never_compute_all_logits():
    for kind in sorted(HEAD_IN_ORDER - {"camembert", "xlm-roberta"}):
        model = predict_hidden_only(build(kind))
        sizes = []
        model.get_output_embeddings().register_forward_hook(lambda *each, sizes=sizes: sizes.append(each[2].shape))
        batch = draw_batch()
        model(**batch)
        assert sizes == [(int((batch["labels"] != -100).sum()), 60)], kind


def test_micro_batches_divided_by_all_hidden_tokens_add_up():
    model, batch = predict_hidden_only(build("bert")), draw_batch()
    count = (batch["labels"] != -100).sum()
    parts = [{name: value[rows] for name, value in batch.items()} for rows in (slice(0, 1), slice(1, 3))]
    total = sum(model(**part, num_items_in_batch=count).loss for part in parts)
    torch.testing.assert_close(total, model(**batch).loss)


def test_batch_without_hidden_tokens_has_loss_0():
    batch = draw_batch()
    batch["labels"] = torch.full_like(batch["labels"], -100)
    loss = predict_hidden_only(build("bert"))(**batch).loss
    assert loss == 0 and loss.requires_grad


def test_saved_model_is_the_stock_one(tmp_path):
    model = predict_hidden_only(build("bert"))
    model.save_pretrained(tmp_path)
    loaded = BertForMaskedLM.from_pretrained(tmp_path).eval()
    batch = draw_batch()
    torch.testing.assert_close(loaded(**batch).loss, model(**batch).loss)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "model.safetensors"}


# New models


@pytest.fixture
def tokenizer():
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefgh"]
    return BertTokenizerFast(vocab={piece: i for i, piece in enumerate(pieces)})


def test_new_config_takes_its_vocabulary_from_the_tokenizer(tokenizer):
    config = new_config({"model_type": "bert", "hidden_size": 16, "num_attention_heads": 2}, tokenizer=tokenizer)
    assert (config.vocab_size, config.hidden_size, config.pad_token_id) == (13, 16, 0)
    assert new_masked_lm(config).get_input_embeddings().weight.shape == (13, 16)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_size": 16}, "expected a family that transformers knows, such as bert, found None"),
        ({"model_type": ["bert"]}, "found \\['bert'\\]"),
        (
            {"model_type": "bert", "hidden_size": "wide"},
            "bert: expected valid fields, found: .* expected int",
        ),
        ({"model_type": "bart-nothing"}, "found bart-nothing"),
        ({"model_type": "bert", "hiden_size": 16}, "hiden_size: no field of bert; did you mean hidden_size?"),
    ],
)
def test_wrong_config_is_refused(tokenizer, fields, message):
    with pytest.raises(ValueError, match=message):
        new_config(fields, tokenizer=tokenizer)


def test_contradicting_fields_are_refused(tokenizer):
    for fields, message in [({"hidden_act": "none"}, "'none'"), ({"hidden_size": 10}, "not a multiple")]:
        with pytest.raises(ValueError, match=message):
            new_masked_lm(new_config({"model_type": "bert", "num_attention_heads": 4} | fields, tokenizer=tokenizer))


def test_configuration_of_a_saved_model_is_taken(tokenizer, tmp_path):
    build("bert").half().save_pretrained(tmp_path)
    fields = json.loads((tmp_path / "config.json").read_text())
    model = new_masked_lm(new_config(fields, tokenizer=tokenizer))
    assert model.dtype == torch.float32 and model.config.vocab_size == len(tokenizer)


def test_dropout_is_set_and_given_back():
    config = BertConfig(**SMALL)
    before = set_dropout(config, 0.0)
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob) == (0, 0)
    assert before == {"hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1}
    config.update(before)
    assert config.to_dict() == BertConfig(**SMALL).to_dict()
    assert set_dropout(config, None) == {}


def test_attention_begins_with_the_neighbours():
    fields = {"hidden_size": 256, "num_attention_heads": 4, "initializer_range": 0.02, "attn_implementation": "eager"}
    model = build("bert", **fields)
    look_at_neighbours(model)
    ids = torch.randint(5, 60, (8, 40), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        attentions = model.bert(ids, output_attentions=True).attentions
    for layer, shifts in zip(attentions, ((-1, 1, -2, 2), (-1, 1, -3, 3)), strict=True):
        mean = layer.mean(0)  # (heads, 40, 40), over texts without any meaning
        for head, shift in enumerate(shifts):
            by_distance = {d: float(mean[head].diagonal(d)[8:-8].mean()) for d in range(-8, 9) if d}
            assert max(by_distance, key=by_distance.get) == shift
            assert by_distance[shift] > 2 * by_distance[-8 if shift > 0 else 8]


def test_start_from_neighbours_is_for_bert():
    with pytest.raises(ValueError, match="expected bert with heads of even width, found roberta"):
        look_at_neighbours(build("roberta"))


# Muon


def learn(model, optimizer, steps):
    batch = draw_batch()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = model(**batch).loss
        loss.backward()
        optimizer.step()
    return loss.item()


def make_optimizer(model):
    groups = [{"params": [parameter], "lr": 1e-3, "weight_decay": 0.01} for parameter in model.parameters()]
    return MuonAdamW(*split_matrices(model, groups, learning_rate=2e-3))


def test_muon_gets_the_matrices_and_adamw_the_rest():
    model = build("bert")
    matrices, others = split_matrices(model, [{"params": list(model.parameters()), "lr": 1e-3}], learning_rate=2e-3)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    muon = {names[id(parameter)] for group in matrices for parameter in group["params"]}
    rest = {names[id(parameter)] for group in others for parameter in group["params"]}
    assert muon | rest == set(names.values()) and not muon & rest
    assert len(muon) == 2 * 6 + 1  # of each layer six matrices; the head's one
    assert not [name for name in muon if "embed" in name or "bias" in name or "decoder" in name]
    assert {group["lr"] for group in matrices} == {2e-3}


def test_muon_learns_and_goes_on_from_its_saved_state_to_the_same_weights(tmp_path):
    model = build("bert")
    optimizer = make_optimizer(model)
    start = learn(model, optimizer, 1)
    learn(model, optimizer, 4)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "saved.pt")
    assert learn(model, optimizer, 5) < start

    other = build("bert")
    saved = torch.load(tmp_path / "saved.pt", weights_only=True)
    other.load_state_dict(saved["model"])
    again = make_optimizer(other)
    again.load_state_dict(saved["optimizer"])
    learn(other, again, 5)
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)


def test_scheduler_reaches_both_parts_of_muon():
    optimizer = make_optimizer(build("bert"))
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    assert {group["lr"] for part in optimizer.parts for group in part.param_groups} == {1e-3, 5e-4}
    optimizer.load_state_dict(optimizer.state_dict())
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    assert {group["lr"] for part in optimizer.parts for group in part.param_groups} == {0.0}
