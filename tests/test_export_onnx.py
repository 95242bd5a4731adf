"""Exported graphs give what the models give, at any batch and length; so does what decodes their scores."""

import builtins
import importlib.util
import json
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer

import export_onnx
from tests.modeling.encoder_families import ENCODERS, SMALL
from tests.small_heads import AUTOS, TAGS, build_heads, names
from utils.adapters import directories, methods
from utils.data.errors import ArgumentError
from utils.modeling.cloze_classifier import ClozeClassifier
from utils.modeling.crf_tagger import CrfTagger, decode_softmax
from utils.modeling.span_tagger import decode_spans
from utils.prediction import onnx_export

SIZES = [(1, 3), (3, 17), (32, 40)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def heads(tiny_encoder, folder):
    models = build_heads(tiny_encoder, folder)
    for name in models:
        export_onnx.main([str(folder / name), str(folder / name / "onnx"), *(["--int8"] if name == "crf" else [])])
    return models


def draw(batch, length, *, seed=0):
    """Rows of random tokens, each between [CLS] and [SEP], of different lengths."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 80, (batch, length), generator=generator)
    lengths = torch.randint(3, length + 1, (batch,), generator=generator)
    lengths[0] = length
    for row, size in enumerate(lengths.tolist()):
        ids[row, 0], ids[row, size - 1], ids[row, size:] = 2, 3, 0
    return {"input_ids": ids, "attention_mask": (ids > 0).long(), "token_type_ids": torch.zeros_like(ids)}


def run(path, inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    wanted = {each.name: inputs[each.name].numpy() for each in session.get_inputs()}
    return dict(zip(names, session.run(names, wanted), strict=True))


@pytest.fixture(scope="module")
def decoding(heads, folder):
    """The module that lies beside a graph."""
    spec = importlib.util.spec_from_file_location("onnx_decoding", folder / "crf" / "onnx" / "onnx_decoding.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tagged(inputs):
    return (inputs["input_ids"] > 3).numpy()


@pytest.mark.parametrize("kind", ["lora", "bottleneck", "prefix"])
def test_adapter_is_exported_on_its_base(heads, folder, tmp_path, kind):
    base = str(folder / "masked")
    model = CrfTagger.from_encoder(base, **names(TAGS), special_token_ids=[0, 2, 3])
    method = methods.choose_method(kind, model.encoder, rank=2, size=4, count=3)
    methods.add_adapter(model, method, untrained=methods.find_untrained(model, base), base=base)
    directories.save_adapter(model.eval(), tmp_path)
    AutoTokenizer.from_pretrained(folder / "crf").save_pretrained(tmp_path)
    export_onnx.main([str(tmp_path), str(tmp_path / "onnx")])
    for size in SIZES:
        inputs = draw(*size)
        with torch.no_grad():
            expected = model(**inputs).logits
        found = torch.from_numpy(run(tmp_path / "onnx" / "model.onnx", inputs)["logits"])
        seen = inputs["attention_mask"].bool()
        torch.testing.assert_close(found[seen], expected[seen], rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", AUTOS)
def test_graph_gives_the_scores_of_the_model(heads, folder, name, size):
    inputs = draw(*size)
    if name == "cloze":
        inputs["input_ids"][:, 1] = 4
        inputs = {key: value[:, None] for key, value in inputs.items()} | {"output_word_scores": True}
    with torch.no_grad():
        expected = heads[name](**inputs)
    found = run(folder / name / "onnx" / "model.onnx", inputs)
    assert set(found) == ({"start_logits", "end_logits"} if name == "answers" else {"logits"})
    for key, value in found.items():
        wanted = expected[key].numpy()
        if name == "span":  # the model leaves out special tokens, the graph padding only
            mask = tagged(inputs)
            cells = np.triu(mask[:, :, None] & mask[:, None])[:, None] & np.ones_like(wanted, dtype=bool)
            value, wanted = value[cells], wanted[cells]
        assert value.shape == wanted.shape
        np.testing.assert_allclose(value, wanted, rtol=1e-6, atol=1e-5)  # some last digits of scores around 30


@pytest.mark.parametrize("kind", ENCODERS)
def test_graph_of_every_encoder_family_gives_the_scores_of_its_model(tiny_encoder, tmp_path, kind):
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **(SMALL | ENCODERS[kind] | {"vocab_size": len(tokenizer)}))
    AutoModel.from_config(config).save_pretrained(tmp_path / "encoder")
    model = CrfTagger.from_encoder(str(tmp_path / "encoder"), **names(TAGS)).eval()
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    export_onnx.main([str(tmp_path / "model"), str(tmp_path / "onnx")])
    inputs = draw(5, 30)
    with torch.no_grad():
        expected = model(**{name: inputs[name] for name in ("input_ids", "attention_mask")}).logits.numpy()
    found = run(tmp_path / "onnx" / "model.onnx", inputs)["logits"]
    kept = inputs["attention_mask"].bool().numpy()
    np.testing.assert_allclose(found[kept], expected[kept], atol=1e-5)
    assert expected[kept].std() > 1e-3


def test_model_that_cannot_be_traced_is_told_in_a_line(heads, folder, monkeypatch):
    def fail(*given, **options):
        raise RuntimeError("no such operator\nand much more")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(ArgumentError, match=r"expected a model that torch can trace, found: no such operator$"):
        export_onnx.main([str(folder / "crf"), str(folder / "untraced")])


@pytest.mark.parametrize("aggregation", ["mean", "max", "learned"])
def test_graph_of_label_words_of_several_lengths_gives_their_classes(heads, folder, aggregation):
    words = [[0, 0.3, [20, 21]], [1, 1.0, [22]], [0, 0.7, [23]], [2, 1.0, [24, 25, 26]]]
    named = {"mask_token_id": 4, "template": "{text}{mask}", "id2label": dict(enumerate("abc"))}
    options = {"words": words, "aggregation": aggregation, "bias": [0.1, 0.2, 0.3], **named}
    model = ClozeClassifier.from_encoder(str(folder / "masked"), **options).eval()
    path = folder / f"cloze_{aggregation}"
    model.save_pretrained(path)
    AutoTokenizer.from_pretrained(folder / "masked").save_pretrained(path)
    export_onnx.main([str(path), str(path / "onnx")])
    inputs = {name: value[:, None].repeat(1, 3, 1) for name, value in draw(5, 12).items()}
    inputs["attention_mask"][:] = 1
    for i in range(3):
        inputs["input_ids"][:, i, 1 : 2 + i] = 4
    with torch.no_grad():
        expected = model(**inputs).logits.numpy()
    found = run(path / "onnx" / "model.onnx", inputs)["logits"]
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_crf_tags_are_those_of_the_model(heads, folder, decoding, size):
    inputs = draw(*size)
    with torch.no_grad():
        expected = heads["crf"](**inputs).tags.numpy()
    found = run(folder / "crf" / "onnx" / "model.onnx", inputs)["logits"]
    scores = np.load(folder / "crf" / "onnx" / "tag_scores.npz")
    assert (decoding.viterbi(found, tagged(inputs), **scores) == expected).all()
    if size[0] > 1:
        assert len(np.unique(expected)) > 2
        assert (found.argmax(-1)[expected >= 0] != expected[expected >= 0]).any()  # Viterbi matters


@pytest.mark.parametrize("constrained", [True, False])
def test_softmax_tags_are_those_of_predict(heads, folder, decoding, constrained):
    inputs, model = draw(8, 20), heads["softmax"]
    model.config.constrained = constrained
    scores = onnx_export.tag_scores(model)
    with torch.no_grad():
        logits = model(**inputs).logits
    mask = torch.from_numpy(tagged(inputs))
    expected, _ = decode_softmax(logits, mask, labels=TAGS, constrained=constrained)
    found = decoding.viterbi(run(folder / "softmax" / "onnx" / "model.onnx", inputs)["logits"], mask.numpy(), **scores)
    assert (found == expected.numpy()).all()
    assert (found != np.where(mask, logits.argmax(-1), -100)).any() == constrained


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_spans_are_those_of_the_model(heads, folder, decoding, size, nested):
    inputs = draw(*size)
    with torch.no_grad():
        logits = heads["span"](**inputs).logits
    expected, scores = decode_spans(logits, nested=nested)
    found = decoding.read_spans(
        run(folder / "span" / "onnx" / "model.onnx", inputs)["logits"], tagged(inputs), nested=nested
    )
    assert sum(map(len, found))
    for row, spans in enumerate(found):
        kept = expected[row][:, 0] >= 0
        assert {span[:3] for span in spans} == set(map(tuple, expected[row][kept].tolist()))
        assert sorted(span[3] for span in spans) == pytest.approx(sorted(scores[row][kept].tolist()), abs=1e-5)


def test_decoding_without_any_token_gives_no_tag(decoding):
    zero = np.zeros(3)
    found = decoding.viterbi(np.zeros((2, 4, 3)), np.zeros((2, 4), dtype=bool), np.zeros((3, 3)), zero, zero)
    assert (found == -100).all()
    assert decoding.read_spans(np.ones((2, 1, 4, 4)), np.zeros((2, 4), dtype=bool), nested=True) == [[], []]


def test_eight_bit_graph_is_smaller_and_close(heads, folder, decoding):
    inputs = draw(32, 40)
    plain, small = (folder / "crf" / "onnx" / name for name in ("model.onnx", "model_int8.onnx"))
    assert small.stat().st_size < plain.stat().st_size
    scores = np.load(folder / "crf" / "onnx" / "tag_scores.npz")
    whole, coarse = (
        decoding.viterbi(run(path, inputs)["logits"], tagged(inputs), **scores) for path in (plain, small)
    )
    assert (whole == coarse).mean() > 0.9


def test_what_lies_beside_the_graph_needs_no_torch(heads, folder):
    code = "import sys, onnx_decoding; print('torch' in sys.modules, 'utils' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder / "crf" / "onnx", capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]
    config = json.loads((folder / "crf" / "onnx" / "config.json").read_text())
    assert list(config["id2label"].values()) == TAGS
    assert (folder / "crf" / "onnx" / "tokenizer.json").is_file()


def test_missing_package_is_named_with_its_requirements(heads, folder, monkeypatch):
    load = builtins.__import__

    def without(name, *given, **options):
        if name.split(".")[0] == "onnxruntime":
            raise ImportError("no such package", name="onnxruntime")
        return load(name, *given, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        ArgumentError, match=r"expected the package onnxruntime: pip install -r requirements-onnx\.txt"
    ):
        export_onnx.main([str(folder / "crf"), str(folder / "nothing")])
    assert not (folder / "nothing").exists()


def test_graph_that_differs_from_its_model_is_not_left_there(heads, folder, monkeypatch):
    write = onnx_export.write_graph

    def write_another(graph, example, path, *, opset):
        with torch.no_grad():
            graph.model.classifier.bias.add_(1)
            write(graph, example, path, opset=opset)
            graph.model.classifier.bias.sub_(1)

    monkeypatch.setattr(onnx_export, "write_graph", write_another)
    with pytest.raises(ArgumentError, match=r"expected the graph to give the model's scores, found .* 1\.0e\+00$"):
        export_onnx.main([str(folder / "pooled"), str(folder / "wrong")])
    assert not (folder / "wrong" / "model.onnx").exists()


def test_opset_out_of_range_is_refused(folder):
    with pytest.raises(ArgumentError, match="--opset 99: expected 14 to 20"):
        export_onnx.main([str(folder / "crf"), str(folder / "nothing"), "--opset", "99"])
