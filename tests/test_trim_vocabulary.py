"""scripts/trim_vocabulary.py: a smaller model with the same outputs, or nothing at all."""

import json

import pytest
import torch
from datasets import Dataset
from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM, AutoTokenizer

from scripts import trim_vocabulary
from tests.encoding.small_tokenizers import TOKENIZERS
from tests.modeling.encoder_families import ENCODERS, SMALL
from utils.data.errors import ArgumentError, DataError

TEXTS = ["北京的人民 new york", "今天 2018", "上海市"]


@pytest.fixture
def model(tmp_path):
    """Write a tiny model with one of the small tokenizers: `model("bert", "wordpiece")`."""

    def write(family, kind, auto=AutoModelForMaskedLM):
        folder = tmp_path / f"{family}-{kind}"
        tokenizer = TOKENIZERS[kind]
        ids = {"pad_token_id": tokenizer.pad_token_id, "cls_token_id": 2, "sep_token_id": 3}
        config = AutoConfig.for_model(family, **SMALL | ENCODERS[family] | ids | {"vocab_size": len(tokenizer) + 3})
        torch.manual_seed(0)
        auto.from_config(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return str(folder)

    return write


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("family", "kind"),
    [("bert", "wordpiece"), ("roberta", "byte-level"), ("modernbert", "byte-level"), ("albert", "sentencepiece"),
     ("deberta-v2", "sentencepiece"), ("electra", "wordpiece")],
)  # fmt: skip
def test_smaller_model_gives_the_same_outputs(tmp_path, capsys, model, texts, family, kind):
    folder, out = model(family, kind), tmp_path / "out"
    trim_vocabulary.main([folder, str(out), "--texts", texts, "--no_timing"])
    said = capsys.readouterr().out
    assert "outputs on 3 of 3 texts that use no other pieces: equal bit for bit" in said
    big, small = (AutoModelForMaskedLM.from_pretrained(each).eval() for each in (folder, out))
    before, after = (AutoTokenizer.from_pretrained(each) for each in (folder, out))
    assert len(after) == small.config.vocab_size < len(before)
    for text in TEXTS:
        one, other = before(text, return_tensors="pt"), after(text, return_tensors="pt")
        with torch.no_grad():
            states = [each.base_model(**inputs).last_hidden_state for each, inputs in ((big, one), (small, other))]
        assert torch.equal(*states)
    assert f"{big.get_input_embeddings().num_embeddings:,} -> {len(after):,}" in said


def test_steps_are_timed(tmp_path, capsys, model, texts):
    trim_vocabulary.main([model("bert", "wordpiece"), str(tmp_path / "out"), "--texts", texts])
    assert "a step of 3 texts" in capsys.readouterr().out


def test_weights_that_the_files_lack_are_not_made_up(tmp_path, model, texts):
    folder = model("bert", "wordpiece", AutoModel)
    encoder = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    encoder.save_pretrained(folder)
    trim_vocabulary.main([folder, str(tmp_path / "out"), "--texts", texts, "--no_timing"])
    _, report = AutoModel.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert set(report["missing_keys"]) == {"pooler.dense.weight", "pooler.dense.bias"}


def test_rare_pieces_go_and_their_texts_are_counted(tmp_path, capsys, model):
    path = tmp_path / "a.txt"
    path.write_text("new york\nnew york \nthe\n")
    trim_vocabulary.main(
        [
            model("roberta", "byte-level"),
            str(tmp_path / "out"),
            "--texts",
            str(path),
            "--min_count",
            "2",
            "--no_timing",
        ]
    )
    said = "1 texts use other pieces: 1 are cut into smaller ones, 0 have characters that are unknown now"
    assert said in capsys.readouterr().out


