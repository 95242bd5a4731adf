"""What is pushed loads anywhere: in a process without this repository and with an empty cache, by its id."""

import copy
import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

from tests.hub.local_hub import USER
from tests.small_heads import AUTOS, OURS, TEXTS, build_heads
from utils.adapters import directories, methods
from utils.prediction.entity_finder import EntityFinder
from utils.prediction.label_finder import LabelFinder
from utils.running.hub import Destination

FRESH = """
import importlib.util, json, sys, torch, transformers
from safetensors.torch import load_file, save_file
assert importlib.util.find_spec("utils") is None
folder, user, autos, ours, texts, commit = json.loads(sys.argv[1])
inputs = {name: load_file(f"{folder}/{name}.inputs") for name in autos}
outputs, refused, piped = {}, {}, {}
for name in ours:
    try:
        getattr(transformers, autos[name]).from_pretrained(f"{user}/{name}", trust_remote_code=False)
    except ValueError as error:
        refused[name] = str(error)
for name, auto in autos.items():
    trust = {"trust_remote_code": True} if name in ours else {}
    model = getattr(transformers, auto).from_pretrained(f"{user}/{name}", **trust).eval()
    transformers.AutoTokenizer.from_pretrained(f"{user}/{name}", **trust)
    with torch.no_grad():
        found = model(**inputs[name])
    outputs |= {f"{name}.{key}": value.contiguous() for key, value in found.items() if torch.is_tensor(value)}
earlier = transformers.AutoModelForMaskedLM.from_pretrained(f"{user}/masked", revision=commit).eval()
with torch.no_grad():
    outputs["earlier.logits"] = earlier(**inputs["masked"]).logits
from peft import PeftModel  # an adapter: on its base, under the labels of its own configuration
config = transformers.AutoConfig.from_pretrained(f"{user}/adapter")
base = transformers.AutoModelForTokenClassification.from_pretrained(f"{user}/masked", config=config)
adapted = PeftModel.from_pretrained(base, f"{user}/adapter").eval()
with torch.no_grad():
    outputs["adapter.logits"] = adapted(**inputs["softmax"]).logits
save_file(outputs, f"{folder}/outputs")
for name in ("crf", "span", "pooled", "cloze"):
    apply = transformers.pipeline(model=f"{user}/{name}", trust_remote_code=True)
    options = {} if name in ("crf", "span") else {"top_k": None}
    piped[name] = apply(texts, **options)
    piped[name + " alone"] = [apply(text, **options) for text in texts]
    piped[name + " batched"] = apply(texts, batch_size=3, **options)
apply = transformers.pipeline("token-classification", model=f"{user}/softmax", aggregation_strategy="simple")
piped["softmax"] = apply(texts)
piped["masked"] = transformers.pipeline("fill-mask", model=f"{user}/masked")("张伟在北[MASK]。")
print("", json.dumps([refused, piped], default=float), sep="\\n")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("heads")


@pytest.fixture(scope="module")
def heads(tiny_encoder, folder):
    return build_heads(tiny_encoder, folder)


@pytest.fixture(scope="module")
def inputs():
    """Of each head: three rows of different length."""
    ids = torch.tensor([[2, 9, 8, 7, 30, 3], [2, 11, 12, 3, 0, 0], [2, 20, 3, 0, 0, 0]])
    given = {name: {"input_ids": ids.clone(), "attention_mask": (ids > 0).long()} for name in AUTOS}
    given["cloze"]["input_ids"][:, 1] = 4
    return given


def save_tagging_adapter(base, like, output):
    """A softmax tagger that was trained through LoRA, as a run leaves it; its base is on the Hub."""
    shutil.copytree(like, output)
    (output / "model.safetensors").unlink()
    model = AutoModelForTokenClassification.from_pretrained(base, config=AutoConfig.from_pretrained(like))
    method = methods.choose_method("lora", methods.inner_encoder(model), rank=2)
    untrained = methods.find_untrained(model, str(base))
    methods.add_adapter(model, method, untrained=untrained, base=f"{USER}/masked")
    with torch.no_grad():
        for each in model.parameters():
            if each.requires_grad:
                each.add_(torch.randn_like(each) / 5)
    directories.save_adapter(model, output)
    return model.eval()


@pytest.fixture(scope="module")
def fresh(lasting_hub, heads, inputs, folder, tmp_path_factory):
    """Outputs, refusals and pipelines' answers in another process; every head pushed, the masked one twice."""
    for name in heads:
        Destination(f"{USER}/{name}").push(folder / name)
        save_file(inputs[name], folder / f"{name}.inputs")
    first = lasting_hub.repositories[f"{USER}/masked"].branches["main"]
    shutil.copytree(folder / "masked", folder / "masked again")
    later = copy.deepcopy(heads["masked"])
    with torch.no_grad():
        later.cls.predictions.bias.add_(1)
    later.save_pretrained(folder / "masked again")
    heads["masked again"] = later
    Destination(f"{USER}/masked").push(folder / "masked again")
    heads["adapter"] = save_tagging_adapter(folder / "masked again", folder / "softmax", folder / "adapter")
    Destination(f"{USER}/adapter").push(folder / "adapter")

    away = tmp_path_factory.mktemp("away")
    settings = {"HF_ENDPOINT": lasting_hub.url, "HF_HOME": str(away / "home"), "HF_TOKEN": lasting_hub.token}
    settings |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0", "PYTHONPATH": "", "NO_PROXY": "127.0.0.1,localhost"}
    told = json.dumps([str(folder), USER, AUTOS, OURS, TEXTS, first])
    command = [sys.executable, "-c", FRESH, told]
    done = subprocess.run(
        command, env={**os.environ, **settings}, cwd=away, capture_output=True, text=True, input="", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return load_file(folder / "outputs"), *json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", AUTOS)
def test_model_loaded_by_id_gives_equal_outputs(fresh, heads, inputs, name):
    outputs, _, _ = fresh
    with torch.no_grad():
        expected = heads["masked again" if name == "masked" else name](**inputs[name])
    compared = [key for key, value in expected.items() if torch.is_tensor(value)]
    assert "start_logits" in compared if name == "answers" else "logits" in compared
    for key in compared:
        assert torch.equal(outputs[f"{name}.{key}"], expected[key]), key


def test_adapter_loaded_by_id_on_its_base_gives_equal_outputs(fresh, heads, inputs):
    with torch.no_grad():
        expected = heads["adapter"](**inputs["softmax"]).logits
    assert torch.equal(fresh[0]["adapter.logits"], expected)


def test_predict_takes_an_adapter_by_id(fresh, heads, folder, capsys):
    import predict

    predict.main([f"{USER}/adapter", "--text", TEXTS[1], "--device", "cpu", "--precision", "fp32"])
    found = json.loads(capsys.readouterr().out)
    expected = EntityFinder(heads["adapter"], AutoTokenizer.from_pretrained(folder / "softmax")).find([TEXTS[1]])[0]
    assert [each["start"] for each in found["entities"]] == [each.start for each in expected]


def test_weights_come_from_where_large_files_lie(fresh, lasting_hub):
    fetched = {line for line in lasting_hub.requests if line.startswith("GET /lfs/")}
    assert len(fetched) == len(AUTOS) + 2  # the masked one in two states, and the adapter


def test_model_of_an_earlier_commit_gives_the_earlier_outputs(fresh, heads, inputs):
    outputs, _, _ = fresh
    with torch.no_grad():
        earlier, later = heads["masked"](**inputs["masked"]), heads["masked again"](**inputs["masked"])
    assert torch.equal(outputs["earlier.logits"], earlier.logits)
    assert not torch.equal(earlier.logits, later.logits)


def test_code_of_a_repository_runs_only_when_it_is_trusted(fresh):
    _, refused, _ = fresh
    assert set(refused) == set(OURS)
    assert all("trust_remote_code=True" in message for message in refused.values())


@pytest.mark.parametrize("way", ["", " alone", " batched"])
@pytest.mark.parametrize("name", ["crf", "span"])
def test_our_pipeline_finds_what_predict_finds(fresh, heads, folder, name, way):
    _, _, piped = fresh
    expected = EntityFinder.load(str(folder / name), device="cpu").find(TEXTS)
    assert sum(map(len, expected)) > 3
    assert len(piped[name + way]) == len(TEXTS)
    for text, found, entities in zip(TEXTS, piped[name + way], expected, strict=True):
        assert [(one["start"], one["end"], one["entity_group"]) for one in found] == [each[:3] for each in entities]
        assert [one["word"] for one in found] == [text[each.start : each.end] for each in entities]
        assert [one["score"] for one in found] == pytest.approx([each.score for each in entities], abs=1e-5)


@pytest.mark.parametrize("way", ["", " alone", " batched"])
@pytest.mark.parametrize("name", ["pooled", "cloze"])
def test_our_pipeline_gives_the_calibrated_probabilities_of_predict(fresh, heads, folder, name, way):
    _, _, piped = fresh
    expected = LabelFinder.load(str(folder / name), device="cpu").find(TEXTS)
    assert len(piped[name + way]) == len(TEXTS)
    for found, verdict in zip(piped[name + way], expected, strict=True):
        assert [one["label"] for one in found] == [label for label, _ in verdict.ranked]
        assert [one["score"] for one in found] == pytest.approx(
            [score for _, score in verdict.ranked], abs=1e-5
        )  # other batches


def test_predict_takes_a_hub_id_and_a_revision(fresh, lasting_hub, capsys):
    import predict

    text = ["--text", TEXTS[0], "--device", "cpu", "--precision", "fp32"]
    predict.main([f"{USER}/crf", *text])
    found = json.loads(capsys.readouterr().out)
    assert [each["start"] for each in found["entities"]] == [each["start"] for each in fresh[2]["crf"][0]]
    with pytest.raises(OSError, match="expected a trained output directory or a Hub id"):
        predict.main([f"{USER}/crf", "--model_revision", "no-such-branch", *text])


def test_stock_pipelines_take_stock_heads(fresh):
    _, _, piped = fresh
    assert len(piped["masked"]) == 5
    assert len(piped["softmax"]) == len(TEXTS)
    spans = [one for text, found in zip(TEXTS, piped["softmax"], strict=True) for one in found]
    assert spans
    assert all({"entity_group", "start", "end", "score"} <= one.keys() for one in spans)
