"""A saved classifier gives the same answers when reloaded, also in a process of its own."""

import json
import os
import subprocess
import sys

import pytest
import torch

from tests.modeling.classifiers import NAMES, build, every_encoder, shake
from utils.modeling.text_classifier import TextClassifier, TextClassifierConfig

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
