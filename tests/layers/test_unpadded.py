"""Padding is left out of the layers of an encoder, and nothing else changes."""

import itertools
import sys
import types

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
)

from tests.modeling.encoder_families import ENCODERS, SMALL, make_batch
from utils.layers import unpadded
from utils.layers.unpadded import TokenRow, leave_out_padding
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.encoders import FamilyError
from utils.modeling.soft_prompts import SoftPrompts
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import TextClassifier

ABLE = [kind for kind in ENCODERS if kind != "deberta-v2"]
LABELS = {"id2label": {0: "O", 1: "B-X", 2: "I-X"}, "label2id": {"O": 0, "B-X": 1, "I-X": 2}}
HEADS = {
    "crf": lambda path: CrfTagger.from_encoder(path, **LABELS),
    "span": lambda path: SpanTagger.from_encoder(path, **LABELS),
    "classes": lambda path: TextClassifier.from_encoder(path, pooling="fusion", layers="weighted", **LABELS),
    "stock classes": AutoModelForSequenceClassification.from_pretrained,
    "answers": AutoModelForQuestionAnswering.from_pretrained,
    "words": AutoModelForMaskedLM.from_pretrained,
}


def both_ways(make, batch):
    """Outputs and gradients of a model with padding and without it."""
    found = []
    for leave_out in (False, True):
        torch.manual_seed(0)
        model = make().eval()
        if leave_out:
            leave_out_padding(model)
        logits = model(**batch)[0]
        seen = batch["attention_mask"].bool() if logits.shape[:2] == batch["attention_mask"].shape else slice(None)
        logits[seen].float().pow(2).sum().backward()
        gradients = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
        found.append((logits[seen].detach(), gradients))
    return found


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("kind", ABLE)
def test_outputs_and_gradients_are_those_with_padding(encoders, kind, head):
    (logits, gradients), (unpadded_logits, unpadded_gradients) = both_ways(
        lambda: HEADS[head](str(encoders / kind)), make_batch()
    )
    torch.testing.assert_close(unpadded_logits, logits, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(unpadded_gradients, gradients, rtol=1e-4, atol=1e-5)
    assert len(gradients) > 5


def odd_batches():
    full = make_batch()
    empty = {name: each.clone() for name, each in full.items()}
    empty["attention_mask"][1] = 0
    left = {name: each.flip(1) for name, each in full.items()}
    holes = {name: each.clone() for name, each in full.items()}
    holes["attention_mask"][0, 3:5] = 0
    one = {name: each[:1] for name, each in full.items()}
    short = {name: each[2:] for name, each in full.items()}
    return {"a text without tokens": empty, "left": left, "holes": holes, "one text": one, "one padded text": short}


@pytest.mark.parametrize("which", odd_batches())
@pytest.mark.parametrize("kind", ABLE)
def test_odd_batches(encoders, kind, which):
    batch = odd_batches()[which]
    seen = batch["attention_mask"].bool()
    model = AutoModel.from_pretrained(encoders / kind).eval()
    with torch.no_grad():
        expected = model(**batch, output_hidden_states=True)
        leave_out_padding(model)
        found = model(**batch, output_hidden_states=True)
    for one, other in zip(
        (found.last_hidden_state, *found.hidden_states),
        (expected.last_hidden_state, *expected.hidden_states),
        strict=True,
    ):
        torch.testing.assert_close(one[seen], other[seen], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ABLE)
def test_embeddings_and_positions_may_be_given_in_place_of_ids(encoders, kind):
    batch = make_batch()
    model = AutoModel.from_pretrained(encoders / kind).eval()
    embeds = model.get_input_embeddings()(batch.pop("input_ids"))
    places = torch.arange(10).flip(0).expand(3, -1) + 2
    given = batch | {"inputs_embeds": embeds, "position_ids": places}
    with torch.no_grad():
        expected = model(**given).last_hidden_state
        leave_out_padding(model)
        found = model(**given).last_hidden_state
    seen = batch["attention_mask"].bool()
    torch.testing.assert_close(found[seen], expected[seen], rtol=1e-5, atol=1e-5)


def test_without_a_mask_every_token_is_of_a_text(encoders):
    model = AutoModel.from_pretrained(encoders / "modernbert").eval()
    ids = torch.randint(5, 50, (2, 40))
    with torch.no_grad():
        expected = model(ids).last_hidden_state
        leave_out_padding(model)
        torch.testing.assert_close(model(ids).last_hidden_state, expected, rtol=1e-5, atol=1e-5)


def test_layers_compute_the_tokens_alone(encoders):
    model = AutoModel.from_pretrained(encoders / "bert").eval()
    leave_out_padding(model)
    shapes = []
    model.encoder.layer[0].register_forward_pre_hook(lambda module, args: shapes.append(args[0].shape))
    model(**make_batch())
    assert shapes == [(1, 10 + 7 + 4, 16)]


def test_a_mask_of_which_token_sees_which_is_kept(encoders):
    batch = make_batch()
    seen = batch["attention_mask"]
    pairs = (seen[:, None, :, None] * seen[:, None, None, :]).bool()
    pairs[:, :, :, 5:] = False
    model = AutoModel.from_pretrained(encoders / "bert").eval()
    given = batch | {"attention_mask": pairs}
    with torch.no_grad():
        expected = model(**given).last_hidden_state
        leave_out_padding(model)
        found = model(**given).last_hidden_state
    torch.testing.assert_close(found[seen.bool()], expected[seen.bool()], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", ["bert", "electra", "modernbert"])
def test_layers_that_are_computed_again_have_the_same_gradients(encoders, kind):
    gradients = []
    for again in (False, True):
        model = AutoModel.from_pretrained(encoders / kind).train()
        leave_out_padding(model)
        if again:
            model.gradient_checkpointing_enable()
        torch.manual_seed(0)
        model(**make_batch()).last_hidden_state.pow(2).sum().backward()
        gradients.append({name: each.grad for name, each in model.named_parameters()})
    torch.testing.assert_close(*gradients)


def test_attention_drops_its_share_and_keeps_the_mean():
    torch.manual_seed(0)
    row = TokenRow(torch.ones(1, 64, dtype=torch.int64))
    query, key = torch.zeros(2, 1, 1, 64, 8)  # every token sees all others alike
    value = torch.ones(1, 1, 64, 8)
    found, _ = unpadded.attend(None, query, key, value, None, dropout=0.25, token_row=row)
    assert found.std() > 0.01
    assert abs(found.mean() - 1) < 0.05


def test_the_kernel_gets_borders_and_an_inclusive_window(monkeypatch):
    """What torch's kernel on GPUs promises, computed text by text."""

    def varlen_attn(query, key, value, starts, ends, longest, other, *, scale, window_size):
        assert starts is ends
        assert starts.dtype == torch.int32
        assert longest == other == int(starts.diff().max())
        found = []
        for start, stop in itertools.pairwise(starts.tolist()):
            q, k, v = (each[start:stop].transpose(0, 1) for each in (query, key, value))
            steps = torch.arange(len(q[0]))
            scores = (q @ k.transpose(1, 2)) * scale
            if window_size != (-1, -1):
                far = (steps[:, None] - steps).abs() > window_size[0]
                scores = scores.masked_fill(far, float("-inf"))
            found.append((scores.softmax(-1) @ v).transpose(0, 1))
        return torch.cat(found)

    module = types.ModuleType("torch.nn.attention.varlen")
    module.varlen_attn = varlen_attn
    monkeypatch.setitem(sys.modules, "torch.nn.attention.varlen", module)
    torch.manual_seed(0)
    row = TokenRow(make_batch()["attention_mask"])
    heads = torch.randn(3, 1, 2, 21, 8)
    for window in (None, 3):
        expected, _ = unpadded.attend(None, *heads, None, token_row=row, sliding_window=window)
        found = unpadded._attend_in_row(*heads, row, 8**-0.5, window)
        torch.testing.assert_close(found, expected)


def test_families_that_know_more_than_where_texts_end_are_refused(encoders):
    model = AutoModel.from_pretrained(encoders / "deberta-v2")
    with pytest.raises(FamilyError, match=r"--attention unpadded: .* deberta-v2 cannot .* leave --attention out"):
        leave_out_padding(model)


@pytest.mark.parametrize("kind", ["roformer", "mpnet", "rembert"])
def test_families_whose_states_would_differ_are_refused(kind):
    torch.manual_seed(0)
    model = AutoModel.from_config(AutoConfig.for_model(kind, **SMALL))
    with pytest.raises(FamilyError, match="its states differ"):
        leave_out_padding(model)


def test_vectors_in_each_layer_are_refused(encoders):
    model = AutoModel.from_pretrained(encoders / "bert")
    model.vectors = SoftPrompts(2, 16, layers=1, hidden_size=16)
    with pytest.raises(FamilyError, match="vectors of its own"):
        leave_out_padding(model)
