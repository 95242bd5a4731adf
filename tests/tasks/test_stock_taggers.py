"""Taggers of transformers under the options of run_ner.py."""

import pytest
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForTokenClassification

from tests.modeling.encoder_families import SMALL
from utils.modeling.pretrained_weights import read_config
from utils.tasks.taggers import load_tagger

LABELS = {"id2label": {0: "O", 1: "B-A", 2: "I-A"}, "label2id": {"O": 0, "B-A": 1, "I-A": 2}}
OWN = {"distilbert": {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}, "albert": {"embedding_size": 8}}


def rates(model, *, inside):
    """The dropout of the encoder, or of the head."""
    found = {name: part.p for name, part in model.named_modules() if isinstance(part, nn.Dropout)}
    return {rate for name, rate in found.items() if name.startswith(model.base_model_prefix) == inside}


@pytest.mark.parametrize("kind", ["bert", "albert", "distilbert", "deberta-v2", "roformer", "mpnet"])
def test_dropout_before_the_tags_is_the_one_asked_for(tmp_path, kind):
    plain = AutoConfig.for_model(kind, **(SMALL | OWN.get(kind, {})))
    AutoModel.from_config(plain).save_pretrained(tmp_path)
    before = AutoModelForTokenClassification.from_pretrained(tmp_path)
    options = {"head": "softmax", "dropout": 0.37, "special_token_ids": [0], **LABELS}
    model = load_tagger(str(tmp_path), config=read_config(str(tmp_path)), **options)
    assert rates(model, inside=False) == {0.37}
    assert rates(model, inside=True) == rates(before, inside=True)
