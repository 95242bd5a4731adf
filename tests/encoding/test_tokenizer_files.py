"""Tokenizers that do not belong to the weights beside them: read as what they are, or refused with what to do.

`FAMILIES` is a table: what `config.json` calls an encoder with nothing but a WordPiece vocab.txt beside it, and
whether the tokenizer of the family can read that.
"""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoTokenizer, BertTokenizer

import run_ner
from tests.modeling.encoder_families import SMALL
from utils.encoding import tokenizer_files
from utils.encoding.tokenization import load_tokenizer, longest_input
from utils.encoding.tokenizer_files import refuse_unknown
from utils.prediction.trained_models import load_own_tokenizer

UNCASED = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"北京大学在上海", "j", "##o", "##hn", "lives", "in", "##s"]
CASED = [*UNCASED[:5], "John", "lives", "in", "London", "j", "##o", "##hn", "北", "京"]
FAMILIES = {
    "bert": True,
    "ernie": True,
    "electra": True,
    "distilbert": True,
    "layoutlm": True,
    "squeezebert": True,
    "albert": False,
    "deberta": False,
    "deberta-v2": False,
    "roberta": False,
    "xlm-roberta": False,
    "camembert": False,
    "longformer": False,
    "mpnet": False,
    "big_bird": False,
    "rembert": False,
    "fnet": False,
    "xlnet": False,
    "modernbert": False,
}


@pytest.fixture
def save(tmp_path):
    """A folder of config.json and vocab.txt: `save(family, vocabulary, mark=False, vocab_size=None, **files)`."""

    def build(family="bert", vocabulary=UNCASED, mark=False, vocab_size=None, **files):
        folder = tmp_path / family
        folder.mkdir()
        text = "\ufeff" * mark + "\n".join(vocabulary) + "\n"
        (folder / "vocab.txt").write_text(text, encoding="utf-8")
        config = {"model_type": family}
        if family != "canine":  # which reads characters
            config["vocab_size"] = vocab_size or len(vocabulary)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
        return str(folder)

    return build


@pytest.mark.parametrize("family", FAMILIES)
def test_vocabulary_alone_is_wordpiece_whatever_the_family(save, tmp_path, caplog, family):
    caplog.set_level("INFO")
    tokenizer, config = load_tokenizer(save(family))
    tokens = ["[CLS]", "j", "##o", "##hn", "lives", "in", "北", "京", "[SEP]"]
    assert tokenizer.convert_ids_to_tokens(tokenizer("John lives in 北京")["input_ids"]) == tokens
    assert tokenizer("北")["input_ids"] == [2, UNCASED.index("北"), 3] and config.model_type == family
    assert ("texts are tokenised by WordPiece" in caplog.text) == (not FAMILIES[family])
    tokenizer.save_pretrained(tmp_path / "again")
    again = AutoTokenizer.from_pretrained(tmp_path / "again")
    assert again.convert_ids_to_tokens(again("John lives in 北京")["input_ids"]) == tokens
    assert load_own_tokenizer(str(tmp_path / family))("John")["input_ids"] == tokenizer("John")["input_ids"]


def test_vocabulary_with_capitals_is_not_lower_cased_unless_asked(save, caplog):
    caplog.set_level("INFO")
    for family in ("bert", "albert"):
        tokenizer, _ = load_tokenizer(save(family, CASED))
        assert tokenizer.tokenize("John lives in London") == ["John", "lives", "in", "London"]
        assert "vocab.txt has capitals" in caplog.text
    asked = save("electra", CASED, tokenizer_config={"do_lower_case": True})
    assert load_tokenizer(asked)[0].tokenize("John") == ["j", "##o", "##hn"]


def test_byte_order_mark_is_no_part_of_the_first_token(save, caplog):
    caplog.set_level("INFO")
    for family in ("bert", "albert"):
        tokenizer, _ = load_tokenizer(save(family, mark=True))
        assert tokenizer.pad_token_id == 0 and tokenizer("北")["input_ids"] == [2, 5, 3]
        assert len(tokenizer) == len(UNCASED) and "byte-order mark" in caplog.text


def test_vocabulary_with_more_lines_than_embeddings_is_refused(save):
    folder = save(vocabulary=[*UNCASED, "[extra]", "more"], vocab_size=len(UNCASED))
    said = (
        r"at most 18 tokens, as its config.json has embeddings for, found 20 \(the first without one is '\[extra\]'\)"
    )
    for load in (load_tokenizer, load_own_tokenizer):
        with pytest.raises(OSError, match=said):
            load(folder)


def test_empty_lines_behind_a_vocabulary_are_no_tokens(save):
    tokenizer, _ = load_tokenizer(save(vocabulary=[*UNCASED, ""], vocab_size=len(UNCASED)))
    assert tokenizer("北")["input_ids"] == [2, 5, 3]


def test_fewer_lines_than_embeddings_are_fine(save):
    assert len(load_tokenizer(save(vocab_size=100))[0]) == len(UNCASED)


