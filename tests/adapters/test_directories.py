"""Adapter directories: what is in them, what comes back, what is refused."""

import json

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoConfig

from tests.adapters.heads import HEADS, KINDS, OURS, STOCK, build_head, outputs_of
from tests.adapters.test_methods import POSSIBLE, train
from utils.adapters import directories, methods


def load(folder, head, **options):
    model_class = (STOCK | OURS)[head]
    config = getattr(model_class, "config_class", None) or AutoConfig
    return directories.load_adapter(model_class, config.from_pretrained(folder), str(folder), **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("head", HEADS)
def test_trained_adapter_comes_back(adapted, tmp_path, head, kind):
    model = train(adapted(kind, head), head)
    directories.save_adapter(model, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "config.json"} <= names
    assert "model.safetensors" not in names
    torch.testing.assert_close(outputs_of(load(tmp_path, head), head), outputs_of(model, head), rtol=0, atol=0)


@pytest.mark.parametrize(("family", "kind"), POSSIBLE)
def test_every_family_comes_back(adapted, tmp_path, family, kind):
    model = train(adapted(kind, "crf", family), "crf")
    directories.save_adapter(model, tmp_path)
    torch.testing.assert_close(outputs_of(load(tmp_path, "crf"), "crf"), outputs_of(model, "crf"), rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["lora", "ia3", "layernorm", "bitfit", "bottleneck"])
@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_peft_loads_it_by_itself(adapted, checkpoints, tmp_path, head, kind):
    model = train(adapted(kind, head), head)
    directories.save_adapter(model, tmp_path)
    torch.manual_seed(5)
    by_peft = PeftModel.from_pretrained(build_head(head, str(checkpoints / "bert")), tmp_path)
    torch.testing.assert_close(outputs_of(by_peft, head), outputs_of(model, head), rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["lora", "ia3", "layernorm", "bitfit"])
@pytest.mark.parametrize("head", HEADS)
def test_merged_model_answers_alike_and_is_a_plain_one(adapted, checkpoints, tmp_path, head, kind):
    plain = set(build_head(head, str(checkpoints / "bert")).state_dict())
    model = train(adapted(kind, head), head)
    wanted = outputs_of(model, head)
    directories.merge_adapter(model)
    assert set(model.state_dict()) == plain and model.adapter is None
    torch.testing.assert_close(outputs_of(model, head), wanted, rtol=0, atol=1e-5)
    model.save_pretrained(tmp_path)
    assert "adapter_base" not in json.loads((tmp_path / "config.json").read_text())
    again = (STOCK | OURS)[head].from_pretrained(tmp_path)
    torch.testing.assert_close(outputs_of(again, head), outputs_of(model, head), rtol=0, atol=0)


def test_dora_merges_too(adapted):
    model = train(adapted("lora", dora=True), "crf")
    wanted = outputs_of(model, "crf")
    torch.testing.assert_close(outputs_of(directories.merge_adapter(model), "crf"), wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["bottleneck", "prefix", "prompt", "p_tuning"])
def test_what_is_no_change_of_weights_is_not_merged(adapted, kind):
    model = adapted(kind)
    wanted = outputs_of(model, "crf")
    with pytest.raises(directories.AdapterError, match="expected an adapter that changes weights"):
        directories.merge_adapter(model)
    torch.testing.assert_close(outputs_of(model, "crf"), wanted, rtol=0, atol=0)


def test_adapters_share_one_base(adapted, tmp_path):
    trained = {}
    for head, kind in (("crf", "lora"), ("fusion", "bottleneck"), ("softmax", "prefix"), ("cls", "layernorm")):
        (tmp_path / head).mkdir()
        trained[head] = train(adapted(kind, head), head)
        directories.save_adapter(trained[head], tmp_path / head)
    (tmp_path / "other cls").mkdir()
    trained["other cls"] = train(adapted("lora", "cls"), "cls")  # with another pooler
    directories.save_adapter(trained["other cls"], tmp_path / "other cls")
    bases = directories.BaseModels()
    models = {name: load(tmp_path / name, name.removeprefix("other "), bases=bases) for name in trained}
    tables = {methods.inner_encoder(each).get_input_embeddings().weight.data_ptr() for each in models.values()}
    assert len(tables) == 1
    for name, model in models.items():
        head = name.removeprefix("other ")
        torch.testing.assert_close(outputs_of(model, head), outputs_of(trained[name], head), rtol=0, atol=0)


def test_other_base_is_refused(adapted, checkpoints, tmp_path):
    directories.save_adapter(adapted("lora"), tmp_path)
    fields = json.loads((tmp_path / "adapter_config.json").read_text())
    other = build_head("crf", str(checkpoints / "bert")).encoder
    other.encoder.layer[0].output.dense.weight.data[0, 0] += 1
    other.save_pretrained(tmp_path / "other")
    fields["base_model_name_or_path"] = str(tmp_path / "other")
    (tmp_path / "adapter_config.json").write_text(json.dumps(fields))
    with pytest.raises(directories.AdapterError, match="when the adapter was trained, found different weights"):
        load(tmp_path, "crf")


def test_missing_base_is_named(adapted, tmp_path):
    directories.save_adapter(adapted("lora"), tmp_path)
    fields = json.loads((tmp_path / "adapter_config.json").read_text())
    (tmp_path / "adapter_config.json").write_text(json.dumps(fields | {"base_model_name_or_path": "no/such-base"}))
    with pytest.raises(OSError, match="holds an adapter for no/such-base, which cannot be loaded"):
        load(tmp_path, "crf")


@pytest.mark.parametrize("gone", ["crf.transitions", "lora_A"])
def test_lost_weights_are_named(adapted, tmp_path, gone):
    directories.save_adapter(adapted("lora"), tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if gone in name)
    save_file({key: value for key, value in weights.items() if key != name}, path)
    with pytest.raises(directories.AdapterError, match=f"found .*{gone}.* missing"):
        load(tmp_path, "crf")
