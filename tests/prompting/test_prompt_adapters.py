"""Adapters: what learns, and that taking them into the weights changes no answer."""

import copy

import pytest
import torch

from tests.prompting.cloze_models import FAMILIES, JOINED
from utils.training.adapters import add_adapter, merge_adapter

LABELS = torch.tensor([0, 1, 0, 1])


# ModernBERT has hardly any biases.
@pytest.mark.parametrize(
    ("family", "kind"), [(each, "lora") for each in FAMILIES] + [("bert", "bitfit"), ("albert", "bitfit")]
)
def test_adapter_and_vectors_learn_and_merging_changes_no_answer(build, family, kind):
    _, _, model, batch = build(family, "{soft:2}" + JOINED, soft=(None, None))
    names, before = set(model.state_dict()), copy.deepcopy(model.state_dict())
    add_adapter(model, kind, rank=2)
    learning = {name for name, each in model.named_parameters() if each.requires_grad}
    assert "soft.weight" in learning and len(learning) > 4
    assert all(name.startswith("soft.") or "lora_" in name or name.endswith("bias") for name in learning)
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.5)
    for _ in range(2):  # the first step moves one of the two matrices alone
        optimizer.zero_grad()
        model(**batch, labels=LABELS).loss.backward()
        optimizer.step()
    with torch.no_grad():
        wanted = model(**batch).logits
        merge_adapter(model)
        torch.testing.assert_close(model(**batch).logits, wanted, rtol=0, atol=1e-5)
    assert set(model.state_dict()) == names
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert "soft.weight" in changed and len(changed) > 1


def test_nothing_is_frozen_without_an_adapter(build):
    model = build("bert", JOINED)[2]
    add_adapter(model, "none")
    assert all(each.requires_grad for each in model.parameters())


def test_encoder_of_other_layers_is_refused(build):
    model = build("bert", JOINED)[2]
    for layer in model.encoder.base_model.encoder.layer:
        layer.attention.self = torch.nn.Identity()
    with pytest.raises(ValueError, match="bert: expected layers named Wqkv, "):
        add_adapter(model, "lora")
