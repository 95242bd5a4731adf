"""Chinese characters as tokens of their own, from training to every way of prediction."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoTokenizer, BertConfig, BertModel, PreTrainedTokenizerFast, pipeline

import export_onnx
import predict
import run_classification
import run_mlm
import run_ner
from tests.conftest import CITIES, GIVEN, SURNAMES, VERBS
from utils.data.errors import ArgumentError
from utils.encoding.split_characters import splits_characters
from utils.prediction.entity_finder import EntityFinder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A tiny BERT with a Unigram tokenizer whose pieces hold a verb and the first character of a city."""
    folder = tmp_path_factory.mktemp("pieces")
    special = ["<unk>", "<pad>", "<s>", "</s>", "<mask>"]
    single = sorted({*SURNAMES, *GIVEN, *"".join(CITIES + VERBS), *"开会年学习看病，。！是的人和"})
    cut = sorted({verb + city[0] for verb in VERBS for city in CITIES})
    scores = dict.fromkeys(special, 0.0) | dict.fromkeys(["▁", *single], -6.0) | dict.fromkeys(cut, -3.0)
    tokenizer = Tokenizer(models.Unigram(list(scores.items()), unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        "<s> $A </s>", "<s> $A </s> $B </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
    )
    names = dict(zip(("unk_token", "pad_token", "cls_token", "sep_token", "mask_token"), special, strict=True))
    saved = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names)
    saved.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(vocab_size=len(saved), max_position_embeddings=64, pad_token_id=1, **size)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def run(encoder, ner_files, tmp_path):
    def call(name="run", script=run_ner, **flags):
        values = {
            "model_name_or_path": encoder,
            "train_file": ner_files[0],
            "validation_file": ner_files[1],
            "output_dir": tmp_path / name,
            "num_train_epochs": 8,
            "per_device_train_batch_size": 8,
            "learning_rate": 5e-3,
            "precision": "fp32",
        } | flags
        script.main([str(word) for flag, value in values.items() if value for word in (f"--{flag}", value)])
        return str(tmp_path / name)

    return call


def spans(entities):
    return [(one["start"], one["end"], one["label"]) for one in entities]


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("head", ["crf", "span"])
def test_entities_that_pieces_cut_are_found_wherever_the_model_goes(run, ner_files, tmp_path, capfd, head):
    folder = run(head=head)
    said = capfd.readouterr().err
    assert "with each Chinese character as a token of its own, so texts are split in that way" in said
    assert "labelled by whole tokens" not in said  # no entity is cut any more
    saved = AutoTokenizer.from_pretrained(folder)
    assert splits_characters(saved) and saved.init_kwargs["split_characters"] is True

    wanted = [spans(row["entities"]) for row in read_lines(Path(folder) / "predictions.jsonl")]
    assert sum(map(len, wanted)) > 10
    texts = [row["text"] for row in read_lines(ner_files[1])]
    finder = EntityFinder.load(folder)
    assert [[tuple(one[:3]) for one in found] for found in finder.find(texts)] == wanted
    out = tmp_path / "found.jsonl"
    predict.main([folder, "--input_file", ner_files[1], "--output_file", str(out), "--precision", "fp32"])
    assert [spans(row["entities"]) for row in read_lines(out)] == wanted
    if head == "crf":
        tag = pipeline("token-classification", folder, trust_remote_code=True)
        assert [[(one["start"], one["end"], one["entity_group"]) for one in found] for found in tag(texts)] == wanted
    export_onnx.main([folder, str(tmp_path / "onnx")])
    exported = AutoTokenizer.from_pretrained(tmp_path / "onnx")
    assert np.array_equal(exported(texts[0])["input_ids"], saved(texts[0])["input_ids"])


def test_adapter_keeps_the_splitting(run, ner_files):
    folder = run(adapter="lora", head="softmax")
    wanted = [spans(row["entities"]) for row in read_lines(Path(folder) / "predictions.jsonl")]
    finder = EntityFinder.load(folder)
    assert splits_characters(finder.tokenizer)
    assert [
        [tuple(one[:3]) for one in found] for found in finder.find([row["text"] for row in read_lines(ner_files[1])])
    ] == wanted


def test_no_keeps_the_tokens_as_they_are(run, capfd):
    folder = run(split_characters="no", num_train_epochs=1)
    said = capfd.readouterr().err
    assert "labelled by whole tokens" in said
    assert not splits_characters(AutoTokenizer.from_pretrained(folder))


def test_auto_splits_entities_only_and_yes_splits_all(run, tmp_path):
    path = tmp_path / "texts.tsv"
    path.write_text("text\tlabel\n" + "张伟去北京开会\ta\n李娜去上海看病\tb\n" * 9, encoding="utf-8")
    flags = {"script": run_classification, "train_file": path, "validation_file": path, "num_train_epochs": 1}
    assert not splits_characters(AutoTokenizer.from_pretrained(run("auto", **flags)))
    folder = run("yes", split_characters="yes", **flags)
    assert splits_characters(AutoTokenizer.from_pretrained(folder))
    out = tmp_path / "found.jsonl"
    predict.main([folder, "--input_file", str(path), "--output_file", str(out)])
    assert len(read_lines(out)) == 18


def test_masked_language_model_is_trained_under_single_characters(run, encoder, tmp_path):
    masked = tmp_path / "masked"
    from transformers import BertForMaskedLM

    BertForMaskedLM(BertConfig.from_pretrained(encoder)).save_pretrained(masked)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(masked)
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("张伟去北京开会\n李娜去上海看病\n" * 40, encoding="utf-8")
    flags = {"train_file": corpus, "validation_file": None, "num_train_epochs": 1, "max_length": 16}
    folder = run(script=run_mlm, model_name_or_path=masked, split_characters="yes", **flags)
    assert splits_characters(AutoTokenizer.from_pretrained(folder))


def test_option_that_would_do_nothing_is_refused(run, ner_files):
    folder = run(num_train_epochs=1)
    with pytest.raises(ArgumentError, match="--split_characters"):
        run("again", model_name_or_path=folder, train_file=None, split_characters="yes")
