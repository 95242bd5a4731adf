"""The pooled classifier against computations by hand, on every encoder family."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import AutoConfig, AutoModel, BertModel

from tests.modeling.classifiers import POOLINGS, TARGETS, build, every_encoder, shake
from tests.modeling.encoder_families import ENCODERS, SMALL, make_batch
from utils.modeling.text_classifier import TextClassifier

# Pooling


def by_hand(model, ids):
    """Logits of one text without padding, from the hidden states of the encoder and plain sums."""
    hidden = model.encoder(input_ids=ids[None], output_hidden_states=True)
    states = hidden.last_hidden_state[0].double()  # (length, width)
    if model.layer_mix is not None:
        shares = model.layer_mix.weights.double().exp()
        shares = shares / shares.sum()
        layers = [layer[0].double() for layer in hidden.hidden_states]
        assert len(layers) == len(shares) == 3  # embeddings and two layers
        states = model.layer_mix.scale.double() * sum(share * one for share, one in zip(shares, layers, strict=True))

    def linear(module, feature):
        return module.weight.double() @ feature + module.bias.double()

    pooling = model.config.pooling
    mean = sum(states) / len(states)
    if pooling == "mean":
        feature = mean
    elif pooling == "max":
        feature = torch.stack([max(column) for column in states.T])
    else:
        feature = torch.tanh(linear(model.pooled, states[0]))
    if pooling == "fusion":
        one, other = linear(model.fusion.mean, mean), linear(model.fusion.pooled, feature)
        shares = [0.5, 0.5]
        if model.fusion.weights is not None:
            shares = model.fusion.weights.double().exp() / model.fusion.weights.double().exp().sum()
        feature = shares[0] * one + shares[1] * other
    return linear(model.classifier, feature).float()


@torch.no_grad()
@every_encoder
@pytest.mark.parametrize("layers", ["last", "weighted"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_logits_of_a_padded_batch_are_those_computed_by_hand_without_padding(encoders, kind, pooling, layers):
    model = shake(build(encoders / kind, pooling=pooling, layers=layers))
    batch = make_batch()
    expected = torch.stack([by_hand(model, batch["input_ids"][i, :length]) for i, length in enumerate((10, 7, 4))])
    torch.testing.assert_close(model(**batch).logits, expected, rtol=1e-5, atol=2e-6)


@torch.no_grad()
def test_fusion_with_equal_weights_is_the_mean_of_both_features(encoders):
    model = shake(build(encoders / "bert", pooling="fusion", fusion_weights="equal"))
    batch = make_batch()
    expected = torch.stack([by_hand(model, batch["input_ids"][i, :length]) for i, length in enumerate((10, 7, 4))])
    torch.testing.assert_close(model(**batch).logits, expected, rtol=1e-5, atol=2e-6)


@torch.no_grad()
@every_encoder
@pytest.mark.parametrize("pooling", POOLINGS)
def test_company_changes_no_logit(encoders, kind, pooling):
    model = shake(build(encoders / kind, pooling=pooling, layers="weighted"))
    batch = make_batch()
    together = model(**batch).logits
    for i, length in enumerate((10, 7, 4)):
        alone = model(**{name: value[i : i + 1, :length] for name, value in batch.items()}).logits[0]
        torch.testing.assert_close(alone, together[i], rtol=1e-5, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("pooling", POOLINGS)
def test_what_stands_in_the_padding_does_not_count(encoders, pooling):
    model = shake(build(encoders / "bert", pooling=pooling))
    batch = make_batch()
    expected = model(**batch).logits
    batch["input_ids"] = torch.where(batch["attention_mask"] == 1, batch["input_ids"], 7)
    assert torch.equal(model(**batch).logits, expected)


@torch.no_grad()
@pytest.mark.parametrize("pooling", POOLINGS)
def test_without_a_mask_every_token_counts(encoders, pooling):
    model = shake(build(encoders / "bert", pooling=pooling))
    ids = make_batch()["input_ids"]
    torch.testing.assert_close(model(ids).logits, model(ids, torch.ones_like(ids)).logits)


@torch.no_grad()
def test_maximum_of_negative_states_is_negative(encoders):
    model = build(encoders / "bert", pooling="max").eval()
    states = -1 - torch.rand(2, 5, 16)
    mask = torch.tensor([[True] * 5, [True] * 2 + [False] * 3])
    assert torch.equal(model.pool(states, mask), torch.stack([states[0].amax(0), states[1, :2].amax(0)]))


def test_equal_fusion_has_no_weights_to_learn_and_learned_fusion_has_two(encoders):
    equal = build(encoders / "bert", pooling="fusion", fusion_weights="equal")
    learned = build(encoders / "bert", pooling="fusion")
    names = {name for name, _ in equal.named_parameters()}
    assert {name for name, _ in learned.named_parameters()} - names == {"fusion.weights"}
    assert learned.fusion.weights.tolist() == [0.0, 0.0]


@torch.no_grad()
def test_fresh_layer_mix_is_the_mean_of_all_layers(encoders):
    model = build(encoders / "bert", layers="weighted").eval()
    layers = model.encoder(**make_batch(), output_hidden_states=True).hidden_states
    torch.testing.assert_close(model.layer_mix(layers), sum(layers) / 3)


@torch.no_grad()
def test_embeddings_may_be_given_instead_of_ids(encoders):
    model = shake(build(encoders / "bert"))
    batch = make_batch()
    expected = model(**batch).logits
    embedded = model.get_input_embeddings()(batch.pop("input_ids"))
    assert torch.equal(model(inputs_embeds=embedded, **batch).logits, expected)


@torch.no_grad()
def test_token_types_reach_the_encoder(encoders):
    model = shake(build(encoders / "bert"))
    batch = make_batch()
    zeros = torch.zeros_like(batch["input_ids"])
    assert torch.equal(model(**batch, token_type_ids=zeros).logits, model(**batch).logits)
    assert not torch.allclose(model(**batch, token_type_ids=zeros + 1).logits, model(**batch).logits)


# Pre-trained poolers


@pytest.mark.parametrize("pooling", ["cls", "fusion"])
@pytest.mark.parametrize(
    ("kind", "pooler"), [("bert", "pooler.dense"), ("roberta", "pooler.dense"), ("albert", "pooler")]
)
def test_pre_trained_pooler_becomes_part_of_the_head(encoders, kind, pooler, pooling):
    wanted = AutoModel.from_pretrained(encoders / kind).get_submodule(pooler)
    found = build(encoders / kind, pooling=pooling).pooled
    assert torch.equal(found.weight, wanted.weight) and torch.equal(found.bias, wanted.bias)


@torch.no_grad()
def test_cls_of_the_head_is_the_pooled_output_of_the_encoder(encoders):
    model = build(encoders / "bert", pooling="cls").eval()
    with_pooler = AutoModel.from_pretrained(encoders / "bert").eval()(**make_batch())
    found = model.pool(with_pooler.last_hidden_state, make_batch()["attention_mask"].bool())
    torch.testing.assert_close(found, with_pooler.pooler_output)


def test_encoder_without_a_pooler_gets_a_fresh_one_and_not_its_random_one(tmp_path):
    BertModel(AutoConfig.for_model("bert", **SMALL), add_pooling_layer=False).save_pretrained(tmp_path)
    model = build(tmp_path, pooling="cls", initializer_range=3.0)  # the encoder would have drawn with 0.02
    assert model.pooled.weight.std() > 1


@every_encoder
@pytest.mark.parametrize("pooling", POOLINGS)
def test_no_pooler_is_left_in_the_encoder(encoders, kind, pooling):
    names = build(encoders / kind, pooling=pooling).state_dict()
    assert not [name for name in names if name.startswith("encoder.pooler")]


def test_weights_outside_of_the_encoder_are_those_of_the_head_modules(encoders):
    seen = set()
    for pooling in POOLINGS:
        model = build(encoders / "bert", pooling=pooling, layers="weighted")
        seen |= {name.partition(".")[0] for name, _ in model.named_parameters()}
    assert seen == {"encoder", *TextClassifier.HEAD_MODULES}


# Losses


def test_loss_of_one_label_is_cross_entropy(encoders):
    outputs = build(encoders / "bert", problem_type="single_label_classification")(**make_batch(), labels=TARGETS)
    torch.testing.assert_close(outputs.loss, cross_entropy(outputs.logits, TARGETS))


@pytest.mark.parametrize("kind", [torch.float32, torch.int64])
def test_loss_of_several_labels_is_binary_cross_entropy(encoders, kind):
    targets = torch.tensor([[1, 0, 1], [0, 0, 0], [0, 1, 0]], dtype=kind)
    model = build(encoders / "bert", problem_type="multi_label_classification")
    outputs = model(**make_batch(), labels=targets)
    torch.testing.assert_close(outputs.loss, binary_cross_entropy_with_logits(outputs.logits, targets.float()))


def test_without_labels_there_is_no_loss(encoders):
    assert build(encoders / "bert")(**make_batch()).loss is None


def test_logits_are_float32_under_autocast(encoders):
    with torch.autocast("cpu", torch.bfloat16):
        outputs = build(encoders / "bert", pooling="fusion", layers="weighted")(**make_batch(), labels=TARGETS)
    assert outputs.logits.dtype == outputs.loss.dtype == torch.float32


# Training


@every_encoder
@pytest.mark.parametrize("layers", ["last", "weighted"])
@pytest.mark.parametrize("pooling", POOLINGS)
def test_every_weight_gets_a_gradient_and_the_loss_falls(encoders, kind, pooling, layers):
    model = build(encoders / kind, pooling=pooling, layers=layers).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(3):
        loss = model(**make_batch(), labels=TARGETS).loss
        optimizer.zero_grad()
        loss.backward()
        losses.append(loss.item())
        if len(losses) == 1:
            assert [name for name, each in model.named_parameters() if each.grad is None or not each.grad.any()] == []
        optimizer.step()
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("kind", [kind for kind in ENCODERS if kind != "albert"])  # whose encoder cannot
def test_activation_checkpointing_changes_no_gradient(encoders, kind):
    gradients = []
    for checkpointing in (False, True):
        model = build(encoders / kind, pooling="fusion", layers="weighted").train()
        if checkpointing:
            model.activation_checkpointing_enable()
            assert any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
        torch.manual_seed(0)
        model(**make_batch(), labels=TARGETS).loss.backward()
        gradients.append({name: each.grad for name, each in model.named_parameters()})
    torch.testing.assert_close(*gradients)


@every_encoder
def test_attention_can_be_switched_as_in_stock_models(encoders, kind):
    model = shake(build(encoders / kind))
    with torch.no_grad():
        before = model(**make_batch()).logits
        model.set_attn_implementation("eager")
        assert model.encoder.config._attn_implementation == "eager"
        torch.testing.assert_close(model(**make_batch()).logits, before, rtol=1e-4, atol=1e-5)