@pytest.mark.parametrize(("family", "kind"), [("bert", "wordpiece"), ("albert", "sentencepiece")])
def test_words_that_go_are_spelt_not_unknown(tmp_path, model, family, kind):
    path, out = tmp_path / "a.txt", tmp_path / "out"
    path.write_text("人民\n", encoding="utf-8")
    folder = model(family, kind)
    trim_vocabulary.main([folder, str(out), "--texts", str(path), "--no_timing"])
    before, after = AutoTokenizer.from_pretrained(folder), AutoTokenizer.from_pretrained(out)
    for text in ("the new york", "很好，2024！", "100%"):
        unknown = [each.tokenize(text).count(each.unk_token) for each in (before, after)]
        assert unknown[0] == unknown[1], after.tokenize(text)
    assert len(after) < len(before)


FILES = [
    ("a.txt", "北京\n上海\n", ["北京", "上海"]),
    ("a.json", json.dumps({"text": "北京", "label": {"地": {"北京": [[0, 1]]}}}), ["北京"]),
    ("a.json", json.dumps([{"a": ["北京"], "b": {"c": "上海"}}], indent=1), ["北京", "上海"]),
    ("a.csv", 'text,n\n"北京, 上海",1\n', ["北京, 上海"]),
    ("a.tsv", "text\tlabel\n北京\ta\n", ["北京"]),
    ("a.txt", "张 B-PER\n伟 I-PER\n\n北 B-LOC\n", ["张伟", "北"]),
]


@pytest.mark.parametrize(("name", "content", "strings"), FILES)
def test_strings_of_any_file_count(tmp_path, name, content, strings):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert set(strings) <= set(trim_vocabulary.read_strings(str(path)))


def test_strings_of_parquet_count(tmp_path):
    Dataset.from_list([{"text": "北京"}]).to_parquet(tmp_path / "a.parquet")
    assert list(trim_vocabulary.read_strings(str(tmp_path / "a.parquet"))) == ["北京"]


def test_wrong_input_is_refused_and_leaves_nothing(tmp_path, model, texts):
    folder, out = model("bert", "wordpiece"), tmp_path / "out"
    with pytest.raises(DataError, match=r"none\.txt: expected a file, found none"):
        trim_vocabulary.main([folder, str(out), "--texts", str(tmp_path / "none.txt")])
    with pytest.raises(ArgumentError, match="--min_count 0: expected 1 or more"):
        trim_vocabulary.main([folder, str(out), "--texts", texts, "--min_count", "0"])
    with pytest.raises(OSError, match="couldn't connect"):
        trim_vocabulary.main(["nowhere", str(out), "--texts", texts])
    with pytest.raises(ArgumentError, match="expected a new folder, found one"):
        trim_vocabulary.main([folder, folder, "--texts", texts])
    assert not out.exists() and not list(tmp_path.glob(".unfinished*"))


def test_interruption_leaves_no_half_of_a_folder(tmp_path, monkeypatch, model, texts):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(trim_vocabulary, "compare", stop)
    with pytest.raises(KeyboardInterrupt):
        trim_vocabulary.main([model("bert", "wordpiece"), str(tmp_path / "out"), "--texts", texts])
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".unfinished*"))


def test_pieces_of_several_characters_go_if_characters_are_split(tmp_path, capsys, model):
    path, out = tmp_path / "a.txt", tmp_path / "out"
    path.write_text("北京的人民\n", encoding="utf-8")
    folder = model("albert", "sentencepiece")
    before = AutoTokenizer.from_pretrained(folder)
    assert any(len(piece.strip("▁")) > 1 for piece in before.tokenize("北京的人民"))
    trim_vocabulary.main([folder, str(out), "--texts", str(path), "--split_characters", "--no_timing"])
    assert "outputs on 1 of 1 texts that use no other pieces: equal bit for bit" in capsys.readouterr().out
    after = AutoTokenizer.from_pretrained(out)
    assert [piece for piece in after.tokenize("北京的人民") if piece != "▁"] == list("北京的人民")
    assert not any(len(piece.strip("▁")) > 1 and piece.strip("▁")[0] >= "\u4e00" for piece in after.get_vocab())
