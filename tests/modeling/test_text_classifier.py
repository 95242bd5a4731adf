"""The pooled classifier against computations by hand, on every encoder family, and in a process of its own."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, BertModel

from utils.modeling.text_classifier import TextClassifier, TextClassifierConfig, load_classifier

SMALL = {
    "vocab_size": 50,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}
ENCODERS = {
    "bert": {},
    "roberta": {"pad_token_id": 1},
    "albert": {"embedding_size": 8},
    "electra": {"embedding_size": 8},
    "modernbert": {
        "global_attn_every_n_layers": 2,
        "local_attention": 16,
        **{f"{name}_token_id": 2 for name in ("bos", "cls", "eos", "sep")},
    },
    "deberta-v2": {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
}
LABELS = ["good", "bad", "so so"]
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
POOLINGS = ["cls", "mean", "max", "fusion"]
TARGETS = torch.tensor([2, 0, 1])
every_encoder = pytest.mark.parametrize("kind", ENCODERS)


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """A tiny random encoder of each family, on disk."""
    folder = tmp_path_factory.mktemp("encoders")
    for kind, own in ENCODERS.items():
        torch.manual_seed(0)
        AutoModel.from_config(AutoConfig.for_model(kind, **(SMALL | own))).save_pretrained(folder / kind)
    return folder


def make_batch():
    """Three texts of 10, 7 and 4 tokens."""
    torch.manual_seed(1)
    mask = torch.ones(3, 10, dtype=torch.int64)
    mask[1, 7:] = 0
    mask[2, 4:] = 0
    ids = torch.randint(5, 50, (3, 10)) * mask
    ids[:, 0] = 2
    return {"input_ids": ids, "attention_mask": mask}


def build(path, **options):
    torch.manual_seed(2)
    return TextClassifier.from_encoder(str(path), **({"dropout": 0.0} | NAMES | options))


def shake(model):
    """Move the weights that begin at zero or one, so that a test notices them."""
    torch.manual_seed(3)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.startswith(("layer_mix", "fusion.weights", "pooled", "classifier")):
                weight.add_(torch.randn_like(weight))
    return model.eval()


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


# Training and reloading


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


VARIANTS = {
    "bert": {"pooling": "cls"},
    "roberta": {"pooling": "mean", "problem_type": "multi_label_classification"},
    "albert": {"pooling": "max", "layers": "weighted"},
    "electra": {"pooling": "fusion", "fusion_weights": "equal"},
    "modernbert": {"pooling": "fusion", "layers": "weighted", "fusion_size": 5},
    "deberta-v2": {"pooling": "mean", "layers": "weighted"},
}
RELOAD = """
import importlib.util, json, sys, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
assert importlib.util.find_spec("utils") is None
refused, logits = [], {}
for path in sys.argv[1:]:
    try:
        AutoModelForSequenceClassification.from_pretrained(path)
    except ValueError as error:
        refused.append(str(error))
for path in sys.argv[1:]:
    model = AutoModelForSequenceClassification.from_pretrained(path, trust_remote_code=True).eval()
    with torch.no_grad():
        ids = torch.tensor([[2, 7, 8, 9, 3], [2, 9, 9, 3, 4]])
        logits[path] = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits.tolist()
