"""Each family that reads text trains one step with each head, and reloads, or is refused by name.

`FAMILIES` is a table of those that differ: what their tiny configuration needs, and which heads refuse them.
"""

import pytest
import torch
from transformers import AutoModel

from tests.modeling.tiny_families import HEADS, make_batch, reads_text, tiny_config
from utils.modeling.encoders import FamilyError
from utils.modeling.pretrained_weights import load_weights

OURS = ("fusion", "crf", "span")
ALL = tuple(HEADS)
FAMILIES = {
    "bert": ({}, ()),
    "squeezebert": ({"embedding_size": 32}, ()),
    "layoutlm": ({}, ("answers",)),
    "t5": ({"decoder_start_token_id": 0}, ()),
    "xlnet": ({}, ()),
    "longformer": ({"attention_window": 4}, ()),
    "mpnet": ({}, ()),
    "luke": ({}, ()),
    "ibert": ({}, ()),
    "data2vec-text": ({}, ()),
    "deberta-v2": ({}, ()),
    "nomic_bert": ({}, ("answers",)),  # its pooler is None
    "funnel": ({"block_sizes": [1, 1], "architectures": ["FunnelModel"]}, ("fusion",)),  # layers get shorter
    "canine": ({}, ("fusion",)),
    "splinter": ({}, ("softmax", "cls")),
    "bart": ({}, ("softmax", *OURS)),  # an encoder with a decoder
    "fnet": ({}, ALL),  # cannot tell padding from text
    "gpt2": ({}, ALL),  # reads from left to right
    "llama": ({}, ALL),
    "dpr": ({}, ALL),
}


def learns(head, path, folder):
    """Build a head, take one step, save it and load it; the loss."""
    model = HEADS[head](path).train()
    batch = make_batch(head, getattr(model.config, "encoder_config", None) or model.config)
    loss = model(**batch).loss
    loss.backward()
    own = [name for name, each in model.named_parameters() if each.grad is not None and each.grad.any()]
    assert any("classifier" in name or "qa_outputs" in name or "pointer" in name or "." in name for name in own)
    model.eval()
    model.save_pretrained(folder)
    again = load_weights(type(model), str(folder), whole=True)[0]
    del batch["labels" if "labels" in batch else "start_positions"]
    batch.pop("end_positions", None)
    with torch.no_grad():
        found, wanted = (each(**batch)["start_logits" if head == "answers" else "logits"] for each in (again, model))
    assert torch.equal(found, wanted)
    return float(loss)


@pytest.fixture(scope="module")
def save(tmp_path_factory):
    def build(kind, **own):
        folder = tmp_path_factory.mktemp(kind)
        torch.manual_seed(0)
        AutoModel.from_config(tiny_config(kind, **own)).save_pretrained(folder)
        return str(folder)

    return build


@pytest.mark.parametrize("kind", FAMILIES)
def test_family_learns_with_each_head_or_is_refused_by_name(save, tmp_path, kind):
    own, refusing = FAMILIES[kind]
    path = save(kind, **own)
    for head in HEADS:
        if head in refusing:
            with pytest.raises(FamilyError, match=f"expected .* found {kind}"):
                HEADS[head](path)
        else:
            assert learns(head, path, tmp_path / head) > 0


@pytest.mark.slow
def test_every_family_of_the_library_learns_or_is_refused_by_name(save, tmp_path):
    seen, odd, failed = [], [], {}
    for kind in reads_text():
        try:
            own, _ = FAMILIES.get(kind, ({}, ()))
            config = tiny_config(kind, **own)
            with torch.device("meta"):
                size = sum(each.numel() for each in AutoModel.from_config(config).parameters())
            if size > 3e6:  # has fields of its own that make it large
                odd.append(kind)
                continue
            path = save(kind, **own)
        except Exception:  # a configuration that needs more than small numbers
            odd.append(kind)
            continue
        seen.append(kind)
        for head in HEADS:
            try:
                learns(head, path, tmp_path / kind / head)
            except FamilyError as error:
                assert f"found {config.model_type}" in str(error)
            except Exception as error:  # whatever it is: the list of all is what helps
                failed[kind, head] = f"{type(error).__name__}: {error}"[:200]
    assert failed == {}
    assert len(seen) > 120 and len(odd) < 120, (len(seen), odd)