def test_vocabulary_of_another_kind_is_refused_with_what_to_do(save):
    with pytest.raises(OSError, match=r"expected a tokenizer of albert, found vocab.txt alone, without \[UNK\].*put"):
        load_tokenizer(save("albert", ["<s>", "a", "b"]))


def test_no_tokenizer_at_all_is_one_line(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "xlm-roberta", "vocab_size": 9}', encoding="utf-8")
    with pytest.raises(OSError, match=r"expected the files of a tokenizer next to the weights, found none: put"):
        load_tokenizer(str(tmp_path))


@pytest.mark.parametrize(
    ("family", "own", "said"),
    [
        ("canine", {}, "CanineTokenizer"),
        ("bert", {"tokenizer_class": "BertweetTokenizer"}, "BertweetTokenizer"),
        ("bert", {"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}, "fugashi|BertJapanese"),
        ("roformer", {}, "rjieba"),
    ],
)
def test_tokenizer_without_a_fast_form_or_its_package_is_one_line(save, family, own, said):
    tweets = "Bertweet" in said
    folder = save(family, [f"{token} 1" for token in UNCASED] if tweets else UNCASED, tokenizer_config=own)
    if tweets:
        (Path(folder) / "bpe.codes").write_text("j o 1\n", encoding="utf-8")
    with pytest.raises(OSError, match=rf"{family}: expected .*({said})"):
        load_tokenizer(folder)


def test_tokenizer_that_cuts_otherwise_once_it_is_saved_is_refused(save, monkeypatch):
    folder = save()
    plain = BertTokenizer.save_pretrained

    def forget(self, place, **options):
        files = plain(self, place, **options)
        path = Path(place) / "tokenizer_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"do_lower_case": False}), encoding="utf-8")
        return files

    monkeypatch.setattr(BertTokenizer, "save_pretrained", forget)
    monkeypatch.setattr(tokenizer_files, "PROBES", ("北京", "John lives"))
    with pytest.raises(OSError, match=r"tokenises alike after it was saved, found .* before and .* after"):
        load_tokenizer(folder)


@pytest.mark.parametrize(("text", "refused", "warned"), [("北京", False, False), ("北京龘龘龘", True, False)])
def test_training_data_of_unknown_tokens_is_refused(save, caplog, text, refused, warned):
    tokenizer, _ = load_tokenizer(save())
    rows = [tokenizer(text)["input_ids"]] * 3
    if refused:
        with pytest.raises(OSError, match="found 60% of their tokens unknown; take an encoder for this language"):
            refuse_unknown(rows, tokenizer)
    else:
        refuse_unknown(rows, tokenizer)
    refuse_unknown([tokenizer("北京北京龘")["input_ids"]], tokenizer)
    assert "20 % of tokens are unknown" in caplog.text


def test_run_on_texts_that_the_encoder_has_no_tokens_for_ends_before_training(save, ner_files, tmp_path):
    folder = save(vocabulary=[*UNCASED[:5], "a", "b"])
    config = AutoConfig.for_model("bert", **SMALL | {"vocab_size": 7})
    torch.manual_seed(0)
    AutoModel.from_config(config).save_pretrained(folder)
    flags = ["--model_name_or_path", folder, "--train_file", ner_files[0], "--output_dir", str(tmp_path / "run")]
    with pytest.raises(OSError, match="found 100% of their tokens unknown"):
        run_ner.main(flags)


LONGEST = {  # family -> its field of positions, and how many of 64 are left for tokens
    "bert": ({}, 64),
    "roberta": ({"pad_token_id": 1}, 62),
    "camembert": ({"pad_token_id": 1}, 62),
    "mpnet": ({"pad_token_id": 1}, 62),
    "longformer": ({"pad_token_id": 1, "attention_window": 4}, 62),
    "luke": ({"pad_token_id": 1, "entity_vocab_size": 9, "entity_emb_size": 8}, 62),
    "ibert": ({"pad_token_id": 1}, 62),
    "data2vec-text": ({"pad_token_id": 1}, 62),
    "xlm-roberta-xl": ({"pad_token_id": 1}, 62),
    "roberta-prelayernorm": ({"pad_token_id": 1}, 62),
    "albert": ({"embedding_size": 8}, 64),
}


@pytest.mark.parametrize("family", LONGEST)
def test_longest_input_is_the_longest_that_the_encoder_takes(save, family):
    own, longest = LONGEST[family]
    tokenizer = load_tokenizer(save())[0]  # names no limit
    config = AutoConfig.for_model(family, **SMALL | own)
    assert longest_input(tokenizer, config) == longest
    model = AutoModel.from_config(config).eval()
    ids = torch.full((1, longest + 1), 5)
    with torch.no_grad():
        assert model(ids[:, :longest]).last_hidden_state.shape[1] >= longest
        if family != "longformer":  # which pads to its window, so that one more may fit
            with pytest.raises((IndexError, RuntimeError)):
                model(ids)


def test_relative_positions_have_no_end(save):
    tokenizer = load_tokenizer(save())[0]
    assert longest_input(tokenizer, AutoConfig.for_model("xlnet")) == tokenizer.model_max_length > 10**6
