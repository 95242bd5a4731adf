"""Classifiers of three labels, built and shaken."""

import pytest
import torch

from tests.modeling.encoder_families import ENCODERS
from utils.modeling.text_classifier import TextClassifier

LABELS = ["good", "bad", "so so"]
NAMES = {"id2label": dict(enumerate(LABELS)), "label2id": {label: i for i, label in enumerate(LABELS)}}
POOLINGS = ["cls", "mean", "max", "fusion"]
TARGETS = torch.tensor([2, 0, 1])
every_encoder = pytest.mark.parametrize("kind", ENCODERS)


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
