"""Checkpoints whose weights do not fit are refused by name, in training, prediction and export.

`WRONG` is a table: what was done to a checkpoint, and what the error has to name.
"""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForTokenClassification,
)

import run_ner
import run_prompt
from tests.small_heads import OURS, build_heads
from utils.modeling.cloze_classifier import load_masked_lm
from utils.modeling.crf_tagger import CrfTagger
from utils.modeling.pretrained_weights import WeightsError, load_weights
from utils.modeling.span_tagger import SpanTagger
from utils.modeling.text_classifier import load_classifier
from utils.prediction.onnx_export import load_exportable as load_for_export
from utils.prediction.prediction_tasks import load_task

NAMES = {"id2label": {0: "O", 1: "B-X", 2: "I-X"}, "label2id": {"O": 0, "B-X": 1, "I-X": 2}}


def rename(prefix):
    return lambda weights: {prefix + name: value for name, value in weights.items()}


def without(*parts):
    return lambda weights: {name: value for name, value in weights.items() if not any(part in name for part in parts)}


def reshape(weights):
    name = next(name for name in weights if name.endswith("word_embeddings.weight"))
    return weights | {name: weights[name][:-3].clone()}


def keep(weights):
    return weights


# What was done to an encoder of two layers: to its weights, to its configuration; what is said.
WRONG = {
    "a layer is missing": (without("layer.1."), {}, r"16 of \d+ missing \(.*layer\.1\..*BertModel of 2 layers|16 of"),
    "the configuration has more layers": (keep, {"num_hidden_layers": 4}, r"32 of \d+ missing .*layer\.2\."),
    "the configuration has fewer": (keep, {"num_hidden_layers": 1}, r"16 left over .*layer\.1\."),
    "the vocabulary is shorter": (reshape, {}, r"1 of another shape .*word_embeddings.weight \[\d+, 32\] instead of"),
    "word embeddings are missing": (without("word_embeddings"), {}, r"1 of \d+ missing .*word_embeddings"),
    "names are all foreign": (lambda w: {f"x{i}": v for i, v in enumerate(w.values())}, {}, r"missing .*embeddings"),
}
WAYS = {
    "softmax": lambda path: load_weights(AutoModelForTokenClassification, path)[0],
    "answers": lambda path: load_weights(AutoModelForQuestionAnswering, path)[0],
    "cls": lambda path: load_classifier(path, **NAMES),
    "pooled": lambda path: load_classifier(path, pooling="mean", **NAMES),
    "crf": lambda path: CrfTagger.from_encoder(path, **NAMES),
    "span": lambda path: SpanTagger.from_encoder(path, **NAMES),
    "masked": load_masked_lm,
}


@pytest.fixture
def change(tiny_masked_lm, tmp_path):
    """Copy a directory, with other weights and fields of the configuration: `change(weights -> weights, fields)`."""

    def build(weights=keep, fields=None, source=tiny_masked_lm):
        folder = tmp_path / "changed"
        shutil.copytree(source, folder)
        save_file(weights(load_file(folder / "model.safetensors")), folder / "model.safetensors", {"format": "pt"})
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps(config | (fields or {})), encoding="utf-8")
        return str(folder)

    return build


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", WRONG)
def test_encoder_whose_weights_do_not_fit_is_refused_by_every_head(change, what, way):
    weights, fields, said = WRONG[what]
    with pytest.raises(WeightsError, match=f"changed: expected the weights of its config.json, .*{said}"):
        WAYS[way](change(weights, fields))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("prefix", ["module.", "model.", "base_model.model.", "_orig_mod."])
def test_prefix_of_a_wrapper_is_taken_off_and_said(tiny_masked_lm, change, caplog, way, prefix):
    caplog.set_level("INFO")
    found = WAYS[way](change(rename(prefix))).state_dict()
    assert f"all names of weights begin with {prefix}, which is removed" in caplog.text
    trained = load_file(f"{tiny_masked_lm}/model.safetensors")
    for name, value in found.items():
        if "layer.1.output.dense.weight" in name:
            assert torch.equal(value, trained["bert.encoder.layer.1.output.dense.weight"])
            return
    raise AssertionError("no such layer")


