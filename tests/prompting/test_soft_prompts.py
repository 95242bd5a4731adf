"""Trainable vectors of a template: in every layer, made by a network, alone in learning."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from tests.prompting.cloze_models import FAMILIES, JOINED
from utils.modeling.soft_prompts import SoftPrompts, find_layers

PATTERN = "{soft:2}" + JOINED + "{soft:1}"
SOFT = (None,) * 3
LABELS = torch.tensor([0, 1, 0, 1])


@pytest.mark.parametrize("kind", FAMILIES)
def test_layer_that_is_given_what_it_would_read_anyway_changes_nothing(build, kind):
    _, _, plain, batch = build(kind, PATTERN, soft=SOFT)
    _, _, deep, _ = build(kind, PATTERN, soft=SOFT, soft_layers=True)
    deep.soft.weight.data.copy_(plain.soft.weight.data)
    first = {name: value[2:3, :1] for name, value in batch.items()}  # one text and one mask, so nothing is padded
    plain.words.lengths = deep.words.lengths = [1]
    places = first["input_ids"][0, 0] >= plain.get_input_embeddings().weight.shape[0]
    assert int(places.sum()) == 3 and not (first["attention_mask"] == 0)[0, 0, places].any()

    states = []

    def keep(layer, args, kwargs):
        states.append(args[0] if args else kwargs["hidden_states"])

    layers = find_layers(plain.encoder.base_model, 2)
    hooks = [layer.register_forward_pre_hook(keep, with_kwargs=True) for layer in layers]
    mask = first["input_ids"].flatten(0, 1) == plain.config.mask_token_id
    inputs = {name: value.flatten(0, 1) for name, value in first.items() if name != "input_ids"}
    with torch.no_grad():
        wanted = plain._predict(first["input_ids"].flatten(0, 1), mask, None, **inputs)
        for hook in hooks:
            hook.remove()
        assert len(states) == 2 and deep.soft.deep.shape == (1, 3, 16)
        deep.soft.deep.data[0] = states[1][0, places]
        torch.testing.assert_close(deep._predict(first["input_ids"].flatten(0, 1), mask, None, **inputs), wanted)
        deep.soft.deep.data[0, 1] += torch.randn(16)
        assert (deep._predict(first["input_ids"].flatten(0, 1), mask, None, **inputs) - wanted).abs().max() > 1e-3


@pytest.mark.parametrize("soft_encoder", ["none", "mlp", "lstm"])
@pytest.mark.parametrize("kind", ["bert", "albert", "modernbert"])
def test_only_what_is_not_pretrained_learns_and_reloads_to_equal_logits(build, tmp_path, kind, soft_encoder):
    _, _, model, batch = build(kind, PATTERN, soft=SOFT, soft_layers=True, soft_encoder=soft_encoder)
    model.freeze_encoder()
    model(**batch, labels=LABELS).loss.backward()
    learning = {name: each for name, each in model.named_parameters() if each.requires_grad}
    assert learning and all(name.startswith("soft.") for name in learning)
    assert all(each.grad is not None and each.grad.abs().max() > 0 for each in learning.values())
    assert model.soft.weight.grad.abs().amax(1).min() > 0 and model.soft.deep.grad.abs().amax(2).min() > 0

    with torch.no_grad():  # away from how they began
        for each in learning.values():
            each.add_(torch.randn_like(each), alpha=0.1)
    model.save_pretrained(tmp_path / "saved")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "saved", trust_remote_code=True).eval()
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in again.state_dict().items())
    with torch.no_grad():  # a product's last digit may go with where the matrix lies in memory
        torch.testing.assert_close(again(**batch).logits, model(**batch).logits, rtol=0, atol=1e-6)


@pytest.mark.parametrize("soft_encoder", ["mlp", "lstm"])
def test_vectors_that_begin_as_words_nearly_say_them_at_the_start(build, soft_encoder):
    _, _, model, _ = build("bert", "{soft:3}{text}{mask}", soft=(6, 7, 8), soft_encoder=soft_encoder)
    table = model.get_input_embeddings().weight
    begun = SoftPrompts(3, 16, encoder=soft_encoder)
    assert {name for name, _ in begun.named_parameters()} == {name for name, _ in model.soft.named_parameters()}
    with torch.no_grad():
        made = model.soft()
        assert made.shape == (3, 16)
        near = torch.nn.functional.cosine_similarity(made, table[[6, 7, 8]])
    assert near.min() > 0.8


def test_each_vector_sees_its_neighbours_through_the_lstm():
    torch.manual_seed(0)
    soft = SoftPrompts(3, 8, encoder="lstm")
    torch.nn.init.normal_(soft.weight)
    before = soft()
    with torch.no_grad():
        soft.weight[0] += 1.0
    assert (soft()[2] - before[2]).abs().max() > 1e-4


def test_layers_of_their_own_cannot_be_recomputed(build):
    model = build("bert", PATTERN, soft=SOFT, soft_layers=True)[2]
    with pytest.raises(ValueError, match="does not support activation checkpointing"):
        model.activation_checkpointing_enable()
    build("bert", PATTERN, soft=SOFT)[2].activation_checkpointing_enable()


def test_unknown_encoder_is_refused():
    layer = torch.nn.Linear(2, 2)
    layer.config = type("Config", (), {"model_type": "odd"})
    with pytest.raises(ValueError, match="odd: expected a list of 3 layers, found none"):
        find_layers(layer, 3)


def test_hidden_words_are_guessed_in_training_only(build, wordpiece):
    _, _, model, batch = build("bert", JOINED)
    hidden = batch["input_ids"][:, 0].clone()
    targets = torch.full_like(hidden, -100)
    targets[0, 1], targets[3, 2] = hidden[0, 1], hidden[3, 2]
    hidden[0, 1] = hidden[3, 2] = wordpiece.mask_token_id
    given = batch | {"mlm_input_ids": hidden, "mlm_targets": targets}
    assert model(**given).mlm_loss is None
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    found = model(**given).mlm_loss
    logits = model.encoder(input_ids=hidden, attention_mask=batch["attention_mask"][:, 0]).logits
    wanted = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    torch.testing.assert_close(found, wanted)
    nothing = given | {"mlm_targets": torch.full_like(targets, -100)}
    assert float(model(**nothing).mlm_loss.detach()) == 0.0
