"""Tokenizers that cut before and after each Chinese character and sign."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoTokenizer

from tests.encoding.small_tokenizers import TOKENIZERS, wrap
from utils.encoding.split_characters import SIGNS, split_characters, splits_characters
from utils.encoding.word_borders import HAN
from utils.modeling.token_inputs import tokenize

CORPUS = [
    "我们在北京大学学习中文 the new york times",
    "《北京大学》、《人工智能技术》，“北京大学”",
    "中国人民 2018 年 𠮷野家〇〇",
] * 9
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def unigram(**metaspace):
    tokenizer = Tokenizer(models.Unigram([("[UNK]", -10.0)], unk_id=0))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(**metaspace)]
    )
    trainer = trainers.UnigramTrainer(vocab_size=150, special_tokens=SPECIALS, unk_token="[UNK]", show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    return close(tokenizer)


def byte_level(before):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = before
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    options = {"special_tokens": SPECIALS, "initial_alphabet": alphabet, "show_progress": False}
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=500, **options))
    return close(tokenizer)


WORDS = pre_tokenizers.Split(Regex(r" ?\p{L}+| ?\p{N}+|\s+|."), "isolated")
BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


def close(tokenizer):
    tokenizer.post_processor = processors.TemplateProcessing(
        "[CLS] $A [SEP]", "[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return wrap(tokenizer)


KINDS = {
    "unigram": unigram(),
    "unigram with a mark before the first word only": unigram(prepend_scheme="first"),
    "byte-level": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=False)),
    "byte-level with a space before": byte_level(pre_tokenizers.ByteLevel(add_prefix_space=True)),
    "byte-level after a split": byte_level(pre_tokenizers.Sequence([WORDS, BYTES])),  # as in newer models,
}
TEXT = "我们在《北京大学》，the new york times学习中文"


def pieces(tokenizer, text):
    """What tokens cover; several may share a character."""
    found = tokenize(tokenizer, [text])[0]
    spans = dict.fromkeys(zip(found.starts, found.ends, strict=True))
    return [text[start:end] for start, end in spans if start < end]


@pytest.mark.parametrize("kind", KINDS)
def test_each_chinese_character_is_a_piece_and_all_else_is_as_before(kind):
    tokenizer = KINDS[kind]
    assert any(len(re.findall(f"[{HAN}]", piece)) > 1 for piece in pieces(tokenizer, TEXT))
    assert not splits_characters(tokenizer)
    split = split_characters(tokenizer)
    assert splits_characters(split)
    found = pieces(split, TEXT)
    assert all(len(piece) == 1 for piece in found if re.search(f"[{HAN}{SIGNS}]", piece))
    assert "".join(piece.replace(" ", "") for piece in found) == TEXT.replace(" ", "")
    english = "the new york times 2018"
    assert split(english)["input_ids"] == tokenizer(english)["input_ids"]
    assert not splits_characters(tokenizer)  # it stays as it was


USUAL = "北京大学学习中文人工智能thenewyork "
ODD = "》、《”“「。】 \u3000\u200b\ufeff\xa0\t\n\u2028é́ßİAａ１９20Ⅳ①%—。，“”😀👨‍👩‍👧𠮷〇㐀鿿豈丽ｶﾞ한ไ\ue000"


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=60)
@given(
    text=st.text(
        st.sampled_from("北京大学学习中文人工智能" + ODD + "thenewyork ") | st.characters(exclude_categories=["Cs"])
    )
)
def test_offsets_are_exact_whatever_the_text(kind, text):
    split = split_characters(KINDS[kind])
    found = tokenize(split, [text])[0]
    spans = [(start, end) for start, end in zip(found.starts, found.ends, strict=True) if start < end]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    known = {start for start, _ in spans}
    for place, character in enumerate(text):
        if re.match(f"[{HAN}{SIGNS}]", character):
            covering = [(start, end) for start, end in spans if start <= place < end]
            assert covering and all(span == (place, place + 1) for span in covering), (character, covering)
            assert place in known


@pytest.mark.parametrize("family", ["bert", "xlm-roberta", "roberta", "modernbert", "albert", "deberta-v2", "electra"])
@pytest.mark.parametrize("kind", KINDS)
def test_saved_tokenizer_splits_whatever_the_family(tmp_path, kind, family):
    split = split_characters(KINDS[kind])
    AutoConfig.for_model(family).save_pretrained(tmp_path)
    split.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert again(TEXT)["input_ids"] == split(TEXT)["input_ids"]
    assert again(TEXT, TEXT).keys() == split(TEXT, TEXT).keys()
    assert again.mask_token == "[MASK]" and again.model_max_length == split.model_max_length


def test_tokenizer_that_splits_already_is_left_alone():
    tokenizer = TOKENIZERS["wordpiece"]
    assert split_characters(tokenizer) is tokenizer
    split = split_characters(KINDS["unigram"])
    assert split_characters(split) is split


def test_inputs_are_named_as_before():
    tokenizer = KINDS["unigram"]
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    assert split_characters(tokenizer)("一").keys() == tokenizer("一").keys()
