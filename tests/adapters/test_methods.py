"""What learns with an adapter, and what it does to an encoder, on every family and under every head."""

import pytest
import torch
from torch import nn

from tests.adapters.heads import HEADS, KINDS, batch_for, build_head
from tests.modeling.encoder_families import ENCODERS, make_batch
from utils.adapters import methods
from utils.adapters.virtual_tokens import VirtualTokensConfig

FAMILIES = [*ENCODERS, "distilbert"]
# ModernBERT has no biases: `test_encoder_without_biases_is_refused`.
POSSIBLE = [(family, kind) for family in FAMILIES for kind in KINDS if (family, kind) != ("modernbert", "bitfit")]
HEAD_PARTS = {
    "softmax": ["classifier"],
    "cls": ["bert.pooler", "classifier"],
    "answers": ["qa_outputs"],
    "crf": ["classifier", "crf", "layer_mix", "lstm"],
    "span": ["borders", "pointer"],
    "fusion": ["classifier", "fusion", "pooled"],
    "cloze": ["shares", "soft"],
    "mlm": [],
}


def train(model, head, *, steps=3):
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.3)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        model(**batch_for(head)).loss.backward()
        optimizer.step()
    return model.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", [*HEADS, "mlm"])
def test_adapter_and_all_that_began_at_random_learn_and_nothing_else(adapted, head, kind):
    model = adapted(kind, head)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learning = {name for name, each in model.named_parameters() if each.requires_grad}
    parts = HEAD_PARTS[head]
    assert all(any(name.startswith(part) for name in learning) for part in parts)
    of_adapter = {name for name in learning if not any(name.startswith(part) for part in parts)}
    assert of_adapter and not any("pooler" in name or "base_layer" in name for name in of_adapter)
    train(model, head)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed <= learning
    still = learning - changed
    assert not {name for name in still if "deep" not in name}, still


@pytest.mark.parametrize(
    ("family", "kind"), [(family, kind) for family, kind in POSSIBLE if kind not in ("prefix", "prompt", "p_tuning")]
)
def test_adapter_begins_as_the_encoder_is(adapted, checkpoints, family, kind):
    plain = build_head("crf", str(checkpoints / family)).encoder.eval()
    wanted = plain(**make_batch()).last_hidden_state
    found = adapted(kind, family=family).encoder.eval()(**make_batch()).last_hidden_state
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-2 if kind == "bottleneck" else 1e-5)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", ["prefix", "prompt", "p_tuning"])
def test_vectors_change_the_text_whatever_the_padding(adapted, checkpoints, family, kind):
    encoder = adapted(kind, family=family).encoder.eval()
    batch = make_batch()
    found = encoder(**batch, output_hidden_states=True)
    assert found.last_hidden_state.shape == found.hidden_states[1].shape == (3, 10, 16)
    plain = build_head("crf", str(checkpoints / family)).encoder.eval()
    assert not torch.allclose(plain(**batch).last_hidden_state, found.last_hidden_state, atol=1e-3)
    alone = encoder(**{name: value[2:, :4] for name, value in batch.items()}).last_hidden_state
    torch.testing.assert_close(found.last_hidden_state[2:, :4], alone, rtol=0, atol=1e-5)


def test_text_keeps_its_positions(adapted):
    encoder = adapted("prompt").encoder.eval()
    seen = {}
    handle = encoder.embeddings.position_embeddings.register_forward_hook(lambda _, ids, out: seen.update(ids=ids[0]))
    encoder(**make_batch())
    handle.remove()
    assert seen["ids"][0].tolist() == [*range(10), 0, 1, 2]


def test_longest_text_still_fits(adapted):
    ids = torch.randint(5, 50, (1, 64))  # as many as there are positions
    assert adapted("prefix").encoder(input_ids=ids).last_hidden_state.shape == (1, 64, 16)


def test_vectors_in_layers_matter(adapted):
    encoder = adapted("prefix").encoder.eval()
    with torch.no_grad():
        before = encoder(**make_batch()).last_hidden_state
        encoder.virtual_tokens.prompts["default"].deep += 1
        assert not torch.allclose(encoder(**make_batch()).last_hidden_state, before, atol=1e-3)


@pytest.mark.parametrize(("settings", "key"), [({"dora": True}, "use_dora"), ({"rslora": True}, "use_rslora")])
def test_lora_variants_are_passed_on(adapted, settings, key):
    method, _ = adapted("lora", **settings).adapter
    assert getattr(method, key) and (method.r, method.lora_alpha) == (2, 4)


def test_lora_on_all_layers_reaches_the_feed_forward_ones(adapted):
    attention = {name for name, each in adapted("lora").named_parameters() if each.requires_grad}
    everywhere = {name for name, each in adapted("lora", all_layers=True).named_parameters() if each.requires_grad}
    assert attention < everywhere
    assert any("intermediate.dense.lora_A" in name for name in everywhere)


def test_frozen_head_is_refused_by_name(adapted, checkpoints):
    model = adapted("lora")
    untrained = methods.find_untrained(build_head("crf", str(checkpoints / "bert")), str(checkpoints / "bert"))
    assert {"crf.transitions", "classifier.weight", "lstm.weight_ih_l0"} <= untrained
    methods.refuse_frozen(model, untrained)
    model.crf.requires_grad_(False)
    with pytest.raises(ValueError, match=r"crf\.\w+.*: expected randomly initialised weights to be trained, found"):
        methods.refuse_frozen(model, untrained)


def test_pre_trained_pooler_stays(tmp_path, checkpoints):
    from transformers import BertModel

    encoder = BertModel.from_pretrained(checkpoints / "bert")
    encoder.save_pretrained(tmp_path)  # now with a pooler
    model = build_head("cls", str(tmp_path))
    assert methods.find_untrained(model, str(tmp_path)) == {"classifier.weight", "classifier.bias"}


def test_encoder_without_biases_is_refused(adapted):
    with pytest.raises(ValueError, match="modernbert: expected layers named"):
        adapted("bitfit", family="modernbert")


def test_encoder_of_unknown_layers_is_refused(checkpoints):
    model = build_head("crf", str(checkpoints / "bert"))
    for layer in model.encoder.encoder.layer:
        layer.attention.self = nn.Identity()
    with pytest.raises(ValueError, match="bert: expected layers named query"):
        methods.choose_method("lora", model.encoder)


def test_vectors_of_each_kind(checkpoints):
    encoder = build_head("crf", str(checkpoints / "bert")).encoder
    made = {kind: methods.choose_method(kind, encoder, count=5) for kind in ("prefix", "prompt", "p_tuning")}
    assert all(isinstance(each, VirtualTokensConfig) and each.count == 5 for each in made.values())
    assert made["prefix"].deep and made["p_tuning"].encoder == "mlp"
