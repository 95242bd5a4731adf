"""What several tests stand on: a tiny random encoder and a small data set, made on the spot."""

import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports the Hub's client
# Code of models is copied there before it is imported: a folder of this process alone.
os.environ["HF_MODULES_CACHE"] = tempfile.mkdtemp(prefix="modules-")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # on tensors this small, threads cost more than they save

import io
import json
import logging
import random
import shutil
import sys
from types import SimpleNamespace

import pytest

SURNAMES, GIVEN = "张王李赵陈", "伟芳娜敏静"
CITIES = ["北京", "上海", "广州", "深圳"]
VERBS, TAILS = ["在", "去了", "来自"], ["开会", "2018年", "", "学习Python", "看病"]


def pytest_unconfigure():
    shutil.rmtree(os.environ["HF_MODULES_CACHE"], ignore_errors=True)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory):
    """Folder of a random BERT of two layers, 32 wide, with its fast tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("tiny_encoder")
    single = sorted({*SURNAMES, *GIVEN, *"".join(CITIES + VERBS), *"开会年学习看病，。！是的人和"})
    latin = [*"0123456789", *"abcdefghijklmnopqrstuvwxyz"]
    pieces = ["20", "##18", "##19", "py", "##thon", *(f"##{character}" for character in latin)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *single, *latin, *pieces]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def tiny_masked_lm(tiny_encoder, tmp_path_factory):
    """Folder of a random masked-language model of the same size, without a pooler, with the tokenizer."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    folder = tmp_path_factory.mktemp("tiny_masked_lm")
    shutil.copytree(tiny_encoder, folder, dirs_exist_ok=True)
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig.from_pretrained(tiny_encoder)).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="session")
def encoders(tmp_path_factory):
    """Folder with a tiny random encoder of each family that the heads are tested on."""
    import torch
    from transformers import AutoConfig, AutoModel

    from tests.modeling.encoder_families import ENCODERS, SMALL

    folder = tmp_path_factory.mktemp("encoders")
    for kind, own in ENCODERS.items():
        torch.manual_seed(0)
        AutoModel.from_config(AutoConfig.for_model(kind, **(SMALL | own))).save_pretrained(folder / kind)
    return folder


@pytest.fixture(scope="session")
def ner_files(tmp_path_factory):
    """Paths of a train file (40 texts) and a validation file (16) in the format of CLUENER: names and addresses."""
    folder = tmp_path_factory.mktemp("ner_files")
    draw = random.Random(0)
    paths = []
    for name, count in [("train.json", 40), ("dev.json", 16)]:
        lines = []
        for _ in range(count):
            person = draw.choice(SURNAMES) + draw.choice(GIVEN)
            verb, city, tail = draw.choice(VERBS), draw.choice(CITIES), draw.choice(TAILS)
            start = len(person + verb)
            label = {"name": {person: [[0, 1]]}, "address": {city: [[start, start + 1]]}}
            row = {"text": f"{person}{verb}{city}{tail}。", "label": label}
            lines.append(json.dumps(row, ensure_ascii=False) + "\n")
        (folder / name).write_text("".join(lines), encoding="utf-8")
        paths.append(str(folder / name))
    return tuple(paths)


@pytest.fixture
def info(caplog):
    caplog.set_level(logging.INFO)
    return caplog


@pytest.fixture
def feed(monkeypatch):
    """Put bytes, or an iterable of lines, on standard input."""

    def run(lines):
        stream = io.BytesIO(lines) if isinstance(lines, bytes) else lines
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=stream))

    return run


@pytest.fixture
def cluster(monkeypatch):
    """A head without cores, and two machines with one each; `machines` are those."""
    monkeypatch.setenv("RAY_health_check_initial_delay_ms", "500")
    monkeypatch.setenv("RAY_health_check_period_ms", "300")
    monkeypatch.setenv("RAY_health_check_failure_threshold", "3")
    import ray
    from ray.cluster_utils import Cluster

    memory = {"object_store_memory": 80_000_000}
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False, **memory})
    found.machines = [found.add_node(num_cpus=1, **memory) for _ in range(2)]
    yield found
    ray.shutdown()
    found.shutdown()
