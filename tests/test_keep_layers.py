"""scripts/keep_layers.py: an encoder with some of its layers, or nothing at all."""

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer

from scripts import keep_layers
from tests.encoding.small_tokenizers import TOKENIZERS
from tests.modeling.encoder_families import ENCODERS, SMALL, make_batch
from utils.data.errors import ArgumentError


@pytest.fixture
def model(tmp_path):
    """Write a tiny masked-language model of four layers: `model("bert")`."""

    def write(family):
        folder = tmp_path / family
        config = AutoConfig.for_model(family, **SMALL | ENCODERS[family] | {"num_hidden_layers": 4, "vocab_size": 120})
        torch.manual_seed(0)
        AutoModelForMaskedLM.from_config(config).save_pretrained(folder)
        TOKENIZERS["wordpiece"].save_pretrained(folder)
        return str(folder)

    return write


def run_layers(model, count, places):
    """The last states of a batch if only these of a model's layers are passed."""
    encoder = model.base_model
    handles = []
    layers = next(each for each in encoder.modules() if isinstance(each, torch.nn.ModuleList) and len(each) == count)
    for place, layer in enumerate(layers):
        if place not in places:
            handles.append(
                layer.register_forward_hook(
                    lambda _, given, kwargs, output: given[0] if given else kwargs["hidden_states"], with_kwargs=True
                )
            )
    with torch.no_grad():
        return encoder(**make_batch()).last_hidden_state


@pytest.mark.parametrize("family", ["bert", "roberta", "electra"])
@pytest.mark.parametrize("places", [(0, 2), (1, 3), (3,), (0, 1, 2, 3)])
def test_smaller_model_passes_the_kept_layers_only(tmp_path, capsys, model, family, places):
    folder, out = model(family), tmp_path / "out"
    keep_layers.main([folder, str(out), "--layers", *map(str, places)])
    assert f"layers      4 -> {len(places)}\n" in capsys.readouterr().out
    big, small = (AutoModelForMaskedLM.from_pretrained(each).eval() for each in (folder, out))
    assert small.config.num_hidden_layers == len(places)
    with torch.no_grad():
        found = small.base_model(**make_batch()).last_hidden_state
    assert torch.equal(found, run_layers(big, 4, places))
    assert torch.equal(small.get_output_embeddings().weight, big.get_output_embeddings().weight)
    assert AutoTokenizer.from_pretrained(out)("北京")["input_ids"] == TOKENIZERS["wordpiece"]("北京")["input_ids"]


def test_kinds_of_layers_are_kept_with_them(tmp_path, model):
    keep_layers.main([model("modernbert"), str(tmp_path / "out"), "--layers", "0", "3"])
    before, after = (AutoConfig.from_pretrained(tmp_path / name) for name in ("modernbert", "out"))
    assert after.layer_types == [before.layer_types[0], before.layer_types[3]]
    assert len(set(before.layer_types)) == 2


def test_weights_that_the_files_lack_are_not_made_up(tmp_path, model):
    folder = model("bert")
    AutoModel.from_pretrained(folder, add_pooling_layer=False).save_pretrained(folder)
    keep_layers.main([folder, str(tmp_path / "out"), "--layers", "0", "2"])
    _, report = AutoModel.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert set(report["missing_keys"]) == {"pooler.dense.weight", "pooler.dense.bias"}


@pytest.mark.parametrize(
    ("family", "layers", "message"),
    [
        ("bert", ["2", "0"], "expected layers from 0 to 3, each once and in order, found 2 0"),
        ("bert", ["0", "0"], "each once and in order, found 0 0"),
        ("bert", ["4"], "expected layers from 0 to 3, each once and in order, found 4"),
        ("albert", ["0"], "expected a list of 4 layers, found none in the family albert"),
        ("modernbert", ["1", "2"], "found that it is another model when it is loaded again"),  # the first has no norm
    ],
)
def test_wrong_layers_are_refused_and_leave_nothing(tmp_path, model, family, layers, message):
    with pytest.raises(ArgumentError, match=message):
        keep_layers.main([model(family), str(tmp_path / "out"), "--layers", *layers])
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".unfinished*"))


def test_folder_that_is_there_is_refused(model):
    with pytest.raises(ArgumentError, match="expected a new folder, found one"):
        keep_layers.main([model("bert"), model("bert"), "--layers", "0"])
