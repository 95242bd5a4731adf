"""Pre-trained encoders of each family, and models with an adapter."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM

from tests.adapters.heads import build_head
from tests.modeling.encoder_families import ENCODERS, SMALL
from utils.adapters import methods

DISTIL = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 32}


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A tiny random masked-language model of each family, on disk; a pooler is not in it."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for kind, own in (ENCODERS | {"distilbert": DISTIL}).items():
        torch.manual_seed(0)
        config = AutoConfig.for_model(kind, **(SMALL | own | {"initializer_range": 0.2}))
        AutoModelForMaskedLM.from_config(config).save_pretrained(folder / kind)
    return folder


@pytest.fixture
def adapted(checkpoints):
    """Build a head on a checkpoint, with an adapter in it."""

    def build(kind, head="crf", family="bert", **settings):
        base = str(checkpoints / family)
        model = build_head(head, base)
        settings = {"rank": 2, "size": 4, "count": 3} | settings
        method = methods.choose_method(kind, methods.inner_encoder(model), **settings)
        methods.add_adapter(model, method, untrained=methods.find_untrained(model, base), base=base)
        return model

    return build