def test_names_of_another_family_that_is_built_alike_are_read(change):
    plain, _ = load_weights(AutoModel, change())
    shutil.rmtree(plain.name_or_path)
    found, began_at_random = load_weights(AutoModel, change(fields={"model_type": "ernie", "use_task_id": False}))
    assert type(found).__name__ == "ErnieModel" and all(name.startswith("pooler.") for name in began_at_random)
    assert torch.equal(found.embeddings.word_embeddings.weight, plain.embeddings.word_embeddings.weight)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "masked"])
def test_encoder_saved_alone_or_under_another_head_is_read(tiny_encoder, tmp_path, way):
    model = AutoModelForTokenClassification.from_pretrained(tiny_encoder, num_labels=7)
    model.save_pretrained(tmp_path)
    for path in (tiny_encoder, str(tmp_path)):
        WAYS[way](path)


def test_what_began_at_random_is_told(tiny_masked_lm):
    heads = load_weights(AutoModelForTokenClassification, tiny_masked_lm)[1]
    assert heads == {"classifier.weight", "classifier.bias"}
    assert load_weights(AutoModel, tiny_masked_lm)[1] == {"pooler.dense.weight", "pooler.dense.bias"}
    assert load_weights(AutoModelForMaskedLM, tiny_masked_lm)[1] == set()  # the output layer is tied


# Trained directories: nothing may be missing


@pytest.fixture(scope="module")
def trained(tiny_encoder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    build_heads(tiny_encoder, folder)
    return folder


PARTS = {
    "softmax": ["classifier", "layer.1."],
    "crf": ["classifier", "crf.", "lstm", "encoder."],
    "span": ["pointer", "borders", "word_embeddings"],
    "pooled": ["classifier", "fusion", "pooled"],
    "cloze": ["layer.0."],
    "answers": ["qa_outputs", "layer.1."],
}


@pytest.mark.parametrize("head, part", [(head, part) for head, parts in PARTS.items() for part in parts])
def test_trained_directory_that_lacks_a_part_is_refused_in_prediction_and_export(trained, change, head, part):
    folder = change(without(part), source=trained / head)
    said = rf"changed: .* missing \(.*{part}.*copy the complete directory again"
    with pytest.raises(WeightsError, match=said):
        load_task([folder], output_format="jsonl", options={}, device="cpu")
    with pytest.raises(WeightsError, match=said):
        load_for_export(folder, revision="main")


@pytest.mark.parametrize("head", PARTS)
def test_trained_directory_under_the_prefix_of_a_wrapper_answers_the_same(trained, change, caplog, head):
    caplog.set_level("INFO")
    wrapped = load_for_export(change(rename("module."), source=trained / head), revision="main")[0].state_dict()
    plain = load_for_export(str(trained / head), revision="main")[0].state_dict()
    assert wrapped.keys() == plain.keys() and all(torch.equal(wrapped[name], plain[name]) for name in plain)
    assert "which is removed" in caplog.text


@pytest.mark.parametrize("head", OURS)
def test_part_that_our_head_has_no_place_for_is_refused(trained, change, head):
    extra = {"crf": "lstm2", "span": "lstm", "pooled": "layer_mix", "cloze": "soft"}[head]
    name = f"{extra}.weight" if head != "crf" else "crf.more"
    folder = change(lambda weights: weights | {name: torch.zeros(3)}, source=trained / head)
    with pytest.raises(WeightsError, match=rf"1 left over \({name}\)"):
        load_task([folder], output_format="jsonl", options={}, device="cpu")


def test_scripts_refuse_with_one_line(change, ner_files, tmp_path):
    folder = change(without("layer.1."))
    out = str(tmp_path / "run")
    for adapter in ("none", "lora"):
        with pytest.raises(WeightsError, match="16 of"):
            run_ner.main(
                [
                    *("--model_name_or_path", folder, "--train_file", ner_files[0], "--validation_file", ner_files[1]),
                    *("--output_dir", out, "--adapter", adapter, "--max_steps", "1", "--overwrite_output_dir"),
                ]
            )
    with pytest.raises(WeightsError, match="16 of"):
        run_prompt.main(
            [
                *("--model_name_or_path", folder, "--template", "{text}{mask}"),
                *("--verbalizer", '{"a": "会", "b": "学"}', "--text", "北京"),
            ]
        )