print("", json.dumps([refused, logits, type(model).__module__]), sep="\\n")
"""


@pytest.fixture(scope="module")
def reloaded(encoders, tmp_path_factory):
    """Models by encoder, where they lie, and what a process without this repository makes of them."""
    folder = tmp_path_factory.mktemp("saved")
    models = {kind: shake(build(encoders / kind, **options)) for kind, options in VARIANTS.items()}
    for kind, model in models.items():
        model.save_pretrained(folder / kind)
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "home"), "PYTHONPATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", RELOAD, *(str(folder / kind) for kind in models)],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=environment,
        capture_output=True,
        text=True,
        input="",
    )
    assert done.returncode == 0, done.stderr
    refused, logits, module = json.loads(done.stdout.splitlines()[-1])  # behind the questions whether to trust
    return models, {kind: logits[str(folder / kind)] for kind in models}, refused, module


@every_encoder
def test_saved_model_gives_equal_logits_in_a_process_without_this_repository(reloaded, kind):
    models, logits, _, module = reloaded
    assert module.startswith("transformers_modules.")
    ids = torch.tensor([[2, 7, 8, 9, 3], [2, 9, 9, 3, 4]])
    with torch.no_grad():
        expected = models[kind](input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    assert torch.equal(torch.tensor(logits[kind]), expected)


def test_loading_without_trust_is_an_error_that_says_what_to_do(reloaded):
    _, _, refused, _ = reloaded
    assert len(refused) == len(VARIANTS)
    assert all("trust_remote_code=True" in message for message in refused)


@every_encoder
def test_reloaded_model_has_exactly_the_weights_that_were_saved(encoders, tmp_path, kind):
    model = shake(build(encoders / kind, pooling="fusion", layers="weighted"))
    model.save_pretrained(tmp_path)
    again, report = TextClassifier.from_pretrained(tmp_path, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"]
    found, expected = again.state_dict(), model.state_dict()
    assert found.keys() == expected.keys()  # no second pooler
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_reloaded_configuration_is_the_saved_one(encoders, tmp_path):
    own = {"pooling": "fusion", "layers": "weighted", "fusion_size": 5, "fusion_weights": "equal", "dropout": 0.25}
    own |= {"problem_type": "multi_label_classification", "text_cleaning": [["a", "b"]], "input_length": 40}
    model = build(encoders / "albert", **own)
    model.config.decision = {"temperature": 1.5, "thresholds": [0.25, 0.5, 0.125]}
    model.save_pretrained(tmp_path)
    found = TextClassifierConfig.from_pretrained(tmp_path)
    assert {name: getattr(found, name) for name in own} == own
    assert found.decision == model.config.decision
    assert (found.id2label, found.label2id, found.num_labels) == (NAMES["id2label"], NAMES["label2id"], 3)
    assert found.encoder_config.to_dict() == model.config.encoder_config.to_dict()


# load_classifier


@every_encoder
def test_cls_of_the_last_layer_is_the_stock_class(encoders, kind):
    model = load_classifier(str(encoders / kind), **NAMES)
    stock = AutoModelForSequenceClassification.from_pretrained(encoders / kind, **NAMES)
    assert type(model) is type(stock) and model.config.num_labels == 3
    assert model.state_dict().keys() == stock.state_dict().keys()


@pytest.mark.parametrize(
    ("pooling", "layers"), [("mean", "last"), ("max", "last"), ("fusion", "last"), ("cls", "weighted")]
)
def test_any_other_pooling_is_ours(encoders, pooling, layers):
    model = load_classifier(
        str(encoders / "bert"), pooling=pooling, layers=layers, fusion_weights="equal", dropout=0.3, **NAMES
    )
    assert isinstance(model, TextClassifier)
    config = model.config
    assert (config.pooling, config.layers, config.fusion_weights, config.dropout) == (pooling, layers, "equal", 0.3)
    assert (model.dropout.p, config.num_labels) == (0.3, 3)


@pytest.fixture(scope="module")
def distilbert(tmp_path_factory):
    """A DistilBERT, which has names of its own for everything."""
    folder = tmp_path_factory.mktemp("distilbert")
    size = {"vocab_size": 50, "dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 64}
    AutoModel.from_config(AutoConfig.for_model("distilbert", **size)).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", [*ENCODERS, "distilbert"])
def test_dropout_before_the_stock_classifier_is_the_one_asked_for(encoders, distilbert, tmp_path, kind):
    model = load_classifier(str(distilbert if kind == "distilbert" else encoders / kind), dropout=0.37, **NAMES)
    model.save_pretrained(tmp_path)
    for one in (model, AutoModelForSequenceClassification.from_pretrained(tmp_path)):
        head = {name: part for name, part in one.named_modules() if not name.startswith(one.base_model_prefix)}
        rates = {name: part.p for name, part in head.items() if isinstance(part, nn.Dropout)}
        rates.pop("pooler.dropout", None)  # DeBERTa's second one, on what comes into its pooler
        assert list(rates.values()) == [0.37]


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_settings_survive_saving_and_loading(encoders, tmp_path, pooling):
    settings = {"problem_type": "multi_label_classification", "input_length": 40, "takes_pairs": True, **NAMES}
    settings |= {"text_cleaning": [["\\s+", " "]], "text_template": "{text}？"}
    model = load_classifier(str(encoders / "bert"), pooling=pooling, **settings)
    model.config.decision = {"temperature": 0.5, "thresholds": [0.1, 0.2, 0.3]}
    model.save_pretrained(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path, trust_remote_code=True)
    assert {name: getattr(config, name) for name in settings} == settings
    assert config.decision == model.config.decision


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_encoder_saved_in_half_precision_is_trained_in_float32(encoders, tmp_path, pooling):
    AutoModel.from_pretrained(encoders / "bert", dtype=torch.bfloat16).save_pretrained(tmp_path)
    model = load_classifier(str(tmp_path), pooling=pooling, **NAMES)
    assert {each.dtype for each in model.parameters()} == {torch.float32}
