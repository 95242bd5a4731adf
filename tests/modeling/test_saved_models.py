"""Models that were saved by an earlier version load, and answer as they did."""

import json
import shutil
from pathlib import Path

import pytest
import torch

import predict
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import TextClassifier

SAVED = Path(__file__).resolve().parent / "saved_models"
NAMES = sorted(path.parent.name for path in SAVED.glob("*/answers.jsonl"))
TEXTS = ["张伟在北京开会。", "李娜去了上海，王芳来自深圳看病。陈静是广州的人，张敏在北京学习。", "好"]
TOLD = {"text_pair": {"class-mean": "北京"}, "question": {"qa": "在开会"}}


def ask(name, folder, capsys):
    """What predict.py prints about each text, with the model in a folder of its own."""
    shutil.copytree(SAVED / name, folder)
    for path in SAVED.glob("encoder/tokenizer*"):
        shutil.copy(path, folder)
    if (folder / "adapter_config.json").exists():
        fields = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        fields["base_model_name_or_path"] = str(SAVED / "encoder")
        (folder / "adapter_config.json").write_text(json.dumps(fields), encoding="utf-8")
    flags = [word for flag, values in TOLD.items() if name in values for word in (f"--{flag}", values[name])]
    for text in TEXTS:
        predict.main([str(folder), "--text", text, *flags])
    return capsys.readouterr().out


def floats(value):
    """The same value, with floating-point numbers compared as far as lines round them."""
    if isinstance(value, dict):
        return {key: floats(each) for key, each in value.items()}
    if isinstance(value, list):
        return [floats(each) for each in value]
    return pytest.approx(value, abs=2e-4) if isinstance(value, float) else value


@pytest.mark.parametrize("name", NAMES)
def test_saved_model_answers_as_it_did(name, tmp_path, capsys):
    found = [json.loads(line) for line in ask(name, tmp_path / name, capsys).splitlines()]
    lines = (SAVED / name / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(found) == len(TEXTS)
    assert found == [floats(json.loads(line)) for line in lines]


def test_every_head_is_kept():
    assert len(NAMES) == 15
    classes = {
        json.loads((SAVED / name / "config.json").read_text(encoding="utf-8"))["architectures"][0] for name in NAMES
    }
    assert classes == {
        *("BertForTokenClassification", "BertForSequenceClassification", "BertForQuestionAnswering"),
        *("CrfTagger", "SpanTagger", "TextClassifier", "ClozeClassifier"),
    }


@pytest.mark.parametrize(
    "head, name", [(CrfTagger, "ner-crf-lstm"), (SpanTagger, "ner-span-lstm"), (TextClassifier, "class-fusion")]
)
def test_model_that_is_saved_again_has_the_same_weights_and_fields(head, name, tmp_path):
    model = head.from_pretrained(SAVED / name)
    model.save_pretrained(tmp_path)
    before, after = (
        json.loads((folder / "config.json").read_text(encoding="utf-8")) for folder in (SAVED / name, tmp_path)
    )
    for fields in (before, after):
        for key in ("transformers_version", "use_cache"):  # of the library and its trainer
            fields.pop(key, None)
        fields["encoder_config"].pop("_name_or_path", None)
    assert after == before
    again = head.from_pretrained(tmp_path).state_dict()
    for key, weight in head.from_pretrained(SAVED / name).state_dict().items():
        assert torch.equal(again[key], weight), key
