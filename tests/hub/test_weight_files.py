"""Weights that come as a pickle are refused, by every script, and told why."""

import importlib
import shutil

import pytest

from tests.hub.local_hub import Repository
from utils.modeling.weight_files import UnsafeWeightsError, require_safetensors
from utils.prediction.entity_finder import EntityFinder

WHY = r"expected model\.safetensors, found pytorch_model\.bin, which may run code when it is read"
TRAIN_FILES = {
    "run_ner": "data/ner_sample/dev.json",
    "run_classification": "data/review_sample/dev.tsv",
    "run_qa_cls": "data/faq_sample/questions.txt",
    "run_qa_span": "data/qa_sample/dev.json",
    "run_prompt": "data/review_sample/dev.tsv",
    "run_mlm": "data/review_sample/dev.tsv",
}
OWN = {"run_prompt": ["--template", "{text}很{mask}", "--verbalizer", '{"Positive": "好", "Negative": "的"}']}


@pytest.fixture
def pickled(tiny_encoder, tmp_path):
    """A masked-language model whose weights lie there as a pickle; its content is never looked at."""
    from transformers import AutoConfig

    folder = shutil.copytree(tiny_encoder, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    AutoConfig.from_pretrained(tiny_encoder, architectures=["BertForTokenClassification"]).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("script", TRAIN_FILES)
def test_script_refuses_to_start_from_a_pickle(pickled, tmp_path, script):
    argv = ["--model_name_or_path", str(pickled), "--output_dir", str(tmp_path / "out"), *OWN.get(script, ())]
    argv += ["--train_file", TRAIN_FILES[script], "--max_train_samples", "20", "--max_length", "64"]
    with pytest.raises(UnsafeWeightsError, match=WHY):
        importlib.import_module(script).main(argv)


def test_trained_model_as_a_pickle_is_not_applied(pickled):
    with pytest.raises(UnsafeWeightsError, match=WHY):
        EntityFinder.load(str(pickled))


def test_pickle_on_the_hub_is_refused_and_never_fetched(hub):
    repository = hub.repositories["me/old"] = Repository("me/old", False)
    repository.save("main", {"config.json": b"{}", "pytorch_model.bin": b"x"})
    repository.save("safe", {"config.json": b"{}", "model.safetensors": b"x"})
    with pytest.raises(UnsafeWeightsError, match=WHY):
        require_safetensors("me/old")
    require_safetensors("me/old", revision="safe")
    assert not [line for line in hub.requests if line.startswith("GET /me/")]


def test_model_that_is_not_there_is_left_to_its_loader(hub, tmp_path):
    require_safetensors("me/nowhere")
    require_safetensors(str(tmp_path / "nowhere"))
    require_safetensors(str(tmp_path))
