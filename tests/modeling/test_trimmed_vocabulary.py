"""A model with fewer rows of embeddings gives the same outputs, bit for bit."""

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification

from tests.modeling.encoder_families import ENCODERS, SMALL
from utils.modeling.trimmed_vocabulary import trim_vocabulary

KEPT = [0, 1, 2, 3, 4, 7, 8, 11, 20, 21, 22, 40, 49]
CLASSES = [AutoModel, AutoModelForMaskedLM, AutoModelForSequenceClassification]


def build(auto, kind, **fields):
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **SMALL | ENCODERS[kind] | fields)
    model = auto.from_config(config).eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias"):  # new ones are all 0
            torch.nn.init.normal_(weight)
    return model


def outputs(model, ids):
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids))[0]


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("auto", CLASSES, ids=lambda auto: auto.__name__)
@pytest.mark.parametrize("tied", [True, False])
def test_outputs_are_equal(tmp_path, kind, auto, tied):
    model = build(auto, kind, tie_word_embeddings=tied)
    smaller = trim_vocabulary(model, KEPT)
    new = torch.randint(0, len(KEPT), (3, 9))
    before, after = outputs(model, torch.tensor(KEPT)[new]), outputs(smaller, new)
    if auto is AutoModelForMaskedLM:
        before = before[..., KEPT]
    assert torch.equal(before, after)
    smaller.save_pretrained(tmp_path)
    again = auto.from_pretrained(tmp_path).eval()
    assert torch.equal(outputs(again, new), after)
    assert again.config.vocab_size == len(KEPT) == again.get_input_embeddings().num_embeddings
    assert again.config.pad_token_id == KEPT.index(model.config.pad_token_id)
    assert model.config.vocab_size == 50 and model.get_input_embeddings().weight.shape[0] == 50


@pytest.mark.parametrize("tied", [True, False])
def test_output_layer_stays_tied_or_not(tied):
    smaller = trim_vocabulary(build(AutoModelForMaskedLM, "bert", tie_word_embeddings=tied), KEPT)
    assert (smaller.get_output_embeddings().weight is smaller.get_input_embeddings().weight) is tied


def test_padding_gets_no_gradient_as_before():
    smaller = trim_vocabulary(build(AutoModel, "bert", pad_token_id=7), KEPT)
    smaller(input_ids=torch.tensor([[5, 6, 7]]))[0].sum().backward()
    gradient = smaller.get_input_embeddings().weight.grad
    assert smaller.get_input_embeddings().padding_idx == 5 and not gradient[5].any() and gradient[6].any()


def test_smaller_model_can_be_trained():
    smaller = trim_vocabulary(build(AutoModelForMaskedLM, "bert"), KEPT).train()
    ids = torch.tensor([[2, 5, 12]])
    loss = smaller(input_ids=ids, labels=ids).loss
    loss.backward()
    assert torch.isfinite(loss)


def test_weight_that_may_belong_to_the_vocabulary_is_refused():
    model = build(AutoModel, "bert", intermediate_size=50)
    with pytest.raises(ValueError, match=r"expected one weight of 50 rows, found encoder\.layer\.0\.intermediate"):
        trim_vocabulary(model, KEPT)


def test_pieces_beyond_the_embeddings_are_refused():
    with pytest.raises(ValueError, match="expected pieces below 50, as there are embeddings for, found 50"):
        trim_vocabulary(build(AutoModel, "bert"), [0, 50])
