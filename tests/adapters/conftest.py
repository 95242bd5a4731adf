"""Pre-trained encoders of each family, and models with an adapter."""

import json

import pytest
import torch
from transformers import AutoConfig, AutoModelForMaskedLM

import run_classification
import run_mlm
import run_ner
import run_prompt
import run_qa_cls
import run_qa_span
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


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapter_files")
    reviews = [{"text": f"{who}{verb}北京。", "label": verb} for who in "张王李赵陈" for verb in ("在", "去了")] * 4
    lines = [json.dumps(row, ensure_ascii=False) for row in reviews]
    (folder / "reviews.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "corpus.txt").write_text("\n".join(row["text"] * 3 for row in reviews) + "\n", encoding="utf-8")
    passages = []
    for i, who in enumerate("张王李赵陈" * 4):
        asked = {"id": str(i), "question": "谁在北京", "answers": [{"text": who, "answer_start": 0}]}
        passages.append({"paragraphs": [{"context": f"{who}在北京开会。", "qas": [asked]}]})
    (folder / "qa.json").write_text(json.dumps({"version": "1.1", "data": passages}, ensure_ascii=False))
    return folder


@pytest.fixture
def run(tiny_masked_lm, files, ner_files, tmp_path):
    """Call a script by a short name; keyword arguments are flags."""
    reviews = files / "reviews.jsonl"
    scripts = {
        "crf": (run_ner, {"train_file": ner_files[0], "validation_file": ner_files[1], "head": "crf"}),
        "softmax": (run_ner, {"train_file": ner_files[0], "validation_file": ner_files[1], "head": "softmax"}),
        "span": (run_ner, {"train_file": ner_files[0], "validation_file": ner_files[1], "head": "span"}),
        "classes": (run_classification, {"train_file": reviews, "validation_file": reviews, "pooling": "cls"}),
        "fusion": (run_classification, {"train_file": reviews, "validation_file": reviews, "pooling": "fusion"}),
        "faq": (run_qa_cls, {"train_file": reviews, "validation_file": reviews}),
        "answers": (run_qa_span, {"train_file": files / "qa.json", "validation_file": files / "qa.json"}),
        "cloze": (run_prompt, {"train_file": reviews, "validation_file": reviews, "template": "{text}{mask}的"}),
        "mlm": (run_mlm, {"train_file": files / "corpus.txt", "cache_dir": files / "cache", "max_length": 16}),
    }

    def call(name, output_dir=tmp_path / "run", **flags):
        script, own = scripts[name]
        values = {"model_name_or_path": tiny_masked_lm, "output_dir": output_dir, "precision": "fp32"}
        values |= {"num_train_epochs": 2, "per_device_train_batch_size": 8, "max_length": 32} | own | flags
        words = [word for key, value in values.items() if value is not None for word in (f"--{key}", str(value))]
        if name == "cloze":
            words += ["--verbalizer", json.dumps({"在": "在", "去了": "去"}, ensure_ascii=False)]
        return script.main(words)

    return call
