"""The encoders under all heads."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from tests.modeling.encoder_families import ENCODERS, SMALL


@pytest.fixture(scope="session")
def encoders(tmp_path_factory):
    """A tiny random encoder of each family, on disk."""
    folder = tmp_path_factory.mktemp("encoders")
    for kind, own in ENCODERS.items():
        torch.manual_seed(0)
        AutoModel.from_config(AutoConfig.for_model(kind, **(SMALL | own))).save_pretrained(folder / kind)
    return folder
